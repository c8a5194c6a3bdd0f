/**
 * Every alert, in the order in which a person on call asks: do clients get answers, what is wrong with the server, are the
 * answers still good, is the machine to blame, does Pilotfish itself still see.
 *
 * `PilotfishFailover` and `PilotfishDrift` are pushed to Alertmanager by Pilotfish itself and must not be rules as well.
 * Each alert has a page in docs/runbooks and a story in rule-tests.ts that makes it fire.
 */
import type { ProbeObservation } from "../agent/observation.ts";
import { instruments } from "../exporters/instruments.ts";
import type { DashboardsOptions } from "./options.ts";
import { buckets, increase, noneOf, oneOf, quantile, rate, select, share, sumWithout, up } from "./promql.ts";
import { unansweredShare, validRequests } from "./recording.ts";

export interface Alert {
  readonly severity: "critical" | "warning" | "info" | "none";
  readonly expr: string;
  /** How long it must hold before it is told. */
  readonly for?: string;
  /** How long it stays after it last held, against flapping. */
  readonly keepFiringFor?: string;
  /** One line without values. */
  readonly summary: string;
  readonly description: string;
}

const probe = (name: ProbeObservation["probe"]) => select(instruments.probeSuccess, { probe: name });

/** Reasons that mean trouble; a power cap is how a busy GPU normally runs. */
const troubledGpu = "~.*(thermal|brake|slowdown).*";

/** Streams that say that the model is wrong more often, and those that say that it may be. */
const worse = ["mistakes", "error-rate"];
const doubtful = ["calibration", "estimated-performance"];

/** What is let go between the gateway and the detectors, such as `sample-too-large` and `analysis-queue`. */
const onTheWayToAnalysis = "(sample|analysis)-.*";

