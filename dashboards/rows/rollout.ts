/** Where a rollout stands, for every dashboard that shows it. */
import { rolloutPhases, type RolloutPhase } from "../../agent/trial.ts";
import { instruments } from "../../exporters/instruments.ts";
import { stateTimeline, words } from "../panels.ts";
import { sumBy, type Vector } from "../promql.ts";
import { shown, type Place } from "./row.ts";

const phaseColors: Readonly<Record<RolloutPhase, string>> = { trying: "blue", asking: "yellow", promoted: "green", aborted: "red" };

/** The phase as its place in `rolloutPhases`, so that one bar can show it; it is exported as one series a phase. Those at 0 say nothing. */
const phaseNumber = sumBy(
  ["model", "instance"],
  rolloutPhases.map((phase, index) => `(${shown(instruments.rolloutPhase, { phase })} == 1) * ${index}`).join(" or ") as Vector<"model" | "instance">,
);

export const phaseOfRollout = (place: Place) =>
  stateTimeline(
    { ...place, title: "Phase of the rollout", description: "Trying: a candidate gets its share of the traffic, or copies. Asking: it goes no further without a person. Promoted: it has all of the traffic. Aborted: it has none any more.", nothing: "No rollout has run" },
    [{ expr: phaseNumber, legend: "{{model}} · {{instance}}" }],
    [words(Object.fromEntries(rolloutPhases.map((phase, index) => [index, [phase, phaseColors[phase]] as const])))],
  );
