/**
 * Do clients get answers, in time, and the model's own? These are the symptoms. Each objective has a fast burn, which calls
 * somebody, and a slow one, which is a ticket; the burn rates' windows stand in for `for`.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { buckets, increase, quantile, rate, share, sumWithout } from "../promql.ts";
import { allRequests, badShare, burning, type Objective } from "../recording.ts";
import { selecting, type Alerts } from "./alert.ts";

export function answers(options: DashboardsOptions) {
  const from = selecting(options);
  const slowSeconds = options.slow / 1000;
  const ok = from(instruments.requests, { outcome: "ok" });
  const byFallback = from(instruments.requests, { outcome: "ok", rung: "!primary" });
  const slo = (objective: Objective, speed: "fast" | "slow") => ({
    expr: burning(objective, speed, options),
    // Ratios over windows fall slowly; the short window clears within minutes, and may do so between two bursts.
    keepFiringFor: speed === "fast" ? "5m" : "30m",
    labels: { slo: objective },
  });

  return {
    ModelRequestsUnanswered: {
      urgency: "page",
      expr: `${badShare("availability", "5m")} > 0.05 and ${allRequests("availability", options, "5m")} > 10`,
      for: "2m",
      labels: { slo: "availability" },
      summary: "Clients of {{ $labels.model }} get no answer",
      description: "{{ $value | humanizePercentage }} of the requests of the last 5 minutes got an answer from nobody, neither {{ $labels.model }} nor a rung of its ladder. Look who answers now and why the others do not.",
      board: "overview",
    },
    ModelErrorBudgetFastBurn: {
      urgency: "page",
      ...slo("availability", "fast"),
      summary: "{{ $labels.model }} spends its error budget within days",
      description: `{{ $value | humanizePercentage }} of the requests went unanswered over the last hours; at this rate the budget of ${options.period} is gone in days. Look which outcomes they had.`,
      board: "overview",
    },
    ModelErrorBudgetSlowBurn: {
      urgency: "ticket",
      ...slo("availability", "slow"),
      summary: "{{ $labels.model }} spends its error budget faster than it may",
      description: `{{ $value | humanizePercentage }} of the requests went unanswered over the last days; the budget will not last its ${options.period}. Look at what hour they fail.`,
      board: "overview",
    },
    ModelLatencyBudgetFastBurn: {
      urgency: "page",
      ...slo("latency", "fast"),
      summary: "Answers of {{ $labels.model }} come too late",
      description: `{{ $value | humanizePercentage }} of the answers of the last hours took longer than ${slowSeconds}s. Look whether the server queues, its CPU is throttled or its GPU held back.`,
      board: "inference",
    },
    ModelLatencyBudgetSlowBurn: {
      urgency: "ticket",
      ...slo("latency", "slow"),
      summary: "Answers of {{ $labels.model }} come too late more often than they may",
      description: `{{ $value | humanizePercentage }} of the answers of the last days took longer than ${slowSeconds}s. Look whether it goes with the load.`,
      board: "inference",
    },
    ModelFallbackBudgetFastBurn: {
      urgency: "page",
      ...slo("quality", "fast"),
      summary: "Clients of {{ $labels.model }} get a fallback's answers",
      description: "{{ $value | humanizePercentage }} of the answers of the last hours came from the ladder and not from the model. Look why the primary is not asked.",
      board: "failover",
    },
    ModelFallbackBudgetSlowBurn: {
      urgency: "ticket",
      ...slo("quality", "slow"),
      summary: "A fallback answers for {{ $labels.model }} more often than it may",
      description: "{{ $value | humanizePercentage }} of the answers of the last days came from the ladder and not from the model. Look for which reasons.",
      board: "failover",
    },
    ModelAnsweredByFallback: {
      urgency: "info",
      expr: `${share(sumWithout(["rung", "reason", "outcome"], rate(byFallback, "5m")), sumWithout(["rung", "reason", "outcome"], rate(ok, "5m")))} > 0.01`,
      for: "5m",
      keepFiringFor: "5m",
      summary: "A fallback answers for {{ $labels.model }}",
      description: "{{ $value | humanizePercentage }} of the answers of {{ $labels.instance }} came from a rung of the ladder and not from the model server. The reason is on the board.",
      board: "failover",
    },
    ModelHighLatency: {
      urgency: "info",
      expr: `${quantile(0.99, sumWithout(["rung", "outcome"], rate(buckets(from(instruments.requestDuration)), "5m")))} > ${slowSeconds} and ${sumWithout(["rung", "reason", "outcome"], increase(from(instruments.requests), "5m"))} > 10`,
      for: "10m",
      keepFiringFor: "5m",
      summary: "{{ $labels.model }} answers slowly",
      description: `One request in a hundred at {{ $labels.instance }} takes {{ $value | humanizeDuration }} or longer; up to ${slowSeconds}s counts as good. Look at the queue and at the machine.`,
      board: "inference",
    },
  } as const satisfies Alerts;
}