/** All alerts by group; the group's name ends in the question that it answers. */
export function alertGroups({ objective, minimumRequests, slow, job }: DashboardsOptions) {
  const slowSeconds = slow / 1000;
  const answers = select(instruments.requests, { outcome: "ok" });
  const fallbackAnswers = select(instruments.requests, { outcome: "ok", rung: "!primary" });

  // Rounded, since 1 - 0.999 is not quite 0.001 in binary.
  const burns = (window: Parameters<typeof unansweredShare>[0], factor: number) =>
    `${unansweredShare(window)} > ${Number((factor * (1 - objective)).toPrecision(6))}`;

  return {
    "pilotfish.answers": {
      ModelRequestsUnanswered: {
        severity: "critical",
        expr: `${unansweredShare("5m")} > 0.05 and ${validRequests("5m")} > 10`,
        for: "2m",
        summary: "Clients of {{ $labels.model }} get no answer",
        description: "{{ $value | humanizePercentage }} of the requests of the last 5 minutes got an answer from nobody, neither {{ $labels.model }} nor a rung of its ladder.",
      },
      ModelErrorBudgetFastBurn: {
        severity: "critical",
        expr: `(${burns("1h", 14.4)} and ${burns("5m", 14.4)} or ${burns("6h", 6)} and ${burns("30m", 6)}) and ${validRequests("1h")} > ${minimumRequests}`,
        summary: "{{ $labels.model }} spends its error budget within days",
        description: "{{ $value | humanizePercentage }} of the requests went unanswered over the last hours; at this rate the month's budget is gone in days.",
      },
      ModelErrorBudgetSlowBurn: {
        severity: "warning",
        expr: `(${burns("1d", 3)} and ${burns("2h", 3)} or ${burns("3d", 1)} and ${burns("6h", 1)}) and ${validRequests("1d")} > ${minimumRequests}`,
        summary: "{{ $labels.model }} spends its error budget faster than it may",
        description: "{{ $value | humanizePercentage }} of the requests went unanswered over the last days; the month's budget will not last the month.",
      },
      ModelAnsweredByFallback: {
        severity: "warning",
        expr: `${share(sumWithout(["rung", "reason", "outcome"], rate(fallbackAnswers, "5m")), sumWithout(["rung", "reason", "outcome"], rate(answers, "5m")))} > 0.01`,
        for: "5m",
        keepFiringFor: "5m",
        summary: "A fallback answers for {{ $labels.model }}",
        description: "{{ $value | humanizePercentage }} of the answers came from a rung of the ladder and not from the model server.",
      },
      ModelHighLatency: {
        severity: "warning",
        expr: `${quantile(0.99, sumWithout(["rung", "outcome"], rate(buckets(select(instruments.requestDuration)), "5m")))} > ${slowSeconds} and ${validRequests("5m")} > 10`,
        for: "10m",
        summary: "{{ $labels.model }} answers slowly",
        description: `One request in a hundred takes {{ $value | humanizeDuration }} or longer; up to ${slowSeconds}s counts as good.`,
      },
    },

    "pilotfish.server": {
      ModelServerUnreachable: {
        severity: "critical",
        expr: `${probe("http")} == 0`,
        for: "1m",
        summary: "The model server beside {{ $labels.instance }} is not ready",
        description: "Its health endpoint has not said ready for a minute.",
      },
      ModelServerFailsInference: {
        severity: "critical",
        expr: `${probe("inference")} == 0`,
        for: "1m",
        summary: "The model server beside {{ $labels.instance }} fails the known question",
        description: "Asked a question whose answer is known, it has answered wrongly or not at all for a minute, whatever its health endpoint says.",
      },
      ModelServerStalled: {
        severity: "critical",
        expr: `${probe("progress")} == 0`,
        for: "30s",
        summary: "The model server beside {{ $labels.instance }} hangs",
        description: "It has work in flight and makes no progress.",
      },
      ModelServerUnknown: {
        severity: "warning",
        expr: `${select(instruments.failoverState, { state: "unknown" })} == 1`,
        for: "5m",
        summary: "Nobody knows how {{ $labels.model }} is",
        description: "For 5 minutes neither traffic nor a probe has told Pilotfish at {{ $labels.instance }} whether the model server works.",
      },
      ModelServerFlapping: {
        severity: "warning",
        expr: `${sumWithout(["from", "reason"], increase(select(instruments.transitions, { to: "failed" }), "30m"))} > 3`,
        keepFiringFor: "15m",
        summary: "{{ $labels.model }} fails and recovers again and again",
        description: "Its circuit opened {{ $value | humanize }} times within 30 minutes.",
      },
    },

    "pilotfish.quality": {
      ModelDrifted: {
        severity: "warning",
        expr: `${select(instruments.driftAlarm, { stream: noneOf([...worse, ...doubtful]) })} == 1`,
        keepFiringFor: "15m",
        summary: "{{ $labels.model }} has drifted: {{ $labels.stream }}",
        description: "The evidence that its {{ $labels.stream }} are no longer what they were passed the threshold that follows from the false-alarm budget.",
      },
      ModelPerformanceDropped: {
        severity: "warning",
        expr: `${select(instruments.driftAlarm, { stream: oneOf(worse) })} == 1`,
        keepFiringFor: "15m",
        summary: "{{ $labels.model }} makes more mistakes than before",
        description: "Compared with the actuals that came in, its rate of mistakes has risen: {{ $labels.stream }}.",
      },
      ModelPerformanceInDoubt: {
        severity: "warning",
        expr: `${select(instruments.driftAlarm, { stream: oneOf(doubtful) })} == 1`,
        keepFiringFor: "15m",
        summary: "{{ $labels.model }} may do worse than before: {{ $labels.stream }}",
        description: "No rise of its mistakes is proved, but its {{ $labels.stream }} left what the reference shows.",
      },
    },

    "pilotfish.hardware": {
      ContainerCpuThrottled: {
        severity: "warning",
        expr: `${rate(select(instruments.cpuThrottled), "5m")} > 0.25`,
        for: "10m",
        summary: "The CPU limit holds {{ $labels.container }} back",
        description: "In each second its tasks waited {{ $value | humanizeDuration }} for the CPU because of its limit.",
      },
      ContainerMemoryNearLimit: {
        severity: "warning",
        expr: `${select(instruments.memoryWorkingSet)} / ${select(instruments.memoryLimit)} > 0.9`,
        for: "5m",
        summary: "{{ $labels.container }} is close to its memory limit",
        description: "{{ $value | humanizePercentage }} of the limit is in use and can not be reclaimed; at the limit the kernel kills a process.",
      },
      ContainerOomKilled: {
        severity: "critical",
        expr: `${increase(select(instruments.oomKills), "10m")} > 0`,
        summary: "The kernel killed a process in {{ $labels.container }} for memory",
        description: "It happened within the last 10 minutes, in the pod of {{ $labels.instance }}.",
      },
      GpuThrottled: {
        severity: "warning",
        expr: `${select(instruments.gpuThrottle, { reason: troubledGpu })} == 1`,
        for: "5m",
        summary: "GPU {{ $labels.gpu }} is held back",
        description: "Its clock has been kept low for 5 minutes: {{ $labels.reason }}.",
      },
      GpuMemoryErrors: {
        severity: "critical",
        expr: `${increase(select(instruments.gpuErrors, { type: "!corrected" }), "10m")} > 0`,
        keepFiringFor: "1h",
        summary: "GPU {{ $labels.gpu }} has memory errors that could not be corrected",
        description: "Errors of type {{ $labels.type }} came in within the last 10 minutes; answers may be wrong without any other sign.",
      },
    },

    "pilotfish.self": {
      PilotfishAbsent: {
        severity: "critical",
        expr: `absent(${select(up, { job })})`,
        for: "5m",
        summary: "Prometheus knows of no Pilotfish",
        description: "The job {{ $labels.job }} has had no target for 5 minutes, so no other alert here can fire.",
      },
      PilotfishDown: {
        severity: "critical",
        expr: `${select(up, { job })} == 0`,
        for: "1m",
        summary: "Pilotfish at {{ $labels.instance }} does not answer Prometheus",
        description: "Its metrics could not be scraped for a minute. Where traffic passes it, traffic is at risk.",
      },
      PilotfishAnalysisBlind: {
        severity: "warning",
        // Samples are not counted by model, so rows are added up over all models of the target.
        expr: `${sumWithout(["result"], increase(select(instruments.samples, { result: "taken" }), "15m"))} > 10 unless ${sumWithout(["model", "result"], increase(select(instruments.analysed, { result: "analysed" }), "15m"))} > 0`,
        for: "5m",
        summary: "Pilotfish at {{ $labels.instance }} can not see drift",
        description: "{{ $value | humanize }} samples were taken within 15 minutes and not a row was analysed, so a quiet drift panel means nothing.",
      },
      PilotfishSamplesDropped: {
        severity: "warning",
        expr: `${sumWithout(["what"], rate(select(instruments.dropped, { what: `~${onTheWayToAnalysis}` }), "15m"))} / ${sumWithout(["result"], rate(select(instruments.samples, { result: "taken" }), "15m"))} > 0.05`,
        for: "15m",
        summary: "Pilotfish at {{ $labels.instance }} drops samples",
        description: "Compared with the samples that were taken, {{ $value | humanizePercentage }} were let go before they were analysed, so drift is judged on fewer rows.",
      },
      PilotfishDropped: {
        severity: "info",
        expr: `${rate(select(instruments.dropped, { what: `!~${onTheWayToAnalysis}` }), "5m")} > 0`,
        for: "15m",
        summary: "Pilotfish at {{ $labels.instance }} lets {{ $labels.what }} go",
        description: "A bound has been reached again and again for 15 minutes; {{ $value | humanize }} a second are let go.",
      },
      PilotfishCollectorDown: {
        severity: "warning",
        // A source that never was there, such as a GPU on a machine without one, is no news.
        expr: `${select(instruments.collectorUp)} == 0 and max_over_time(${select(instruments.collectorUp)}[1d]) == 1`,
        for: "10m",
        summary: "The source {{ $labels.collector }} has gone silent",
        description: "Pilotfish at {{ $labels.instance }} has read nothing from it for 10 minutes; its series are absent, not zero.",
      },
      PilotfishLoopLate: {
        severity: "warning",
        expr: `${select(instruments.loopDelay)} > 0.25`,
        for: "10m",
        summary: "Pilotfish at {{ $labels.instance }} is starved of CPU",
        description: "Its main loop runs up to {{ $value | humanizeDuration }} late, which every request that passes it waits for.",
      },
      PilotfishStateNotWritten: {
        severity: "warning",
        expr: `${sumWithout(["result"], increase(select(instruments.storeWrites, { result: "!ok" }), "10m"))} > 0`,
        for: "5m",
        summary: "Pilotfish at {{ $labels.instance }} can not write its state",
        description: "{{ $value | humanize }} writes failed within 10 minutes; after a restart it would not know what it knows now.",
      },
      PilotfishConfigReloadFailed: {
        severity: "warning",
        expr: `${select(instruments.configReloadOk)} == 0`,
        for: "1m",
        summary: "Pilotfish at {{ $labels.instance }} refused its new config",
        description: "The config that was last offered is broken; the one before is still in force.",
      },
      PilotfishAlertmanagerUnreachable: {
        severity: "warning",
        expr: `${share(sumWithout(["result"], rate(select(instruments.notifications, { result: "!ok" }), "5m")), sumWithout(["result"], rate(select(instruments.notifications), "5m")))} > 0.5`,
        for: "5m",
        summary: "Pilotfish at {{ $labels.instance }} can not reach Alertmanager",
        description: "{{ $value | humanizePercentage }} of its pushes failed; news of failover and drift may reach nobody.",
      },
      PilotfishWatchdog: {
        severity: "none",
        expr: "vector(1)",
        summary: "Always firing: alerting works",
        description: "Its absence at the receiver means that Prometheus, Alertmanager or the way between them is broken.",
      },
    },
  } as const satisfies Readonly<Record<string, Readonly<Record<string, Alert>>>>;
}

type Groups = ReturnType<typeof alertGroups>;
export type AlertName = { [Group in keyof Groups]: keyof Groups[Group] }[keyof Groups];

/** Every alert under its name. */
export function alertsByName(options: DashboardsOptions): Readonly<Record<AlertName, Alert>> {
  return Object.assign({}, ...Object.values(alertGroups(options))) as Record<AlertName, Alert>;
}

/** The address of an alert's page. */
export const runbook = ({ runbooks }: Pick<DashboardsOptions, "runbooks">, alert: AlertName): string => `${runbooks}/${alert}.md`;
