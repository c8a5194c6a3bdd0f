/** Whether what comes in is still what the model was made for: evidence, which features carry it, what it rests on, broken rules. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { TableSortByFieldStateBuilder } from "@grafana/grafana-foundation-sdk/common";
import { instruments } from "../../exporters/instruments.ts";
import { fromRow, to } from "../links.ts";
import { asColoured, asLimit, inUnit, list, onTheRight, stateTimeline, table, timeSeries, withLine, words } from "../panels.ts";
import { maxBy, minBy, rate, sumBy, times, type Vector } from "../promql.ts";
import { psiBands, psiSteps } from "../rows/drift-sizes.ts";
import { shown, type Row } from "../rows/row.ts";
import type { Board } from "./board.ts";

const chosen = { feature: "~$feature" };

/** Evidence below zero speaks for no change, and has no share. */
const positive = `clamp_min(${maxBy(["feature"], shown(instruments.driftEvidence, { feature: "!all" }))}, 0)`;
const shareOfEvidence = `${positive} / scalar(sum(${positive}))` as Vector<"feature">;

const answer: Row = {
  id: 10,
  title: "Has something changed?",
  panels: ({ help }) => [
    stateTimeline(
      {
        id: 11,
        title: "Alarms",
        description: "Which streams count as drifted. Mistakes: wrong more often than before. Error rate: more often than on the reference. Calibration: scores no longer mean what they meant. Estimated performance: worse, as far as is known without labels.",
        width: 12,
        height: 9,
        nothing: "No stream has been judged",
        runbook: help("ModelDrifted"),
        to: to("performance", "Performance: does it do worse", ["model"]),
      },
      [{ expr: maxBy(["model", "stream"], shown(instruments.driftAlarm)), legend: "{{model}} · {{stream}}" }],
      [words({ 0: ["stable", "green"], 1: ["drifted", "red"] })],
    ),
    timeSeries(
      {
        id: 12,
        title: "Evidence of drift",
        description: "Decimal logarithm of the evidence that a feature has changed. `all` combines them and alarms when it passes the threshold, which follows from the false-alarm budget.",
        width: 12,
        height: 9,
        unit: units.Short,
        nothing: "No reference, or still warming up",
        runbook: help("ModelDrifted"),
        to: to("performance", "Performance: does it do worse"),
      },
      [
        { expr: maxBy(["feature"], shown(instruments.driftEvidence, { feature: "~$feature|all" })), legend: "{{feature}}" },
        { expr: maxBy(["model"], shown(instruments.driftThreshold)), legend: "threshold of {{model}}" },
      ],
    )
      .overrideByRegexp("/^threshold/", asLimit)
      .overrideByName("all", [
        { id: "custom.lineWidth", value: 3 },
        { id: "color", value: { mode: "fixed", fixedColor: "text" } },
      ]),
  ],
};

const features: Row = {
  id: 20,
  title: "Which features, and how far?",
  panels: ({ help }) => [
    table(
      {
        id: 21,
        title: "How far each feature has moved",
        description: "By its share of the evidence, which begins anew after an alarm. PSI and Jensen-Shannon: distance of the window from the reference. The colours are the customary bands for PSI (0.1, 0.25); they are sizes, not alarms. The larger the window, the less of it is chance. Detectable: the smallest change that the alarm finds within a window's rows, of a number's mean in standard deviations, of categories as the share of the rows that move. Break the rules: the window's values that are missing, of another type, out of range or unknown.",
        width: 24,
        height: 10,
        unit: units.Short,
        nothing: "No reference, or too few rows in the window",
        runbook: help("ModelDrifted"),
        to: fromRow("drift", "Only this feature", "feature", "Feature"),
      },
      "feature",
      [
        { expr: shareOfEvidence, legend: "Share" },
        { expr: maxBy(["feature"], shown(instruments.driftEvidence, { feature: "!all" })), legend: "Evidence" },
        { expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "psi" })), legend: "PSI" },
        { expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "jensen_shannon" })), legend: "Jensen-Shannon" },
        { expr: maxBy(["feature"], shown(instruments.detectableChange)), legend: "Detectable" },
        { expr: sumBy(["feature"], shown(instruments.violations)), legend: "Break the rules" },
      ],
    )
      .decimals(3)
      .sortBy([new TableSortByFieldStateBuilder().displayName("Share").desc(true)])
      .overrideByName("Share", inUnit(units.PercentUnit))
      .overrideByName("Break the rules", inUnit(units.PercentUnit))
      .overrideByName("PSI", asColoured(psiSteps)),
    withLine(
      timeSeries(
        { id: 22, title: "PSI", description: "Population stability index between the window and the reference, by feature. Customary bands: from 0.1 on some change, from 0.25 on (the line) much. A size, not an alarm.", width: 12, height: 8, unit: units.Short, nothing: "No reference, or too few rows in the window", runbook: help("ModelDrifted"), to: to("fleet", "Fleet: is it so everywhere") },
        [{ expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "psi", ...chosen })), legend: "{{feature}}" }],
      ).decimals(3),
      psiBands.much,
    ),
    timeSeries(
      { id: 23, title: "Jensen-Shannon", description: "Jensen-Shannon distance between the window and the reference, by feature: 0 for the same, 1 for nothing in common.", width: 12, height: 8, unit: units.Short, nothing: "No reference, or too few rows in the window", to: to("fleet", "Fleet: is it so everywhere") },
      [{ expr: maxBy(["feature"], shown(instruments.driftDistance, { measure: "jensen_shannon", ...chosen })), legend: "{{feature}}" }],
    ).decimals(3),
  ],
};

