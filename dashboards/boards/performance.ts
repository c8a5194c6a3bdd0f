/** How well the model does: estimated against realised, whether its scores mean what they say, and how much of the truth is known. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { to } from "../links.ts";
import { asBandOver, asBandUnder, asLimit, stateTimeline, table, timeSeries, words } from "../panels.ts";
import { increase, maxBy, minBy, oneOf, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "../rows/row.ts";
import { judgedByTruth } from "../rows/streams.ts";
import type { Board } from "./board.ts";

const kinds = ["realised", "corrected", "estimated"] as const;
const judged = { stream: oneOf(judgedByTruth) };

const bound = (kind: string, side: "lower" | "upper") => shown(instruments.performanceBound, { metric: "$metric", kind, bound: side });

const answer: Row = {
  id: 10,
  title: "Does it do as well as it did?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 11,
        title: "Performance",
        description: "The metric chosen above. Realised: over the latest rows whose true answers came in, so it lags behind by as long as they take. Estimated: over the latest answers, without any. Corrected: the estimate, put right by the true answers that are there. Bands: between which bounds each lies; they are meant to miss in 0.27 %. Choose one model: of several, the worst is drawn.",
        width: 16,
        height: 10,
        unit: units.Short,
        nothing: "No actuals came in, and the reference can not estimate",
        runbook: help("ModelPerformanceDropped"),
        to: to("drift", "Drift: what has changed"),
      },
      [
        ...kinds.map((kind) => ({ expr: minBy([], shown(instruments.performance, { metric: "$metric", kind })), legend: kind })),
        ...kinds.flatMap((kind) => [
          { expr: minBy([], bound(kind, "lower")), legend: `${kind}, at least` },
          { expr: maxBy([], bound(kind, "upper")), legend: `${kind}, at most` },
        ]),
      ],
    )
      .decimals(3)
      .fillOpacity(0)
      .lineWidth(2)
      .overrideByRegexp("/at least$/", asBandUnder)
      .overrideByName("realised, at most", asBandOver("realised, at least"))
      .overrideByName("corrected, at most", asBandOver("corrected, at least"))
      .overrideByName("estimated, at most", asBandOver("estimated, at least")),
    stateTimeline(
      { id: 12, title: "Alarms of performance", description: "Mistakes: wrong more often than before. Error rate: more often than on the reference. Calibration: scores no longer mean what they meant. Estimated performance: worse, as far as is known without labels.", width: 8, height: 10, nothing: "No stream has been judged", runbook: help("ModelPerformanceDropped"), to: to("drift", "Drift: what has changed", ["model"]) },
      [{ expr: maxBy(["model", "stream"], shown(instruments.driftAlarm, judged)), legend: "{{model}} · {{stream}}" }],
      [words({ 0: ["stable", "green"], 1: ["drifted", "red"] })],
    ),
    table(
      { id: 13, title: "All figures", description: "Every figure of performance as it is now. Those that are not there have no meaning for this model, or nothing to be taken from.", width: 12, height: 9, unit: units.Short, nothing: "No actuals came in, and the reference can not estimate", runbook: help("ModelPerformanceDropped") },
      "metric",
      kinds.map((kind) => ({ expr: minBy(["metric"], shown(instruments.performance, { kind })), legend: kind.replace(/^./, (first) => first.toUpperCase()) })),
    ).decimals(3),
    table(
      { id: 14, title: "Their bounds", description: "Between which bounds each figure lies, as it is now. Wide bounds say that too little is known, not that it is bad.", width: 12, height: 9, unit: units.Short, nothing: "No actuals came in, and the reference can not estimate" },
      "metric",
      kinds.flatMap((kind) => [
        { expr: minBy(["metric"], shown(instruments.performanceBound, { kind, bound: "lower" })), legend: `${kind}, at least` },
        { expr: maxBy(["metric"], shown(instruments.performanceBound, { kind, bound: "upper" })), legend: `${kind}, at most` },
      ]),
    ).decimals(3),
  ],
};

const calibration: Row = {
  id: 20,
  title: "Do its scores mean what they say?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 21,
        title: "Evidence of worse performance",
        description: "Decimal logarithm of the evidence, from the true answers that came in: more mistakes than on the reference, scores that no longer mean what they meant. An alarm where it passes the threshold.",
        width: 12,
        height: 8,
        unit: units.Short,
        nothing: "No actuals came in",
        runbook: help("ModelPerformanceInDoubt"),
      },
      [
        { expr: maxBy(["model", "stream"], shown(instruments.performanceEvidence)), legend: "{{model}}: {{stream}}" },
        { expr: maxBy(["model"], shown(instruments.performanceThreshold)), legend: "threshold of {{model}}" },
      ],
    ).overrideByRegexp("/^threshold/", asLimit),
    timeSeries(
      { id: 22, title: "Right, primary and rungs", description: "Ratio of rows, of the latest copies whose true answers came, in which each rung was right, and the primary on the same inferences; and the confidence from which on answers are given.", width: 12, height: 8, unit: units.PercentUnit, nothing: "No actuals of copies came in", to: to("failover", "Failover: what the rungs are worth") },
      [
        { expr: minBy(["rung"], shown(instruments.rungAccuracy)), legend: "{{rung}}" },
        { expr: maxBy([], shown(instruments.confidenceThreshold)), legend: "confidence asked for" },
      ],
    )
      .max(1)
      .overrideByName("confidence asked for", asLimit),
  ],
};

const coverage: Row = {
  id: 30,
  title: "How much of the truth is known, and how old is it?",
  panels: ({ help }) => [
    timeSeries(
      { id: 31, title: "Actuals that came in", description: "True answers, a second, by what became of them.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "No actuals came in", runbook: help("ModelPerformanceInDoubt") },
      [{ expr: sumBy(["result"], rate(shown(instruments.actuals))), legend: "{{result}}" }],
    ),
    timeSeries(
      { id: 32, title: "Coverage by actuals", description: "True answers that were joined within the time shown, for each row that was analysed. Realised performance is that of these rows only.", width: 8, height: 8, unit: units.PercentUnit, nothing: "No actuals came in" },
      [{ expr: `${sumBy(["model"], increase(shown(instruments.actuals, { result: "joined" }), "$__range"))} / ${sumBy(["model"], increase(shown(instruments.analysed, { result: "analysed" }), "$__range"))}`, legend: "{{model}}" }],
    ),
    timeSeries(
      { id: 33, title: "Age of the truth", description: "Age of the youngest answer whose true answer is known: what is realised knows of nothing later. On the right, rows of answers that wait for their true answers.", width: 8, height: 8, unit: units.Seconds, nothing: "No actuals came in" },
      [
        { expr: minBy(["model"], shown(instruments.actualsLag)), legend: "{{model}}" },
        { expr: sumBy(["model"], shown(instruments.actualsWaiting)), legend: "waiting of {{model}}" },
      ],
    ).overrideByRegexp("/^waiting/", [{ id: "unit", value: units.Short }, { id: "custom.axisPlacement", value: "right" }]),
  ],
};

export const performance: Board = {
  name: "performance",
  title: "Performance",
  question: "Does the model do as well as it did, as far as true answers and estimates tell?",
  variables: ["metric"],
  annotations: ["Drift", "Transitions", "Versions", "Rollouts", "Model versions"],
  rows: [answer, calibration, coverage],
};
