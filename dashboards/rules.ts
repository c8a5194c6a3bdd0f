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

export const recordingGroups = (options: DashboardsOptions): RuleGroups => ({
  groups: [{ name: "pilotfish.recording", rules: recordingRules(options).map((rule) => ({ ...rule })) }],
});

export const alertingGroups = (options: DashboardsOptions): RuleGroups => ({
  groups: Object.entries(alertGroups(options)).map(([name, alerts]) => ({
    name,
    rules: Object.entries(alerts).map(([alert, definition]) => alertingRule(alert as AlertName, definition, options)),
  })),
});

export const ruleGroups = (options: DashboardsOptions): RuleGroups => ({ groups: [...recordingGroups(options).groups, ...alertingGroups(options).groups] });

function alertingRule(name: AlertName, alert: Alert, options: DashboardsOptions) {
  return {
    alert: name,
    expr: alert.expr,
    ...(alert.for !== undefined && { for: alert.for }),
    ...(alert.keepFiringFor !== undefined && { keep_firing_for: alert.keepFiringFor }),
    labels: labels(alert, options),
    annotations: annotations(name, alert, options),
  };
}

/** What an alert carries beside the labels of its series. */
export function labels({ urgency, labels: own }: Alert, options: DashboardsOptions): Readonly<Record<string, string>> {
  return { ...options.labels, severity: options.severities[urgency], ...own };
}

/** What a notification shows, as templates. */
export function annotations(name: AlertName, alert: Alert, options: DashboardsOptions): Readonly<Record<string, string>> {
  const { summary, description } = alert;
  return { summary, description, runbook_url: runbook(options, name), dashboard_url: dashboard(alert, options) };
}

/** Labels that are variables on the boards, and are in the address where the alert's own words name them. */
const variables = ["job", "instance", "model"];

function dashboard({ summary, description, board }: Alert, { grafana }: DashboardsOptions): string {
  const named = variables.filter((variable) => (summary + description).includes(`$labels.${variable} `));
  const query = named.map((variable) => `var-${variable}={{ $labels.${variable} | urlquery }}`).join("&");
  return `${grafana}/d/pilotfish-${board}${query === "" ? "" : `?${query}`}`;
}

export const rulesFile = (options: DashboardsOptions): string => stringify(ruleGroups(options), { lineWidth: 0 });
