/** The row about whether clients get answers, and from whom. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { BigValueGraphMode, BigValueTextMode, StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { statuses, type Status } from "../../exporters/signal.ts";
import { fixedColor, notANumber, stat, stateTimeline, thresholds, timeSeries, words } from "../panels.ts";
import { buckets, maxBy, noneOf, quantile, rate, share, sumBy, type Vector } from "../promql.ts";
import { clientsDoing } from "../recording.ts";
import { shown, type Row } from "./row.ts";

const statusColors: Readonly<Record<Status, string>> = {
  unknown: "#8e8e8e",
  healthy: "green",
  suspect: "yellow",
  degraded: "orange",
  failed: "red",
  probation: "blue",
  draining: "purple",
  isolated: "dark-orange",
};

/** The state as its place in `statuses`, so that one bar can show it; it is exported as one series a state. */
const stateNumber = sumBy(
  ["model", "instance"],
  statuses.map((state, index) => `${shown(instruments.failoverState, { state })} * ${index}`).join(" or ") as Vector<"model" | "instance">,
);
const stateWords = words(Object.fromEntries(statuses.map((state, index) => [index, [state, statusColors[state]] as const])));

const latency = (q: number) => quantile(q, sumBy(["le"], rate(buckets(shown(instruments.requestDuration)))));
const percentiles = [
  { expr: latency(0.5), legend: "p50" },
  { expr: latency(0.95), legend: "p95" },
  { expr: latency(0.99), legend: "p99" },
];

const tokens = [
  { expr: quantile(0.95, sumBy(["le"], rate(buckets(shown(instruments.timeToFirstToken))))), legend: "first token, p95" },
  { expr: quantile(0.95, sumBy(["le"], rate(buckets(shown(instruments.timePerOutputToken))))), legend: "each token after it, p95" },
];

const all = rate(shown(instruments.requests));
const valid = rate(shown(instruments.requests, { outcome: noneOf(clientsDoing) }));
const answered = rate(shown(instruments.requests, { outcome: "ok" }));
const answeredByFallback = rate(shown(instruments.requests, { outcome: "ok", rung: "!primary" }));

export const answers: Row = {
  id: 10,
  title: "Is it answering, and who answers?",
  panels: ({ help, objective, slowSeconds }) => [
    stat(
      {
        id: 11,
        title: "Answered",
        description: "Share of requests that got an answer, from whomever. Requests that were the client's fault or that the client gave up count neither way.",
        width: 4,
        height: 4,
        unit: units.PercentUnit,
        runbook: help("ModelRequestsUnanswered"),
      },
      [{ expr: share(sumBy([], answered), sumBy([], valid)), legend: "answered" }],
    )
      .decimals(2)
      .max(1)
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["red"], ["orange", 0.99], ["green", objective])),
    stat(
      { id: 12, title: "Requests", description: "Inference requests that ended, a second, whatever became of them.", width: 4, height: 4, unit: units.RequestsPerSecond },
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
      },
      percentiles,
    )
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["green"], ["orange", slowSeconds])),
    stat(
      {
        id: 14,
        title: "By a fallback",
        description: "Share of the answers that a rung of the ladder gave instead of the model server.",
        width: 4,
        height: 4,
        unit: units.PercentUnit,
        runbook: help("ModelAnsweredByFallback"),
      },
      [{ expr: share(sumBy([], answeredByFallback), sumBy([], answered)), legend: "by a fallback" }],
    )
      .decimals(2)
      .max(1)
      .mappings([notANumber("no traffic")])
      .thresholds(thresholds(["green"], ["orange", 0.01])),
    stat(
      {
        id: 15,
        title: "Answers now",
        description: "The backend that new requests go to: the primary, or the first rung of the ladder that can answer.",
        width: 4,
        height: 4,
        unit: "none",
        runbook: help("ModelAnsweredByFallback"),
      },
      [{ expr: `${maxBy(["rung"], shown(instruments.activeRung))} == 1`, legend: "{{rung}}" }],
    )
      .textMode(BigValueTextMode.Name)
      .graphMode(BigValueGraphMode.None)
      .colorScheme(fixedColor("orange"))
      .overrideByRegexp("/^primary$/", [{ id: "color", value: { mode: "fixed", fixedColor: "green" } }]),
    stateTimeline(
      {
        id: 16,
        title: "State of the primary",
        description: "What Pilotfish holds of the model server. Isolated: it works and is kept from traffic, because of drift or because a person decided so.",
        width: 12,
        height: 6,
        runbook: help("ModelServerUnknown"),
      },
      [{ expr: stateNumber, legend: "{{model}} · {{instance}}" }],
      [stateWords],
    ),
    stateTimeline(
      { id: 17, title: "Who answers", description: "The backend that new requests went to, over time.", width: 12, height: 6, runbook: help("ModelServerFlapping") },
      [{ expr: `${maxBy(["model", "rung"], shown(instruments.activeRung))} == 1`, legend: "{{model}} · {{rung}}" }],
      [words({ 1: ["answers"] })],
    )
      .colorScheme(fixedColor("orange"))
      .overrideByRegexp("/· primary$/", [{ id: "color", value: { mode: "fixed", fixedColor: "green" } }]),
    timeSeries(
      { id: 18, title: "Requests by who answered", description: "Inference requests that ended, a second, by the backend that gave the last word.", width: 8, height: 8, unit: units.RequestsPerSecond },
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
      },
      [{ expr: sumBy(["outcome", "reason"], rate(shown(instruments.requests, { outcome: "!ok" }))), legend: "{{outcome}} ({{reason}})" }],
    ),
    timeSeries(
      {
        id: 21,
        title: "Latency",
        description: "As clients saw it, fallbacks and failures included. Of the model server's answers that came as a stream of events: the time to the first token, and to each one after it.",
        width: 8,
        height: 8,
        unit: units.Seconds,
        runbook: help("ModelHighLatency"),
      },
      [...percentiles, ...tokens],
    ),
  ],
};
