/** The primary's state and who answers in its stead, for every dashboard that shows them. */
import { instruments } from "../../exporters/instruments.ts";
import { statuses, type Status } from "../../exporters/signal.ts";
import { fixedColor, stateTimeline, words } from "../panels.ts";
import { maxBy, noneOf, rate, sumBy, type Vector } from "../promql.ts";
import { clientsDoing } from "../recording.ts";
import { shown, type Place } from "./row.ts";

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
export const stateNumber = sumBy(
  ["model", "instance"],
  statuses.map((state, index) => `${shown(instruments.failoverState, { state })} * ${index}`).join(" or ") as Vector<"model" | "instance">,
);
export const stateWords = words(Object.fromEntries(statuses.map((state, index) => [index, [state, statusColors[state]] as const])));

export const stateOfPrimary = (place: Place) =>
  stateTimeline(
    {
      ...place,
      title: "State of the primary",
      description: "What Pilotfish holds of the model server. Isolated: it works and is kept from traffic, because of drift or because a person decided so.",
    },
    [{ expr: stateNumber, legend: "{{model}} · {{instance}}" }],
    [stateWords],
  );

export const whoAnswers = (place: Place) =>
  stateTimeline(
    { ...place, title: "Who answers", description: "The backend that new requests went to, over time." },
    [{ expr: `${maxBy(["model", "rung"], shown(instruments.activeRung))} == 1`, legend: "{{model}} · {{rung}}" }],
    [words({ 1: ["answers"] })],
  )
    .colorScheme(fixedColor("orange"))
    .overrideByRegexp("/· primary$/", [{ id: "color", value: { mode: "fixed", fixedColor: "green" } }]);

/** Requests a second: all, those that could have been answered, those that were, and of these not by the primary. */
export const traffic = {
  all: rate(shown(instruments.requests)),
  valid: rate(shown(instruments.requests, { outcome: noneOf(clientsDoing) })),
  answered: rate(shown(instruments.requests, { outcome: "ok" })),
  byFallback: rate(shown(instruments.requests, { outcome: "ok", rung: "!primary" })),
  unanswered: rate(shown(instruments.requests, { outcome: noneOf(["ok", ...clientsDoing]) })),
};