const basis: Row = {
  id: 30,
  title: "What does the judgement rest on?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 31,
        title: "What the judgement rests on",
        description: "Samples taken, their rows and the actuals that came in, a second, by what became of them. Where no rows come in, a quiet drift panel means nothing.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("PilotfishAnalysisBlind"),
        to: to("pilotfish", "Pilotfish itself: what it lets go"),
      },
      [
        { expr: sumBy(["result"], rate(shown(instruments.samples))), legend: "samples {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.analysed))), legend: "rows {{result}}" },
      ],
    ),
    timeSeries(
      { id: 32, title: "Rows in the window", description: "Rows that the distances compare with the reference. The fewer, the larger a distance is by chance alone.", width: 8, height: 8, unit: units.Short, nothing: "No reference", runbook: help("PilotfishSamplesDropped") },
      [{ expr: minBy(["model", "instance"], shown(instruments.windowSamples)), legend: "{{model}} · {{instance}}" }],
    ),
    timeSeries(
      { id: 33, title: "Smallest change that is found", description: "Within a window's rows, in four cases of five: of a number's mean in standard deviations; on the right, of categories the share of the rows that move.", width: 8, height: 8, unit: units.Short, nothing: "No reference" },
      [
        { expr: maxBy(["feature"], shown(instruments.detectableChange, { unit: "standard-deviations", ...chosen })), legend: "{{feature}}" },
        { expr: maxBy(["feature"], shown(instruments.detectableChange, { unit: "share", ...chosen })), legend: "share of {{feature}}" },
      ],
    ).overrideByRegexp("/^share of/", onTheRight(units.PercentUnit)),
  ],
};

const quality: Row = {
  id: 40,
  title: "Are values broken, and what was raised before?",
  panels: ({ help }) => [
    timeSeries(
      { id: 41, title: "Broken rules", description: "Ratio of the window's values that break the reference's rules: missing, of another type, out of range, infinite, an unknown category.", width: 12, height: 8, unit: units.PercentUnit, nothing: "No value breaks a rule", runbook: help("ModelDrifted"), to: to("inference", "Inference: the input contract") },
      [{ expr: maxBy(["feature", "violation"], shown(instruments.violations, chosen)), legend: "{{feature}}: {{violation}}" }],
    ),
    list(
      { id: 42, title: "Alarms raised", description: "Within the time shown, by stream and detector.", width: 12, height: 8, unit: units.Short, nothing: "No alarm was raised", runbook: help("ModelDrifted") },
      ["model", "stream", "detector"],
      { expr: `${sumBy(["model", "stream", "detector"], times(shown(instruments.driftAlarms), "$__range"))} > 0`, legend: "Times" },
    ).decimals(0),
  ],
};

export const drift: Board = {
  name: "drift",
  title: "Drift",
  question: "Is what comes in still what the model was made for, and if not, what has changed?",
  variables: ["feature"],
  annotations: ["Drift", "Transitions", "Versions", "Rollouts", "Model versions"],
  rows: [answer, features, basis, quality],
};
