/** The row about whether the answers are any good: drift, performance, and what the judgement rests on. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { TableSortByFieldStateBuilder } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { asLimit, onTheRight, stateTimeline, table, thresholds, timeSeries, words } from "../panels.ts";
import { maxBy, minBy, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

export const quality: Row = {
  id: 40,
  title: "Are the answers any good?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 41,
        title: "Evidence of drift",
        description: "Decimal logarithm of the evidence that a feature has changed. `all` combines them and alarms when it passes the threshold, which follows from the false-alarm budget.",
        width: 12,
        height: 9,
        unit: units.Short,
        nothing: "No reference, or still warming up",
        runbook: help("ModelDrifted"),
      },
      [
        { expr: maxBy(["model", "feature"], shown(instruments.driftEvidence)), legend: "{{feature}}" },
        { expr: maxBy(["model"], shown(instruments.driftThreshold)), legend: "threshold" },
      ],
    )
      .overrideByName("threshold", asLimit)
      .overrideByName("all", [
        { id: "custom.lineWidth", value: 3 },
        { id: "color", value: { mode: "fixed", fixedColor: "text" } },
      ]),
    table(
      {
        id: 42,
        title: "How far each feature has moved",
        description: "Distance of the window from the reference. The colours are the customary bands for PSI (0.1, 0.25); they are sizes, not alarms. The larger the window, the less of it is chance.",
        width: 12,
        height: 9,
        unit: units.Short,
        nothing: "No reference, or too few rows in the window",
        runbook: help("ModelDrifted"),
      },
      "feature",
      [
        { expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "psi" })), legend: "PSI" },
        { expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "jensen_shannon" })), legend: "Jensen-Shannon" },
        { expr: maxBy(["feature"], shown(instruments.driftEvidence)), legend: "Evidence" },
      ],
    )
      .decimals(3)
      .sortBy([new TableSortByFieldStateBuilder().displayName("PSI").desc(true)])
      .overrideByName("PSI", [
        { id: "thresholds", value: thresholds(["green"], ["orange", 0.1], ["red", 0.25]).build() },
        { id: "custom.cellOptions", value: { type: "color-text" } },
      ]),
    stateTimeline(
      { id: 43, title: "Alarms", description: "Which streams count as drifted. Mistakes: the model is wrong more often than before.", width: 8, height: 8, nothing: "No stream has been judged", runbook: help("ModelPerformanceDropped") },
      [{ expr: maxBy(["model", "stream"], shown(instruments.driftAlarm)), legend: "{{model}} · {{stream}}" }],
      [words({ 0: ["stable", "green"], 1: ["drifted", "red"] })],
    ),
    timeSeries(
      {
        id: 44,
        title: "Performance",
        description: "Realised, over the window of actuals that came in: it lags behind by as long as they take.",
        width: 8,
        height: 8,
        unit: units.Short,
        nothing: "No actuals came in",
        runbook: help("ModelPerformanceDropped"),
      },
      [{ expr: minBy(["model", "metric"], shown(instruments.performance)), legend: "{{model}}: {{metric}}" }],
    ).decimals(3),
    timeSeries(
      {
        id: 45,
        title: "What the judgement rests on",
        description: "Samples taken, their rows and the actuals that came in, a second, by what became of them; on the right the rows in the window. Where no rows come in, a quiet drift panel means nothing.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("PilotfishAnalysisBlind"),
      },
      [
        { expr: sumBy(["result"], rate(shown(instruments.samples))), legend: "samples {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.analysed))), legend: "rows {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.actuals))), legend: "actuals {{result}}" },
        { expr: minBy(["model"], shown(instruments.windowSamples)), legend: "window of {{model}}" },
      ],
    ).overrideByRegexp("/^window/", onTheRight(units.Short)),
  ],
};
