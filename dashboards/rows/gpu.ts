/** The row about the GPU. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments } from "../../exporters/instruments.ts";
import { asLimit, onTheRight, stateTimeline, timeSeries, words } from "../panels.ts";
import { maxBy, rate, sumBy } from "../promql.ts";
import { shown, type Row } from "./row.ts";

export const gpu: Row = {
  id: 60,
  title: "What does the GPU say?",
  panels: ({ help }) => [
    timeSeries(
      {
        id: 61,
        title: "GPU busy, GPU memory",
        description: "Busy is the share of time in which at least one kernel ran: a GPU can be busy and hardly loaded. Memory as a share of all.",
        width: 8,
        height: 8,
        unit: units.PercentUnit,
        nothing: "No GPU is seen",
      },
      [
        { expr: maxBy(["gpu"], shown(instruments.gpuUtilization)), legend: "busy {{gpu}}" },
        { expr: `${maxBy(["gpu"], shown(instruments.gpuMemoryUsage))} / ${maxBy(["gpu"], shown(instruments.gpuMemoryLimit))}`, legend: "memory {{gpu}}" },
      ],
    ).max(1),
    timeSeries(
      {
        id: 62,
        title: "GPU temperature and power",
        description: "Temperature, and on the right the power drawn with the limit in force.",
        width: 8,
        height: 8,
        unit: units.Celsius,
        nothing: "No GPU is seen",
        runbook: help("GpuThrottled"),
      },
      [
        { expr: maxBy(["gpu"], shown(instruments.gpuTemperature)), legend: "temperature {{gpu}}" },
        { expr: maxBy(["gpu"], shown(instruments.gpuPower)), legend: "power {{gpu}}" },
        { expr: maxBy(["gpu"], shown(instruments.gpuPowerLimit)), legend: "power limit {{gpu}}" },
      ],
    )
      .overrideByRegexp("/^power/", onTheRight(units.Watt))
      .overrideByRegexp("/^power limit/", asLimit),
    stateTimeline(
      { id: 63, title: "GPU held back", description: "Reasons for which the clock is kept low. A power cap alone is how a loaded GPU normally runs.", width: 8, height: 8, nothing: "Nothing holds a GPU back", runbook: help("GpuThrottled") },
      [
        { expr: `${maxBy(["gpu", "reason"], shown(instruments.gpuThrottle))} == 1`, legend: "{{gpu}}: {{reason}}" },
        { expr: `${sumBy(["gpu", "type"], rate(shown(instruments.gpuErrors)))} > bool 0 == 1`, legend: "{{gpu}}: {{type}} errors" },
      ],
      [words({ 1: ["yes", "orange"] })],
    ),
  ],
};
