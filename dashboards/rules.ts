/** The rules file that Prometheus loads: what is recorded, and what is told to people. */
import { stringify } from "yaml";
import { alertGroups, runbook, type Alert, type AlertName } from "./alerts.ts";
import type { DashboardsOptions } from "./options.ts";
import { recordingRules } from "./recording.ts";

/** In Prometheus's own words, since this is its file format. */
export interface RuleGroups {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly Readonly<Record<string, unknown>>[];
  }[];
}

export function ruleGroups(options: DashboardsOptions): RuleGroups {
  const alerting = Object.entries<Readonly<Record<string, Alert>>>(alertGroups(options)).map(([name, alerts]) => ({
    name,
    rules: Object.entries(alerts).map(([alert, definition]) => alertingRule(alert as AlertName, definition, options)),
  }));
  return { groups: [{ name: "pilotfish.recording", rules: recordingRules.map((rule) => ({ ...rule })) }, ...alerting] };
}

function alertingRule(name: AlertName, alert: Alert, options: DashboardsOptions) {
  return {
    alert: name,
    expr: alert.expr,
    ...(alert.for !== undefined && { for: alert.for }),
    ...(alert.keepFiringFor !== undefined && { keep_firing_for: alert.keepFiringFor }),
    labels: { severity: alert.severity },
    annotations: annotations(name, alert, options),
  };
}

/** What a notification shows, as templates. */
export function annotations(name: AlertName, { summary, description }: Alert, options: DashboardsOptions) {
  return { summary, description, runbook_url: runbook(options, name) };
}

export const rulesFile = (options: DashboardsOptions): string => stringify(ruleGroups(options), { lineWidth: 0 });
