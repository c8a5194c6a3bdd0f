/**
 * What is wrong with the model server? That it is down, wrong or hung is a page although it is a cause: probes ask what a
 * client would ask, so they are the symptom where there is little traffic. Where clients' own pain is told already,
 * Alertmanager keeps these quiet.
 */
import type { ProbeObservation } from "../../agent/observation.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, oneOf, sumWithout } from "../promql.ts";
import { selecting, type Alerts } from "./alert.ts";

/** What of a server's traffic is judged beside its probes. */
export const serverStreams = ["latency", "failures"];

export function server(options: DashboardsOptions) {
  const from = selecting(options);
  const probe = (name: ProbeObservation["probe"]) => from(instruments.probeSuccess, { probe: name });
  const starts = (window: string) => `changes(${from(instruments.processStart, { process: "server" })}[${window}])`;

  return {
    ModelServerUnreachable: {
      urgency: "page",
      expr: `${probe("http")} == 0`,
      for: "1m",
      summary: "The model server beside {{ $labels.instance }} is not ready",
      description: "Its health endpoint has not said ready for a minute. Look whether its process runs and what it said last.",
      board: "failover",
    },
    ModelServerFailsInference: {
      urgency: "page",
      expr: `${probe("inference")} == 0`,
      for: "1m",
      summary: "The model server beside {{ $labels.instance }} fails the known question",
      description: "Asked a question whose answer is known, it has answered wrongly or not at all for a minute, whatever its health endpoint says. Look which model it has loaded.",
      board: "failover",
    },
    ModelServerStalled: {
      urgency: "page",
      expr: `${probe("progress")} == 0`,
      for: "30s",
      summary: "The model server beside {{ $labels.instance }} hangs",
      description: "It has work in flight and makes no progress. Look whether the GPU's driver answers, then restart it.",
      board: "failover",
    },
    ModelServerUnknown: {
      urgency: "ticket",
      expr: `${from(instruments.failoverState, { state: "unknown" })} == 1`,
      for: "5m",
      summary: "Nobody knows how {{ $labels.model }} is",
      description: "For 5 minutes neither traffic nor a probe has told Pilotfish at {{ $labels.instance }} whether the model server works. Look which probes are on.",
      board: "failover",
    },
    ModelServerDegraded: {
      urgency: "ticket",
      expr: `${from(instruments.failoverState, { state: "degraded" })} == 1`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "{{ $labels.model }} answers, but its answers are in doubt",
      description: "For 15 minutes the model server beside {{ $labels.instance }} has counted as degraded. Look at drift and performance.",
      board: "overview",
    },
    ModelServerWorse: {
      urgency: "ticket",
      expr: `${from(instruments.driftAlarm, { stream: oneOf(serverStreams) })} == 1`,
      for: "5m",
      keepFiringFor: "15m",
      summary: "The server of {{ $labels.model }} does worse than it used to: {{ $labels.stream }}",
      description: "The {{ $labels.stream }} seen at {{ $labels.instance }} rose over what they were before. Look what changed at that time: a version, a load, a neighbour.",
      board: "inference",
    },
    ModelServerFlapping: {
      urgency: "ticket",
      expr: `${sumWithout(["from", "reason"], increase(from(instruments.transitions, { to: "failed" }), "30m"))} > 3`,
      keepFiringFor: "15m",
      summary: "{{ $labels.model }} fails and recovers again and again",
      description: "Its circuit opened {{ $value | humanize }} times within 30 minutes at {{ $labels.instance }}. Look what precedes each failure.",
      board: "failover",
    },
    ModelServerRestarted: {
      urgency: "info",
      expr: `${starts("15m")} > 0`,
      summary: "The model server beside {{ $labels.instance }} was started anew",
      description: "Its process began anew {{ $value | humanize }} times within 15 minutes, in the same pod. Look how the one before ended: its exit code, an OOM kill.",
      board: "failover",
    },
    ModelServerCrashLooping: {
      urgency: "ticket",
      expr: `${starts("30m")} >= 3`,
      keepFiringFor: "15m",
      summary: "The model server beside {{ $labels.instance }} crashes again and again",
      description: "Its process began anew {{ $value | humanize }} times within 30 minutes. Look what it says last, and whether one request crashes it.",
      board: "failover",
    },
    ModelServerQueueing: {
      urgency: "ticket",
      expr: `avg_over_time(${from(instruments.serverQueue)}[5m]) > ${options.thresholds.queue}`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "Requests pile up in the model server beside {{ $labels.instance }}",
      description: "{{ $value | humanize }} requests waited in it on average. Look at its batches and at the GPU; more replicas, or less load.",
      board: "inference",
    },
  } as const satisfies Alerts;
}
