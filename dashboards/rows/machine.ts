/** The row about the model server's own numbers, and the machine under it. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { asLimit, onTheRight, timeSeries } from "../panels.ts";
import { maxBy, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

export const machine: Row = {
  id: 50,
  title: "What do the server and the machine say?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 51,
        title: "The server's work",
        description: "Requests that it says it works on and that wait, and on the right its own progress, a second. Work in flight without progress is a hang.",
        width: 12,
        height: 8,
        unit: units.Short,
        nothing: "The server's metrics are not read",
        runbook: help("ModelServerStalled"),
      },
      [
        { expr: sumBy([], shown(instruments.serverInFlight)), legend: "in flight" },
        { expr: sumBy([], shown(instruments.serverQueue)), legend: "waiting" },
        { expr: sumBy([], shown(instruments.activeRequests)), legend: "in Pilotfish" },
        { expr: sumBy([], shown(instruments.concurrencyInFlight)), legend: "given by Pilotfish" },
        { expr: sumBy([], shown(instruments.concurrencyLimit)), legend: "limit" },
        { expr: sumBy([], shown(instruments.suspects)), legend: "suspect requests" },
        { expr: sumBy([], rate(shown(instruments.serverProgress))), legend: "progress" },
      ],
    ).overrideByName("progress", onTheRight(units.CountsPerSecond)),
    timeSeries(
      {
        id: 52,
        title: "CPU",
        description: "CPUs in use, by container with its limit, and by process.",
        width: 12,
        height: 8,
        unit: units.Short,
        nothing: "Neither containers nor processes can be seen",
        runbook: help("ContainerCpuThrottled"),
      },
      [
        { expr: sumBy(["container"], rate(shown(instruments.cpuTime))), legend: "{{container}}" },
        { expr: sumBy(["process"], rate(shown(instruments.processCpuTime))), legend: "{{process}} (process)" },
        { expr: sumBy(["container"], shown(instruments.cpuLimit)), legend: "limit of {{container}}" },
      ],
    ).overrideByRegexp("/^limit/", asLimit),
    timeSeries(
      {
        id: 53,
        title: "Memory",
        description: "What can not be reclaimed at once, by container with its limit, and what is resident, by process.",
        width: 12,
        height: 8,
        unit: units.BytesIEC,
        nothing: "Neither containers nor processes can be seen",
        runbook: help("ContainerMemoryNearLimit"),
      },
      [
        { expr: maxBy(["container"], shown(instruments.memoryWorkingSet)), legend: "{{container}}" },
        { expr: maxBy(["process"], shown(instruments.processMemory)), legend: "{{process}} (process)" },
        { expr: maxBy(["container"], shown(instruments.memoryLimit)), legend: "limit of {{container}}" },
      ],
    ).overrideByRegexp("/^limit/", asLimit),
    timeSeries(
      {
        id: 54,
        title: "Pressure and throttling",
        description: "Share of the time in which some or all tasks waited for a resource, and in which the CPU limit held them back.",
        width: 12,
        height: 8,
        unit: units.PercentUnit,
        nothing: "The kernel tells nothing of pressure here",
        runbook: help("ContainerCpuThrottled"),
      },
      [
        { expr: maxBy(["container", "resource", "kind"], rate(shown(instruments.pressure))), legend: "{{container}}: {{resource}} ({{kind}})" },
        { expr: maxBy(["container"], rate(shown(instruments.cpuThrottled))), legend: "{{container}}: throttled" },
      ],
    ),
  ],
};
