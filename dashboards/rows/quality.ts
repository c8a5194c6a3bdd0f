/** The row about whether the answers are any good: drift, performance, and what the judgement rests on. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { TableSortByFieldStateBuilder } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { asBound, asLimit, onTheRight, stateTimeline, table, thresholds, timeSeries, words } from "../panels.ts";
import { maxBy, minBy, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

/** What a line is drawn of; the table has all the others. */
const headline = { metric: "~roc_auc|accuracy|mae|rmse" };

export const quality: Row = {
  id: 40,
  title: "Are the answers any good?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 41,
        title: "Evidence of drift",
        description: "Decimal logarithm of the evidence that a feature has changed. `all` combines them and alarms when it passes the threshold, which follows from the false-alarm budget. Beside them, from the true answers that came in: more mistakes than on the reference, scores that no longer mean what they meant.",
        width: 12,
        height: 9,
        unit: units.Short,
        nothing: "No reference, or still warming up",
        runbook: help("ModelDrifted"),
      },
      [
        { expr: maxBy(["model", "feature"], shown(instruments.driftEvidence)), legend: "{{feature}}" },
        { expr: maxBy(["model"], shown(instruments.driftThreshold)), legend: "threshold" },
        { expr: maxBy(["model", "stream"], shown(instruments.performanceEvidence)), legend: "{{stream}}" },
        { expr: maxBy(["model"], shown(instruments.performanceThreshold)), legend: "threshold of true answers" },
      ],
    )
      .overrideByRegexp("/^threshold/", asLimit)
      .overrideByName("all", [
        { id: "custom.lineWidth", value: 3 },
        { id: "color", value: { mode: "fixed", fixedColor: "text" } },
      ]),
    table(
      {
        id: 42,
        title: "How far each feature has moved",
        description: "Distance of the window from the reference. The colours are the customary bands for PSI (0.1, 0.25); they are sizes, not alarms. The larger the window, the less of it is chance. Detectable: the smallest change that the alarm finds within a window's rows, of a number's mean in standard deviations, of categories as the share of the rows that move. Break the rules: the window's values that are missing, of another type, out of range or unknown.",
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
        { expr: maxBy(["feature"], shown(instruments.detectableChange)), legend: "Detectable" },
        { expr: sumBy(["feature"], shown(instruments.violations)), legend: "Break the rules" },
      ],
    )
      .decimals(3)
      .sortBy([new TableSortByFieldStateBuilder().displayName("PSI").desc(true)])
      .overrideByName("PSI", [
        { id: "thresholds", value: thresholds(["green"], ["orange", 0.1], ["red", 0.25]).build() },
        { id: "custom.cellOptions", value: { type: "color-text" } },
      ]),
    stateTimeline(
      { id: 43, title: "Alarms", description: "Which streams count as drifted. Mistakes: wrong more often than before. Error rate: more often than on the reference. Calibration: scores no longer mean what they meant. Estimated performance: worse, as far as is known without labels.", width: 8, height: 8, nothing: "No stream has been judged", runbook: help("ModelPerformanceDropped") },
      [{ expr: maxBy(["model", "stream"], shown(instruments.driftAlarm)), legend: "{{model}} · {{stream}}" }],
      [words({ 0: ["stable", "green"], 1: ["drifted", "red"] })],
    ),
    timeSeries(
      {
        id: 44,
        title: "Performance",
        description: "Realised: over the latest rows whose true answers came in, so it lags behind by as long as they take. Estimated: over the latest answers, without any. Corrected: the estimate, put right by the true answers that are there. Dashed: its bounds. On the right, the age of the youngest answer whose true answer is known: what is realised knows of nothing later.",
        width: 16,
        height: 8,
        unit: units.Short,
        nothing: "No actuals came in, and the reference can not estimate",
        runbook: help("ModelPerformanceDropped"),
      },
      [
        { expr: minBy(["model", "metric", "kind"], shown(instruments.performance, headline)), legend: "{{model}}: {{metric}} ({{kind}})" },
        { expr: minBy(["model", "metric", "kind"], shown(instruments.performanceBound, { ...headline, bound: "lower" })), legend: "at least: {{metric}} ({{kind}})" },
        { expr: maxBy(["model", "metric", "kind"], shown(instruments.performanceBound, { ...headline, bound: "upper" })), legend: "at most: {{metric}} ({{kind}})" },
        { expr: maxBy([], shown(instruments.confidenceThreshold)), legend: "confidence asked for" },
        { expr: minBy(["model"], shown(instruments.actualsLag)), legend: "age of the truth of {{model}}" },
      ],
    )
      .decimals(3)
      .overrideByRegexp("/^at (least|most)/", asBound)
      .overrideByRegexp("/^age/", onTheRight(units.Seconds)),
    timeSeries(
      {
        id: 45,
        title: "What the judgement rests on",
        description: "Samples taken, their rows and the actuals that came in, a second, by what became of them; on the right the rows in the window, and those of answers that wait for their actuals. Where no rows come in, a quiet drift panel means nothing.",
        width: 12,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("PilotfishAnalysisBlind"),
      },
      [
        { expr: sumBy(["result"], rate(shown(instruments.samples))), legend: "samples {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.analysed))), legend: "rows {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.actuals))), legend: "actuals {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.contractRequests))), legend: "contract: {{result}}" },
        { expr: sumBy(["violation"], rate(shown(instruments.contractViolations))), legend: "wrong inputs: {{violation}}" },
        { expr: sumBy([], rate(shown(instruments.contractUnchecked))), legend: "values unchecked" },
        { expr: sumBy(["result"], rate(shown(instruments.confidenceAnswers))), legend: "confidence: {{result}}" },
        { expr: minBy(["model"], shown(instruments.windowSamples)), legend: "window of {{model}}" },
        { expr: sumBy(["model"], shown(instruments.actualsWaiting)), legend: "waiting of {{model}}" },
      ],
    ).overrideByRegexp("/^(window|waiting)/", onTheRight(units.Short)),
    table(
      {
        id: 46,
        title: "All figures",
        description: "Every figure of performance as it is now. Those that are not there have no meaning for this model, or nothing to be taken from.",
        width: 12,
        height: 8,
        unit: units.Short,
        nothing: "No actuals came in, and the reference can not estimate",
        runbook: help("ModelPerformanceDropped"),
      },
      "metric",
      (["realised", "corrected", "estimated"] as const).map((kind) => ({ expr: minBy(["metric"], shown(instruments.performance, { kind })), legend: kind.replace(/^./, (first) => first.toUpperCase()) })),
    ).decimals(3),
  ],
};
