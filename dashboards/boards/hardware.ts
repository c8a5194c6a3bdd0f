/** Utilisation, saturation and errors: of each GPU, of the containers, of processes, network and disk. */
import * as units from "@grafana/grafana-foundation-sdk/units";
import { instruments, type Instrument, type InstrumentKind } from "../../exporters/instruments.ts";
import { fromRow, to } from "../links.ts";
import { asLimit, list, onTheRight, stateTimeline, thresholds, timeSeries, withLine, words } from "../panels.ts";
import { increase, maxBy, minBy, rate, share, sumBy, type Matchers } from "../promql.ts";
import { shown, type Row } from "../rows/row.ts";
import type { Board } from "./board.ts";

/** The series of the GPUs that are chosen. */
const onGpu = <Kind extends InstrumentKind, Label extends string>(instrument: Instrument<Kind, Label | "gpu">, matchers: Matchers<NoInfer<Label | "gpu">> = {}) =>
  shown<Kind, Label | "gpu">(instrument, { gpu: "~$gpu", ...matchers } as Matchers<NoInfer<Label | "gpu">>);

const card = maxBy(["gpu", "name", "driver", "source"], onGpu(instruments.gpuInfo));

const noGpu = "No GPU is seen";

const limits: Row = {
  id: 10,
  title: "Is the machine to blame?",
  panels: ({ help, limit }) => [
    stateTimeline(
      { id: 11, title: "State of the GPUs", description: "By their driver's own findings. Failed: it needs a reset, or rows could not be remapped. Degraded: held back by heat or hardware, or a row waits to be remapped.", width: 8, height: 8, nothing: noGpu, runbook: help("GpuThrottled"), to: to("hardware", "Only this GPU", ["gpu"]) },
      [{ expr: `${maxBy(["gpu"], onGpu(instruments.gpuStatus, { state: "degraded" }))} + 2 * ${maxBy(["gpu"], onGpu(instruments.gpuStatus, { state: "failed" }))}`, legend: "{{gpu}}" }],
      [words({ 0: ["ok", "green"], 1: ["degraded", "orange"], 2: ["failed", "red"] })],
    ),
    stateTimeline(
      { id: 12, title: "GPU held back", description: "Reasons for which the clock is kept low. A power cap alone is how a loaded GPU normally runs.", width: 8, height: 8, nothing: "Nothing holds a GPU back", runbook: help("GpuThrottled") },
      [
        { expr: `${maxBy(["gpu", "reason"], onGpu(instruments.gpuThrottle))} == 1`, legend: "{{gpu}}: {{reason}}" },
        { expr: `${sumBy(["gpu", "type"], rate(onGpu(instruments.gpuErrors)))} > bool 0 == 1`, legend: "{{gpu}}: {{type}} errors" },
      ],
      [words({ 1: ["yes", "orange"] })],
    ),
    withLine(
      timeSeries(
        {
          id: 13,
          title: "Pressure and throttling",
          description: "Share of the time in which some or all tasks waited for a resource, and in which the CPU limit held them back. The line: where an alert fires for the limit.",
          width: 8,
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
      limit("ContainerCpuThrottled"),
    ),
  ],
};

const gpuUse: Row = {
  id: 20,
  title: "GPU: how much of it is used?",
  panels: ({ help }) => [
    timeSeries(
      { id: 21, title: "GPU busy, GPU memory", description: "Busy is the share of time in which at least one kernel ran: a GPU can be busy and hardly loaded. Memory as a share of all.", width: 8, height: 8, unit: units.PercentUnit, nothing: noGpu, to: to("inference", "Inference: what it works on") },
      [
        { expr: maxBy(["gpu"], onGpu(instruments.gpuUtilization)), legend: "busy {{gpu}}" },
        { expr: `${maxBy(["gpu"], onGpu(instruments.gpuMemoryUsage))} / ${maxBy(["gpu"], onGpu(instruments.gpuMemoryLimit))}`, legend: "memory {{gpu}}" },
      ],
    ).max(1),
    timeSeries(
      { id: 22, title: "GPU at work", description: "Share of time or cycles in which a part was at work: engine any of it, sm its multiprocessors, tensor their tensor cores, dram its memory's interface. Busy with few multiprocessors at work is a GPU that waits. On the right, processes that compute on it.", width: 8, height: 8, unit: units.PercentUnit, nothing: "What reads the GPU does not tell" },
      [
        { expr: maxBy(["gpu", "part"], onGpu(instruments.gpuActivity)), legend: "{{part}} {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuProcesses)), legend: "processes on {{gpu}}" },
      ],
    )
      .max(1)
      .overrideByRegexp("/^processes/", [...onTheRight(units.Short), { id: "max", value: null }]),
    timeSeries(
      { id: 23, title: "PCIe and NVLink", description: "Bytes a second by link and direction; on the right, packets a second that had to be sent again over PCIe.", width: 8, height: 8, unit: units.BytesPerSecondIEC, nothing: "What reads the GPU does not tell" },
      [
        { expr: maxBy(["gpu", "link", "direction"], onGpu(instruments.gpuLinkThroughput)), legend: "{{link}} {{direction}} {{gpu}}" },
        { expr: sumBy(["gpu"], rate(onGpu(instruments.gpuPcieReplays))), legend: "replays {{gpu}}" },
      ],
    ).overrideByRegexp("/^replays/", onTheRight(units.CountsPerSecond)),
    timeSeries(
      { id: 24, title: "GPU temperature and power", description: "Temperature, and on the right the power drawn with the limit in force, and the mean power by the energy counter.", width: 8, height: 8, unit: units.Celsius, nothing: noGpu, runbook: help("GpuThrottled") },
      [
        { expr: maxBy(["gpu"], onGpu(instruments.gpuTemperature)), legend: "temperature {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuMemoryTemperature)), legend: "memory's {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuPower)), legend: "power {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuPowerLimit)), legend: "power limit {{gpu}}" },
        { expr: maxBy(["gpu"], rate(onGpu(instruments.gpuEnergy))), legend: "power by energy {{gpu}}" },
      ],
    )
      .overrideByRegexp("/^power/", onTheRight(units.Watt))
      .overrideByRegexp("/^power limit/", asLimit),
    timeSeries(
      { id: 25, title: "Room for heat", description: "How much hotter the GPU may become before it slows down, and the temperatures at which it slows down, shuts down, or is no longer meant to work.", width: 8, height: 8, unit: units.Celsius, nothing: "What reads the GPU does not tell", runbook: help("GpuThrottled") },
      [
        { expr: minBy(["gpu"], onGpu(instruments.gpuTemperatureMargin)), legend: "room of {{gpu}}" },
        { expr: minBy(["gpu", "type"], onGpu(instruments.gpuTemperatureLimit)), legend: "limit ({{type}}) of {{gpu}}" },
      ],
    ).overrideByRegexp("/^limit/", asLimit),
    timeSeries(
      { id: 26, title: "Clocks", description: "Of the multiprocessors and of the memory. It falls where the GPU is held back, or has nothing to do.", width: 8, height: 8, unit: units.Hertz, nothing: noGpu, runbook: help("GpuThrottled") },
      [
        { expr: maxBy(["gpu"], onGpu(instruments.gpuClock)), legend: "multiprocessors {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuMemoryClock)), legend: "memory {{gpu}}" },
      ],
    ),
  ],
};

const gpuErrors: Row = {
  id: 30,
  title: "GPU: what went wrong?",
  panels: ({ help }) => [
    timeSeries(
      { id: 31, title: "Time held back", description: "Share of the time in which the clock was held back, by reason.", width: 8, height: 8, unit: units.PercentUnit, nothing: "What reads the GPU does not tell", runbook: help("GpuThrottled") },
      [{ expr: maxBy(["gpu", "reason"], rate(onGpu(instruments.gpuThrottledTime))), legend: "{{reason}} {{gpu}}" }],
    ).max(1),
    timeSeries(
      { id: 32, title: "GPU memory errors", description: "Memory errors a second that were corrected or not; on the right the rows of memory that were replaced by spare ones after errors, those that wait for a reset, and those that could not be.", width: 8, height: 8, unit: units.CountsPerSecond, nothing: noGpu, runbook: help("GpuMemoryErrors") },
      [
        { expr: sumBy(["gpu", "type"], rate(onGpu(instruments.gpuErrors))), legend: "{{type}} {{gpu}}" },
        { expr: maxBy(["gpu", "type"], onGpu(instruments.gpuRemappedRows)), legend: "rows replaced ({{type}}) {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuRemapPending)), legend: "rows wait for a reset {{gpu}}" },
        { expr: maxBy(["gpu"], onGpu(instruments.gpuRemapFailure)), legend: "rows could not be replaced {{gpu}}" },
      ],
    ).overrideByRegexp("/^rows/", onTheRight(units.Short)),
    list(
      { id: 33, title: "GPUs", description: "Which GPU and driver, through what they are read, and the XID number of the last fault: 0 where there was none, or nobody tells.", width: 8, height: 8, unit: "none", nothing: noGpu, runbook: help("GpuMemoryErrors"), to: fromRow("hardware", "Only this GPU", "gpu", "Gpu") },
      ["gpu", "name", "driver", "source"],
      { expr: `${card} * on (gpu) group_left () ${maxBy(["gpu"], onGpu(instruments.gpuLastXid))} or ${card} * 0`, legend: "Last XID" },
    ),
    timeSeries(
      { id: 34, title: "Faults by XID", description: "Faults that the driver reported, a minute, by NVIDIA's XID number. Each is also a line across the panels.", width: 24, height: 5, unit: units.Short, nothing: "No fault was reported", runbook: help("GpuMemoryErrors") },
      [{ expr: `${sumBy(["gpu", "xid"], rate(onGpu(instruments.gpuXids)))} * 60`, legend: "XID {{xid}} {{gpu}}" }],
    ),
  ],
};

const seen = "Neither containers nor processes can be seen";

const containers: Row = {
  id: 40,
  title: "Containers: are they at their limits?",
  panels: ({ help, limit }) => [
    timeSeries(
      { id: 41, title: "CPU", description: "CPUs in use, by container with its limit, and by process.", width: 8, height: 8, unit: units.Short, nothing: seen, runbook: help("ContainerCpuThrottled") },
      [
        { expr: sumBy(["container"], rate(shown(instruments.cpuTime))), legend: "{{container}}" },
        { expr: sumBy(["process"], rate(shown(instruments.processCpuTime))), legend: "{{process}} (process)" },
        { expr: sumBy(["container"], shown(instruments.cpuLimit)), legend: "limit of {{container}}" },
      ],
    ).overrideByRegexp("/^limit/", asLimit),
    timeSeries(
      { id: 42, title: "Periods at the limit", description: "Share of the CPU limit's periods in which the container had used up what it may. Above zero, requests wait although a CPU may be free.", width: 8, height: 8, unit: units.PercentUnit, nothing: "No container has a CPU limit", runbook: help("ContainerCpuThrottled") },
      [{ expr: share(sumBy(["container"], rate(shown(instruments.cpuThrottledPeriods))), sumBy(["container"], rate(shown(instruments.cpuPeriods)))), legend: "{{container}}" }],
    ).max(1),
    timeSeries(
      { id: 43, title: "Block devices", description: "Bytes a second that each container read and wrote, by the device's number.", width: 8, height: 8, unit: units.BytesPerSecondIEC, nothing: seen },
      [{ expr: sumBy(["container", "device", "direction"], rate(shown(instruments.diskIo))), legend: "{{container}}: {{direction}} {{device}}" }],
    ),
    timeSeries(
      { id: 44, title: "Memory", description: "What can not be reclaimed at once, all that is charged to the container, and its limit; and what is resident, by process.", width: 8, height: 8, unit: units.BytesIEC, nothing: seen, runbook: help("ContainerMemoryNearLimit") },
      [
        { expr: maxBy(["container"], shown(instruments.memoryWorkingSet)), legend: "{{container}}" },
        { expr: maxBy(["container"], shown(instruments.memoryUsage)), legend: "{{container}}, with what can be reclaimed" },
        { expr: maxBy(["process"], shown(instruments.processMemory)), legend: "{{process}} (process)" },
        { expr: maxBy(["container"], shown(instruments.memoryLimit)), legend: "limit of {{container}}" },
      ],
    ).overrideByRegexp("/^limit/", asLimit),
    withLine(
      timeSeries(
        { id: 45, title: "Memory against its limit", description: "Share of the limit that is in use and can not be reclaimed. The line: where an alert fires.", width: 8, height: 8, unit: units.PercentUnit, nothing: "No container has a memory limit", runbook: help("ContainerMemoryNearLimit") },
        [{ expr: `${maxBy(["container", "instance"], shown(instruments.memoryWorkingSet))} / ${maxBy(["container", "instance"], shown(instruments.memoryLimit))}`, legend: "{{container}} · {{instance}}" }],
      ).max(1),
      limit("ContainerMemoryNearLimit"),
    ),
    timeSeries(
      { id: 46, title: "Killed for memory", description: "Processes that the kernel killed for memory within the time shown.", width: 8, height: 8, unit: units.Short, nothing: seen, runbook: help("ContainerOomKilled"), to: to("failover", "Failover: restarts", ["instance"]) },
      [{ expr: sumBy(["container", "instance"], increase(shown(instruments.oomKills), "$__range")), legend: "{{container}} · {{instance}}" }],
    ).thresholds(thresholds(["green"], ["red", 1])),
  ],
};

const rest: Row = {
  id: 50,
  title: "Processes, network and disk",
  panels: ({ help }) => [
    timeSeries(
      { id: 51, title: "Threads and files", description: "Threads of each process, and on the right its open file descriptors. What only grows, leaks.", width: 8, height: 8, unit: units.Short, nothing: "Processes can not be seen" },
      [
        { expr: sumBy(["process"], shown(instruments.processThreads)), legend: "threads of {{process}}" },
        { expr: sumBy(["process"], shown(instruments.processFiles)), legend: "files of {{process}}" },
      ],
    ).overrideByRegexp("/^files/", onTheRight(units.Short)),
    timeSeries(
      { id: 52, title: "Network", description: "Bytes a second in the network namespace that the server and Pilotfish share; on the right, packets a second that were faulty or dropped.", width: 8, height: 8, unit: units.BytesPerSecondIEC, nothing: "The network is not read" },
      [
        { expr: sumBy(["interface", "direction"], rate(shown(instruments.networkIo))), legend: "{{interface}} {{direction}}" },
        { expr: sumBy(["interface", "direction", "type"], rate(shown(instruments.networkErrors))), legend: "packets: {{type}} {{interface}} {{direction}}" },
      ],
    ).overrideByRegexp("/^packets/", onTheRight(units.PacketsPerSecond)),
    timeSeries(
      { id: 53, title: "Disk of the state folder", description: "What Pilotfish may still write, and the size of the disk.", width: 8, height: 8, unit: units.BytesIEC, nothing: "Pilotfish keeps no state", runbook: help("PilotfishStateNotWritten"), to: to("pilotfish", "Pilotfish itself: its writes", ["instance"]) },
      [
        { expr: minBy(["instance"], shown(instruments.stateDiskFree)), legend: "free at {{instance}}" },
        { expr: minBy(["instance"], shown(instruments.stateDiskSize)), legend: "size at {{instance}}" },
      ],
    ).overrideByRegexp("/^size/", asLimit),
    list(
      { id: 54, title: "Machines", description: "What each machine is, read once.", width: 24, height: 6, unit: "none", to: fromRow("fleet", "Fleet", "instance", "Instance") },
      ["instance", "cpu", "cores", "os", "arch"],
      { expr: maxBy(["instance", "cpu", "cores", "os", "arch"], shown(instruments.hostInfo)), legend: "Sidecars" },
    ),
  ],
};

export const hardware: Board = {
  name: "hardware",
  title: "Hardware",
  question: "Is the machine to blame: how much of it is used, where is it at its limit, what went wrong?",
  variables: ["gpu"],
  annotations: ["Transitions", "XID", "Restarts"],
  rows: [limits, gpuUse, gpuErrors, containers, rest],
};
