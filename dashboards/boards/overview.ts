/** Is it serving, from which rung, how much of the error budget is left, and what is wrong now: the way into all others. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { BigValueGraphMode, BigValueTextMode, StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { fromRow, to, type Link } from "../links.ts";
import { fixedColor, list, notANumber, stat, thresholds, timeSeries } from "../panels.ts";
import { buckets, count, firing, increase, maxBy, minBy, noneOf, oneOf, quantile, rate, select, share, sumBy } from "../promql.ts";
import { clientsDoing } from "../recording.ts";
import { phaseOfRollout } from "../rows/rollout.ts";
import { shown, type Row } from "../rows/row.ts";
import { stateOfPrimary, traffic, whoAnswers } from "../rows/state.ts";
import { judgedByTruth } from "../rows/streams.ts";
import type { Board } from "./board.ts";

const { all, valid, answered, byFallback } = traffic;

const latency = (q: number) => quantile(q, sumBy(["le"], rate(buckets(shown(instruments.requestDuration)))));
const percentiles = [
  { expr: latency(0.5), legend: "p50" },
  { expr: latency(0.95), legend: "p95" },
  { expr: latency(0.99), legend: "p99" },
];

/** Of the requests of 30 days that may fail, how many are left. */
const budgetLeft = (objective: number) => {
  const unanswered = sumBy([], increase(shown(instruments.requests, { outcome: noneOf(["ok", ...clientsDoing]) }), "30d"));
  const every = sumBy([], increase(shown(instruments.requests, { outcome: noneOf(clientsDoing) }), "30d"));
  return `1 - (${share(unanswered, every)}) / ${Number((1 - objective).toPrecision(6))}`;
};

const serving: Row = {
  id: 10,
  title: "Is it serving, from which rung, and how much error budget is left?",
  panels: ({ help, limit, objective, slowSeconds }) => [
    stat(
      {
        id: 11,
        title: "Answered",
        description: "Share of requests that got an answer, from whomever. Requests that were the client's fault or that the client gave up count neither way.",
        width: 4,
        height: 4,
        unit: units.PercentUnit,
        runbook: help("ModelRequestsUnanswered"),
        to: to("inference", "Inference: which requests"),
      },
      [{ expr: share(sumBy([], answered), sumBy([], valid)), legend: "answered" }],
    )
      .decimals(2)
      .max(1)
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["red"], ["orange", 1 - limit("ModelRequestsUnanswered")], ["green", objective])),
    stat(
      {
        id: 15,
        title: "Answers now",
        description: "The backend that new requests go to: the primary, or the first rung of the ladder that can answer.",
        width: 4,
        height: 4,
        unit: "none",
        runbook: help("ModelAnsweredByFallback"),
        to: to("failover", "Failover: since when and why"),
      },
      [{ expr: `${maxBy(["rung"], shown(instruments.activeRung))} == 1`, legend: "{{rung}}" }],
    )
      .textMode(BigValueTextMode.Name)
      .graphMode(BigValueGraphMode.None)
      .colorScheme(fixedColor("orange"))
      .overrideByRegexp("/^primary$/", [{ id: "color", value: { mode: "fixed", fixedColor: "green" } }]),
    stat(
      {
        id: 22,
        title: "Error budget left",
        description: `Of the requests that may go unanswered within 30 days (${Number(((1 - objective) * 100).toPrecision(6))} %), the share that is left. Below zero the objective is missed. Where Prometheus keeps less than 30 days, of those that it has.`,
        width: 4,
        height: 4,
        unit: units.PercentUnit,
        runbook: help("ModelErrorBudgetSlowBurn"),
        to: to("inference", "Inference: which requests"),
      },
      [{ expr: budgetLeft(objective), legend: "left", instant: true }],
    )
      .decimals(1)
      .mappings([notANumber("no traffic")])
      .graphMode(BigValueGraphMode.None)
      .thresholds(thresholds(["red"], ["orange", 0], ["green", 0.5])),
    stat(
      { id: 12, title: "Requests", description: "Inference requests that ended, a second, whatever became of them.", width: 4, height: 4, unit: units.RequestsPerSecond, to: to("inference", "Inference: by model and rung") },
      [{ expr: sumBy([], all), legend: "requests" }],
    ).colorScheme(fixedColor("blue")),
    stat(
      {
        id: 13,
        title: "Latency now",
        description: `From a request's first byte to its answer's last, as clients saw it: half of the requests, 19 of 20, 99 of 100 were at least this fast. Up to ${slowSeconds}s counts as good.`,
        width: 8,
        height: 4,
        unit: units.Seconds,
        runbook: help("ModelHighLatency"),
        to: to("inference", "Inference: where the time goes"),
      },
      percentiles,
    )
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["green"], ["orange", limit("ModelHighLatency")])),
    stateOfPrimary({ id: 16, width: 8, height: 6, runbook: help("ModelServerUnknown"), to: to("failover", "Failover: since when and why", ["instance", "model"]) }),
    whoAnswers({ id: 17, width: 8, height: 6, runbook: help("ModelServerFlapping"), to: to("failover", "Failover: since when and why", ["model"]) }),
    phaseOfRollout({ id: 23, width: 8, height: 6, runbook: help("RolloutUndecided"), to: to("rollout", "Rollout: is it worse?", ["instance", "model"]) }),
  ],
};

const firingAlerts = select(firing, { job: "~$job", instance: "~$instance", alertstate: "firing" });

/** Exact where the bound is a bucket's. */
const slowShare = (slowSeconds: number) =>
  `1 - ${sumBy([], rate(buckets(shown(instruments.requestDuration), slowSeconds)))} / ${sumBy([], rate(count(shown(instruments.requestDuration))))}`;

