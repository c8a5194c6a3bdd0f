/** The row about Pilotfish itself. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { stateTimeline, timeSeries, words } from "../panels.ts";
import { maxBy, minBy, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

export const self: Row = {
  id: 70,
  title: "Is Pilotfish itself well?",
  panels: ({ help }) => [
    stateTimeline(
      {
        id: 71,
        title: "Sources",
        description: "Which sources of numbers answer. One that is missing or hangs has no series, rather than old ones.",
        width: 8,
        height: 8,
        runbook: help("PilotfishCollectorDown"),
      },
      [{ expr: minBy(["collector"], shown(instruments.collectorUp)), legend: "{{collector}}" }],
      [words({ 0: ["silent", "#8e8e8e"], 1: ["answers", "green"] })],
    ),
    timeSeries(
      { id: 72, title: "Loop delay", description: "How late the main loop ran at worst; every request that passes Pilotfish waits for it.", width: 8, height: 8, unit: units.Seconds, runbook: help("PilotfishLoopLate") },
      [{ expr: maxBy(["instance"], shown(instruments.loopDelay)), legend: "{{instance}}" }],
    ),
    timeSeries(
      { id: 73, title: "Memory of Pilotfish", description: "Resident memory of its process.", width: 8, height: 8, unit: units.BytesIEC, nothing: "Its process can not be seen", runbook: help("ContainerMemoryNearLimit") },
      [{ expr: maxBy(["instance"], shown(instruments.processMemory, { process: "pilotfish" })), legend: "{{instance}}" }],
    ),
    timeSeries(
      { id: 74, title: "Queues", description: "Items that wait inside Pilotfish. All queues are bounded; what does not fit is let go and counted.", width: 8, height: 8, unit: units.Short, nothing: "No queue has been used" },
      [{ expr: maxBy(["queue"], shown(instruments.queueDepth)), legend: "{{queue}}" }],
    ),
    timeSeries(
      {
        id: 75,
        title: "Let go",
        description: "What was let go because a bound was reached, a second. Copies for rungs: with why they were not asked.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        nothing: "Nothing was let go",
        runbook: help("PilotfishDropped"),
      },
      [{ expr: sumBy(["what"], rate(shown(instruments.dropped))), legend: "{{what}}" }, { expr: sumBy(["rung", "result"], rate(shown(instruments.rungCopies, { result: "!asked" }))), legend: "copies for {{rung}}: {{result}}" }],
    ),
    timeSeries(
      {
        id: 76,
        title: "Told and written",
        description: "Signals announced, pushes to Alertmanager and writes to the state file, a second, by what became of them.",
        width: 8,
        height: 8,
        unit: units.CountsPerSecond,
        runbook: help("PilotfishAlertmanagerUnreachable"),
      },
      [
        { expr: sumBy(["type"], rate(shown(instruments.signals))), legend: "signal {{type}}" },
        { expr: sumBy(["result"], rate(shown(instruments.notifications))), legend: "push {{result}}" },
        { expr: sumBy(["result"], rate(shown(instruments.storeWrites))), legend: "write {{result}}" },
      ],
    ),
  ],
};
