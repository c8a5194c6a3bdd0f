/**
 * An example for Alertmanager: who is told what, and which alert makes which other one superfluous. The receivers are
 * webhooks on this machine, to be replaced; the inhibitions are worth keeping.
 */
import { stringify } from "yaml";
import type { AlertName } from "./alerts.ts";

/** Pushed by Pilotfish itself, at once and with more to say than a rule knows. */
export const pushedAlerts = ["PilotfishFailover", "PilotfishDrift", "PilotfishApproval"] as const;
type PushedName = (typeof pushedAlerts)[number];

interface Inhibition {
  readonly because: readonly (AlertName | PushedName)[];
  readonly silent: readonly AlertName[];
  /** Labels that must be the same on both. */
  readonly equal: readonly string[];
}

/** Rules carry their target, and pushed alerts their model: what both sides have decides which labels must be equal. */
const inhibitions: readonly Inhibition[] = [
  {
    because: ["ModelServerUnreachable", "ModelServerStalled"],
    silent: ["ModelServerFailsInference", "ModelServerFlapping", "ModelAnsweredByFallback", "ModelHighLatency", "ModelDrifted", "ModelPerformanceDropped"],
    equal: ["job", "instance"],
  },
  { because: ["ModelServerFailsInference"], silent: ["ModelAnsweredByFallback", "ModelHighLatency"], equal: ["job", "instance"] },
  { because: ["ModelRequestsUnanswered"], silent: ["ModelErrorBudgetFastBurn"], equal: ["job", "instance", "model"] },
  { because: ["ModelRequestsUnanswered", "ModelErrorBudgetFastBurn"], silent: ["ModelErrorBudgetSlowBurn"], equal: ["job", "instance", "model"] },
  { because: ["PilotfishFailover"], silent: ["ModelAnsweredByFallback", "ModelHighLatency"], equal: ["model"] },
  { because: ["PilotfishDrift"], silent: ["ModelDrifted", "ModelPerformanceDropped"], equal: ["model", "stream"] },
];

const webhook = (path: string) => [{ url: `http://localhost:8080/${path}`, send_resolved: true }];

const watchdog: AlertName = "PilotfishWatchdog";
/** A receiver outside that raises the alarm itself when the watchdog falls silent for longer than this. */
const watchdogInterval = "1m";

export const alertmanagerFile = (): string =>
  stringify({
    route: {
      receiver: "chat",
      // Not by instance: one page for a model, however many pods of it suffer.
      group_by: ["alertname", "model"],
      group_wait: "10s",
      group_interval: "1m",
      repeat_interval: "4h",
      routes: [
        {
          matchers: [matcher([watchdog])],
          receiver: "dead-man",
          group_wait: "0s",
          group_interval: watchdogInterval,
          repeat_interval: watchdogInterval,
        },
        { matchers: ['severity="critical"'], receiver: "pager" },
      ],
    },
    inhibit_rules: inhibitions.map(({ because, silent, equal }) => ({
      source_matchers: [matcher(because)],
      target_matchers: [matcher(silent)],
      equal,
    })),
    receivers: [
      { name: "pager", webhook_configs: webhook("pager") },
      { name: "chat", webhook_configs: webhook("chat") },
      { name: "dead-man", webhook_configs: webhook("dead-man") },
    ],
  });

const matcher = (names: readonly string[]): string => (names.length === 1 ? `alertname="${names[0]}"` : `alertname=~"${names.join("|")}"`);