/** A tile that is green at 0, for what should not be, and a way to the board that has the rest. */
const tile = (id: number, title: string, description: string, expr: string, way: Link, runbook: Link, unit: string = units.Short, orange = 1) =>
  stat({ id, title, description, width: 3, height: 4, unit, to: way, runbook, nothing: "–" }, [{ expr, legend: title }])
    .graphMode(BigValueGraphMode.None)
    .mappings([notANumber("no traffic")])
    .thresholds(thresholds(["green"], ["orange", orange]));

const wrong: Row = {
  id: 24,
  title: "What is wrong now?",
  panels: ({ help, limit }) => [
    tile(25, "Slow answers", "Share of the requests that took longer than counts as good.", slowShare(limit("ModelHighLatency")), to("inference", "Inference: RED per model and rung"), help("ModelHighLatency"), units.PercentUnit, 0.01),
    tile(26, "Primaries not healthy", "Model servers in another state than healthy: failed, degraded, on probation, unknown and so on.", `${sumBy([], shown(instruments.failoverState, { state: "!healthy" }))}`, to("failover", "Failover: since when and why"), help("ModelServerUnreachable")),
    tile(27, "Streams drifted", "Streams that count as drifted: features, rules, latency, failures.", sumBy([], shown(instruments.driftAlarm, { stream: noneOf(judgedByTruth) })), to("drift", "Drift: which features"), help("ModelDrifted")),
    tile(28, "Doing worse", "Streams of mistakes, of calibration and of estimated performance that left what the reference shows.", sumBy([], shown(instruments.driftAlarm, { stream: oneOf(judgedByTruth) })), to("performance", "Performance: by how much"), help("ModelPerformanceDropped")),
    tile(29, "GPUs in trouble", "GPUs that are degraded or failed by their driver's own findings.", sumBy([], shown(instruments.gpuStatus, { state: "!ok" })), to("hardware", "Hardware: which and why"), help("GpuThrottled")),
    tile(31, "By a fallback", "Share of the answers that a rung of the ladder gave instead of the model server.", share(sumBy([], byFallback), sumBy([], answered)), to("fleet", "Fleet: which sidecars"), help("ModelAnsweredByFallback"), units.PercentUnit, limit("ModelAnsweredByFallback")).decimals(2).max(1),
    tile(32, "Silent sources", "Sources of numbers that do not answer. What they told is absent then, not zero.", `count(${minBy(["instance", "collector"], shown(instruments.collectorUp))} == 0) or ${sumBy([], shown(instruments.buildInfo))} * 0`, to("pilotfish", "Pilotfish itself: which"), help("PilotfishCollectorDown")),
    tile(33, "Alerts firing", "Alerts of Prometheus' rules about the targets and models that are chosen above.", `${sumBy([], firingAlerts)} or ${sumBy([], shown(instruments.buildInfo))} * 0`, to("fleet", "Fleet: where"), help("PilotfishWatchdog")),
    list(
      {
        id: 34,
        title: "Firing",
        description: "Alerts of Prometheus' rules that are pending or firing, each with its page. What Pilotfish pushes to Alertmanager itself is not among them.",
        width: 24,
        height: 7,
        unit: units.Short,
        nothing: "No alert is pending or firing, or the rules are not loaded",
        runbook: { title: "Runbook: ${__data.fields.Alertname}", url: help("PilotfishWatchdog").url.replace("PilotfishWatchdog", "${__data.fields.Alertname}") },
        to: fromRow("failover", "Failover of this model", "model", "Model"),
      },
      ["alertname", "severity", "alertstate", "model", "instance"],
      { expr: sumBy(["alertname", "severity", "alertstate", "model", "instance"], select(firing, { job: "~$job", instance: "~$instance" })), legend: "Series" },
    ),
  ],
};

const course: Row = {
  id: 40,
  title: "How did it come to that?",
  panels: ({ help }) => [
    timeSeries(
      { id: 18, title: "Requests by who answered", description: "Inference requests that ended, a second, by the backend that gave the last word.", width: 8, height: 8, unit: units.RequestsPerSecond, to: to("inference", "Inference: by model and rung") },
      [{ expr: sumBy(["rung"], all), legend: "{{rung}}" }],
    )
      .fillOpacity(30)
      .stacking(new StackingConfigBuilder().mode(StackingMode.Normal)),
    timeSeries(
      {
        id: 19,
        title: "Requests that did not go well",
        description: "Inference requests that ended otherwise than with a good answer, by what became of them and why. Rejected, cancelled and too-large are the client's doing.",
        width: 8,
        height: 8,
        unit: units.RequestsPerSecond,
        nothing: "Every request was answered",
        runbook: help("ModelErrorBudgetFastBurn"),
        to: to("inference", "Inference: by model and rung"),
      },
      [{ expr: sumBy(["outcome", "reason"], rate(shown(instruments.requests, { outcome: "!ok" }))), legend: "{{outcome}} ({{reason}})" }],
    ),
    timeSeries(
      {
        id: 21,
        title: "Latency",
        description: "As clients saw it, fallbacks and failures included.",
        width: 8,
        height: 8,
        unit: units.Seconds,
        runbook: help("ModelHighLatency"),
        to: to("inference", "Inference: where the time goes"),
      },
      percentiles,
    ),
  ],
};

export const overview: Board = {
  name: "overview",
  title: "Overview",
  question: "Is it serving, from which rung, how much of the error budget is left, and what is wrong now?",
  annotations: ["Transitions", "Drift", "Versions", "Rollouts", "Model versions", "Config refused", "XID"],
  rows: [serving, wrong, course],
};
