/** The row about why: what the probes say, what became of each attempt, and what the rungs would be worth. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { stateTimeline, table, timeSeries, words } from "../panels.ts";
import { buckets, maxBy, minBy, quantile, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

export const causes: Row = {
  id: 30,
  title: "Why?",
  panels: ({ help }) => [
    stateTimeline(
      {
        id: 31,
        title: "Probes",
        description: "Http: it says that it is ready. Inference: it answers a known question rightly. Progress: what is in flight moves on. A gap means that nobody could tell.",
        width: 8,
        height: 8,
        runbook: help("ModelServerUnreachable"),
      },
      [{ expr: minBy(["probe", "instance"], shown(instruments.probeSuccess)), legend: "{{probe}} · {{instance}}" }],
      [words({ 0: ["fails", "red"], 1: ["passes", "green"] })],
    ),
    timeSeries(
      {
        id: 33,
        title: "Attempts and retries",
        description: "A request is tried at the primary, perhaps once more, then at the rungs. Retries and hedges are refused once their budget is spent, so that they can not add to an overload. No place: the primary had as many requests as it can take. Probes that failed, by probe and reason.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("ModelServerFailsInference"),
      },
      [
        { expr: sumBy(["backend", "outcome"], rate(shown(instruments.attempts))), legend: "{{backend}}: {{outcome}}" },
        { expr: sumBy(["result"], rate(shown(instruments.retries))), legend: "retry {{result}}" },
        { expr: sumBy(["probe", "reason"], rate(shown(instruments.probeFailures))), legend: "probe {{probe}}: {{reason}}" },
        { expr: sumBy(["result"], rate(shown(instruments.hedges))), legend: "hedge {{result}}" },
        { expr: sumBy(["priority"], rate(shown(instruments.unplaced))), legend: "no place: {{priority}}" },
      ],
    ),
    table(
      {
        id: 34,
        title: "What each rung is worth",
        description: "As found by copies of what the primary had answered, before the rung is needed. Agreement: ratio of rows in which it says the same as the primary. Accuracy: ratio in which it is right, where true answers come; the primary's beside it. Coverage: ratio of copies that it answers. Eligible: 0 while it would answer badly. Seconds: 95 of 100 of its answers come within. Dissent: how far the members of an ensemble are apart.",
        width: 8,
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
  ],
};
