/** What do the containers of the server and of Pilotfish lack? Causes, so tickets: who suffers from them is told elsewhere. */
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, oneOf, rate } from "../promql.ts";
import { selecting, type Alerts } from "./alert.ts";

export function container(options: DashboardsOptions) {
  const from = selecting(options);
  const { thresholds } = options;

  return {
    ContainerCpuThrottled: {
      urgency: "ticket",
      expr: `${rate(from(instruments.cpuThrottled), "5m")} > 0.25`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "The CPU limit holds {{ $labels.container }} back",
      description: "In each second its tasks beside {{ $labels.instance }} waited {{ $value | humanizeDuration }} for the CPU because of its limit. Raise the limit or lower the threads.",
      board: "hardware",
    },
    ContainerMemoryNearLimit: {
      urgency: "ticket",
      expr: `${from(instruments.memoryWorkingSet)} / ${from(instruments.memoryLimit)} > ${thresholds.memory}`,
      for: "5m",
      keepFiringFor: "10m",
      summary: "{{ $labels.container }} is close to its memory limit",
      description: "{{ $value | humanizePercentage }} of the limit is in use beside {{ $labels.instance }} and can not be reclaimed; at the limit the kernel kills a process. Look whether it grows.",
      board: "hardware",
    },
    ContainerOomKilled: {
      urgency: "ticket",
      expr: `${increase(from(instruments.oomKills), "10m")} > 0`,
      summary: "The kernel killed a process in {{ $labels.container }} for memory",
      description: "It happened within the last 10 minutes, in the pod of {{ $labels.instance }}. Look what grew before, then raise the limit or find the leak.",
      board: "hardware",
    },
    ContainerUnderPressure: {
      urgency: "ticket",
      // `full`: nothing in the container ran meanwhile. Of the CPU only `some` says anything, since who runs does not wait.
      expr: `${rate(from(instruments.pressure, { resource: oneOf(["memory", "io"]), kind: "full" }), "5m")} > 0.1 or ${rate(from(instruments.pressure, { resource: "cpu", kind: "some" }), "5m")} > 0.6`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "{{ $labels.container }} waits for {{ $labels.resource }}",
      description: "{{ $value | humanizePercentage }} of the time its tasks beside {{ $labels.instance }} stood still for it. Look who else uses the node.",
      board: "hardware",
    },
    StateDiskNearlyFull: {
      urgency: "ticket",
      expr: `${from(instruments.stateDiskFree)} / ${from(instruments.stateDiskSize)} < ${thresholds.diskFree}`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "The disk with Pilotfish's state at {{ $labels.instance }} is nearly full",
      description: "{{ $value | humanizePercentage }} of it are free; without room nothing outlives a restart. Look what else writes there.",
      board: "pilotfish",
    },
  } as const satisfies Alerts;
}
