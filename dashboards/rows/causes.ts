/** The row about why: what the probes say, and what became of each attempt. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { stateTimeline, timeSeries, words } from "../panels.ts";
import { minBy, rate, sumBy } from "../promql.ts";
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
        id: 32,
        title: "Probes that failed",
        description: "A second, by probe and reason.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        nothing: "No probe has failed",
        runbook: help("ModelServerFailsInference"),
      },
      [{ expr: sumBy(["probe", "reason"], rate(shown(instruments.probeFailures))), legend: "{{probe}}: {{reason}}" }],
    ),
    timeSeries(
      {
        id: 33,
        title: "Attempts and retries",
        description: "A request is tried at the primary, perhaps once more, then at the rungs. Retries are refused once their budget is spent, so that they can not add to an overload.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
      },
      [
        { expr: sumBy(["backend", "outcome"], rate(shown(instruments.attempts))), legend: "{{backend}}: {{outcome}}" },
        { expr: sumBy(["result"], rate(shown(instruments.retries))), legend: "retry {{result}}" },
        { expr: shown(instruments.rungDisagreement), legend: "{{rung}} disagrees" },
      ],
    ),
  ],
};
