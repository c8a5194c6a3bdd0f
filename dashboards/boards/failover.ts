/** The time line of failover: the state, who answered, why it changed, what the rungs are worth, what probes and restarts say. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { to } from "../links.ts";
import { list, onTheRight, stateTimeline, table, timeSeries, withLine, words } from "../panels.ts";
import { buckets, maxBy, minBy, quantile, rate, share, sumBy, times } from "../promql.ts";
import { shown, type Row } from "../rows/row.ts";
import { stateOfPrimary, traffic, whoAnswers } from "../rows/state.ts";
import type { Board } from "./board.ts";

const state: Row = {
  id: 10,
  title: "In which state is the primary, since when, and why?",
  panels: ({ help, limit }) => [
    stateOfPrimary({ id: 11, width: 12, height: 7, runbook: help("ModelServerUnknown"), to: to("inference", "Inference of this model", ["instance", "model"]) }),
    whoAnswers({ id: 12, width: 12, height: 7, runbook: help("ModelServerFlapping"), to: to("inference", "Inference of this model", ["model"]) }),
    list(
      { id: 13, title: "Why it changed", description: "Changes of the primary's state within the time shown, by their reason.", width: 12, height: 8, unit: units.Short, nothing: "Nothing changed", runbook: help("ModelServerFlapping") },
      ["model", "from", "to", "reason"],
      { expr: `${sumBy(["model", "from", "to", "reason"], times(shown(instruments.transitions), "$__range"))} > 0`, legend: "Times" },
    ).decimals(0),
    withLine(
      timeSeries(
        { id: 14, title: "By a fallback", description: "Share of the answers that a rung of the ladder gave instead of the model server. The line: where an alert fires.", width: 12, height: 8, unit: units.PercentUnit, runbook: help("ModelAnsweredByFallback"), to: to("inference", "Inference of this model", ["model"]) },
        [{ expr: share(sumBy(["model"], traffic.byFallback), sumBy(["model"], traffic.answered)), legend: "{{model}}" }],
      ).max(1),
      limit("ModelAnsweredByFallback"),
    ),
  ],
};

const probes: Row = {
  id: 20,
  title: "What do the probes find?",
  panels: ({ help }) => [
    stateTimeline(
      {
        id: 21,
        title: "Probes",
        description: "Http: it says that it is ready. Inference: it answers a known question rightly. Progress: what is in flight moves on. A gap means that nobody could tell.",
        width: 12,
        height: 8,
        runbook: help("ModelServerUnreachable"),
        to: to("hardware", "Hardware under it", ["instance"]),
      },
      [{ expr: minBy(["probe", "instance"], shown(instruments.probeSuccess)), legend: "{{probe}} · {{instance}}" }],
      [words({ 0: ["fails", "red"], 1: ["passes", "green"] })],
    ),
    timeSeries(
      { id: 22, title: "Probes that failed", description: "A second, by probe and reason.", width: 12, height: 8, unit: units.CountsPerSecond, nothing: "No probe has failed", runbook: help("ModelServerFailsInference") },
      [{ expr: sumBy(["probe", "reason"], rate(shown(instruments.probeFailures))), legend: "{{probe}}: {{reason}}" }],
    ),
    timeSeries(
      { id: 23, title: "Time of a probe", description: "95 of 100 probes took no longer. It grows before probes fail.", width: 12, height: 7, unit: units.Seconds, runbook: help("ModelServerStalled") },
      [{ expr: quantile(0.95, sumBy(["probe", "le"], rate(buckets(shown(instruments.probeDuration))))), legend: "{{probe}}" }],
    ),
    timeSeries(
      { id: 24, title: "Since a probe passed", description: "Time since the last one that passed. It grows while a probe fails, and while nobody can tell.", width: 12, height: 7, unit: units.Seconds, runbook: help("ModelServerUnknown") },
      [{ expr: `time() - ${maxBy(["probe", "instance"], shown(instruments.probeLastSuccess))}`, legend: "{{probe}} · {{instance}}" }],
    ),
  ],
};

const rungs: Row = {
  id: 30,
  title: "What would the rungs be worth?",
  panels: ({ help }) => [
    table(
      {
        id: 31,
        title: "What each rung is worth",
        description: "As found by copies of what the primary had answered, before the rung is needed. Agreement: ratio of rows in which it says the same as the primary. Accuracy: ratio in which it is right, where true answers come; the primary's beside it. Coverage: ratio of copies that it answers. Eligible: 0 while it would answer badly. Seconds: 95 of 100 of its answers come within. Dissent: how far the members of an ensemble are apart.",
        width: 12,
        height: 8,
        unit: units.Short,
        nothing: "No rung was asked with copies",
      },
      "rung",
      [
        { expr: minBy(["rung"], shown(instruments.rungEligible)), legend: "Eligible" },
        { expr: minBy(["rung"], shown(instruments.rungAgreement)), legend: "Agreement" },
        { expr: minBy(["rung"], shown(instruments.rungAccuracy)), legend: "Accuracy" },
        { expr: minBy(["rung"], shown(instruments.rungCoverage)), legend: "Coverage" },
        { expr: quantile(0.95, sumBy(["rung", "le"], rate(buckets(shown(instruments.rungAnswer))))), legend: "Seconds" },
        { expr: maxBy(["rung"], shown(instruments.rungDisagreement)), legend: "Dissent" },
      ],
    ).decimals(3),
    stateTimeline(
      { id: 32, title: "Eligible rungs", description: "Whether a rung would be asked if it were needed. It is not while it would answer badly: too few of its answers agree with the primary's, or are right.", width: 12, height: 8, nothing: "No rung was asked with copies", runbook: help("ModelAnsweredByFallback") },
      [{ expr: minBy(["rung", "instance"], shown(instruments.rungEligible)), legend: "{{rung}} · {{instance}}" }],
      [words({ 0: ["would answer badly", "orange"], 1: ["eligible", "green"] })],
    ),
    timeSeries(
      { id: 33, title: "Agreement", description: "Ratio of rows, of the latest copies, in which the rung's answer is the primary's; ratio of copies that it answered at all; for ensembles, how far the members are apart.", width: 8, height: 8, unit: units.PercentUnit, nothing: "No rung was asked with copies" },
      [
        { expr: minBy(["rung"], shown(instruments.rungAgreement)), legend: "{{rung}} agrees" },
        { expr: minBy(["rung"], shown(instruments.rungCoverage)), legend: "{{rung}} answers" },
        { expr: maxBy(["rung"], shown(instruments.rungDisagreement)), legend: "{{rung}}: dissent" },
      ],
    ).max(1),
    timeSeries(
      { id: 34, title: "Time of a rung", description: "95 of 100 copies were answered within this time.", width: 8, height: 8, unit: units.Seconds, nothing: "No rung was asked with copies" },
      [{ expr: quantile(0.95, sumBy(["rung", "le"], rate(buckets(shown(instruments.rungAnswer))))), legend: "{{rung}}" }],
    ),
    timeSeries(
      { id: 35, title: "Copies for the rungs", description: "Copies of answered inferences, a second: asked, or let go and why.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: "No rung was asked with copies", to: to("pilotfish", "Pilotfish itself: what it lets go") },
      [{ expr: sumBy(["rung", "result"], rate(shown(instruments.rungCopies))), legend: "{{rung}}: {{result}}" }],
    ),
  ],
};

const restarts: Row = {
  id: 40,
  title: "Did something restart, or is a request to blame?",
  panels: ({ help }) => [
    timeSeries(
      { id: 41, title: "Running since", description: "Age of the server's process and of Pilotfish's. A saw's tooth is a restart.", width: 12, height: 7, unit: units.Seconds, nothing: "Processes can not be seen", to: to("hardware", "Hardware: memory and its limit", ["instance"]) },
      [{ expr: `time() - ${maxBy(["process", "instance"], shown(instruments.processStart))}`, legend: "{{process}} · {{instance}}" }],
    ),
    timeSeries(
      { id: 42, title: "Requests in quarantine", description: "Requests that are suspect of having crashed the model server, or are refused for it.", width: 12, height: 7, unit: units.Short, runbook: help("ModelServerFlapping") },
      [{ expr: sumBy(["instance"], shown(instruments.suspects)), legend: "{{instance}}" }],
    ),
  ],
};

const people: Row = {
  id: 50,
  title: "What have people decided, and what waits for them?",
  panels: () => [
    stateTimeline(
      { id: 51, title: "Overrides", description: "A person's decision over the route while it was in force. Pin: one backend answers. Hold: what answered goes on answering. Drain: the primary gets nothing new.", width: 8, height: 8, nothing: "Nobody has decided anything" },
      [{ expr: maxBy(["action", "instance"], shown(instruments.overrideActive)), legend: "{{action}} · {{instance}}" }],
      [words({ 0: ["not in force", "#8e8e8e"], 1: ["in force", "orange"] })],
    ),
    timeSeries(
      { id: 52, title: "Left of the override", description: "Time until the override in force ends by itself.", width: 8, height: 8, unit: units.Seconds, nothing: "No override is in force" },
      [{ expr: `${maxBy(["instance"], shown(instruments.overrideUntil))} - time()`, legend: "{{instance}}" }],
    ),
    timeSeries(
      { id: 53, title: "Reviews", description: "Questions that wait for a person now, and on the right, a second, what became of questions: opened, answered, or ended by their deadline.", width: 8, height: 8, unit: units.Short, nothing: "Nothing was put to a person" },
      [
        { expr: sumBy(["kind"], shown(instruments.reviewsOpen)), legend: "{{kind}} waits" },
        { expr: sumBy(["kind", "state"], rate(shown(instruments.reviews))), legend: "a second: {{kind}} {{state}}" },
      ],
    ).overrideByRegexp("/^a second/", onTheRight(units.CountsPerSecond)),
  ],
};

export const failover: Board = {
  name: "failover",
  title: "Failover",
  question: "In which state is the primary, who answers in its stead, since when, and why?",
  annotations: ["Transitions", "Drift", "Restarts", "Rollouts", "Model versions"],
  rows: [state, probes, rungs, restarts, people],
};
