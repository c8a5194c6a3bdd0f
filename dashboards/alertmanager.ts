/**
 * An example for Alertmanager: who is told what, and which alert makes which other one superfluous. The receivers are
 * webhooks on this machine, to be replaced; the inhibitions are worth keeping.
 */
import { stringify } from "yaml";
import type { AlertName } from "./alerts.ts";
import type { DashboardsOptions } from "./options.ts";

/** Pushed by Pilotfish itself, at once and with more to say than a rule knows. */
export const pushedAlerts = ["PilotfishFailover", "PilotfishDrift", "PilotfishApproval", "PilotfishRolloutAborted", "PilotfishRolloutUnheard"] as const;
type PushedName = (typeof pushedAlerts)[number];

interface Inhibition {
  readonly because: readonly (AlertName | PushedName)[];
  readonly silent: readonly AlertName[];
  /** Labels that must be the same on both. */
  readonly equal: readonly string[];
}

const target = ["job", "instance"];
const model = ["job", "model"];

/**
 * The cause that is told keeps quiet what follows from it; never the other way round, and never two from each other. Rules
 * about an instance carry their target, those about a service its model, and pushed alerts their model alone: what both sides
 * have decides which labels must be equal.
 */
export const inhibitions: readonly Inhibition[] = [
  {
    because: ["ModelServerUnreachable", "ModelServerStalled"],
    silent: ["ModelServerFailsInference", "ModelServerFlapping", "ModelServerWorse", "ModelServerQueueing", "ModelAnsweredByFallback", "ModelHighLatency", "ModelDrifted", "ModelPerformanceDropped", "ModelRetryBudgetExhausted"],
    equal: target,
  },
  { because: ["ModelServerFailsInference"], silent: ["ModelAnsweredByFallback", "ModelHighLatency", "ModelServerDegraded"], equal: target },
  { because: ["ModelServerCrashLooping"], silent: ["ModelServerRestarted", "ModelServerFlapping"], equal: target },
  { because: ["ModelRequestsUnanswered"], silent: ["ModelErrorBudgetFastBurn"], equal: model },
  { because: ["ModelRequestsUnanswered", "ModelErrorBudgetFastBurn"], silent: ["ModelErrorBudgetSlowBurn"], equal: model },
  { because: ["ModelNoRungLeft"], silent: ["ModelRequestsUnanswered", "ModelErrorBudgetFastBurn"], equal: model },
  { because: ["ModelLatencyBudgetFastBurn"], silent: ["ModelLatencyBudgetSlowBurn", "ModelHighLatency"], equal: model },
  { because: ["ModelFallbackBudgetFastBurn"], silent: ["ModelFallbackBudgetSlowBurn", "ModelAnsweredByFallback"], equal: model },
  { because: ["PilotfishFailover"], silent: ["ModelFallbackBudgetFastBurn", "ModelFallbackBudgetSlowBurn", "ModelAnsweredByFallback", "ModelHighLatency"], equal: ["model"] },
  { because: ["PilotfishDrift"], silent: ["ModelDrifted", "ModelInputsBroken", "ModelPerformanceDropped", "ModelMiscalibrated", "ModelPerformanceInDoubt", "ModelServerWorse"], equal: ["model", "stream"] },
  { because: ["ModelDrifted"], silent: ["ModelServerDegraded"], equal: [...target, "model"] },
  { because: ["ModelAccuracyBelowFloor"], silent: ["ModelEstimatedAccuracyBelowFloor"], equal: [...target, "model", "metric"] },
  { because: ["PilotfishRolloutUnheard"], silent: ["RolloutActuationFailed", "RolloutRollbackUnconfirmed"], equal: ["actuator"] },
  { because: ["RolloutHarming"], silent: ["RolloutUndecided"], equal: [...target, "model"] },
  { because: ["ModelVersionFlapping"], silent: ["ModelVersionChanged"], equal: [...target, "model"] },
  { because: ["GpuFellOffBus"], silent: ["GpuFatalError", "GpuFailed", "GpuFault", "GpuApplicationError"], equal: [...target, "gpu"] },
  { because: ["GpuFatalError"], silent: ["GpuFailed", "GpuMemoryErrors", "GpuFault", "GpuApplicationError"], equal: [...target, "gpu"] },
  { because: ["GpuFailed"], silent: ["GpuRowRemapFailed"], equal: [...target, "gpu"] },
  { because: ["GpuRowRemapFailed"], silent: ["GpuRowRemapPending"], equal: [...target, "gpu"] },
  { because: ["GpuThrottled"], silent: ["GpuHot"], equal: [...target, "gpu"] },
  { because: ["PilotfishDown"], silent: ["PilotfishCrashLooping", "PilotfishCollectorDown", "PilotfishGpuUnknown", "PilotfishAnalysisBlind"], equal: target },
  { because: ["PilotfishAnalysisDown"], silent: ["PilotfishAnalysisBlind", "PilotfishSamplesDropped", "RolloutJudgeBlind"], equal: target },
  { because: ["StateDiskNearlyFull"], silent: ["PilotfishStateNotWritten"], equal: target },
];

const webhook = (path: string) => [{ url: `http://localhost:8080/${path}`, send_resolved: true }];

const watchdog: AlertName = "PilotfishWatchdog";
/** A receiver outside that raises the alarm itself when the watchdog falls silent for longer than this. */
const watchdogInterval = "1m";

export const alertmanagerFile = ({ severities }: DashboardsOptions): string =>
  stringify(
    {
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
          { matchers: [`severity=${JSON.stringify(severities.page)}`], receiver: "pager" },
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
    },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );

const matcher = (names: readonly string[]): string => (names.length === 1 ? `alertname="${names[0]}"` : `alertname=~"${names.join("|")}"`);
