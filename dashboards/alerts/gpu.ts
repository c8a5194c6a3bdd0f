/**
 * What does the GPU say? A fault of the card or its driver is a page, since a card that is half dead may answer wrongly or
 * hang without any other sign; what an application did to itself is an info; what merely slows down is a ticket. That a GPU
 * can not be read is an alert of its own: unknown is not healthy.
 *
 * Classes of XIDs after NVIDIA's catalogue of XID errors (docs.nvidia.com/deploy/xid-errors): those whose remedy is a reset of
 * the GPU or its replacement, and those that it lays at the application's door. Each other number is for a person to read up.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { DashboardsOptions } from "../options.ts";
import { increase, noneOf, oneOf } from "../promql.ts";
import { happened, selecting, type Alerts } from "./alert.ts";

/** The card is gone from its bus. */
const offTheBus = "79";
/** Uncorrectable ECC (48), microcontroller halt (62), failed row remap (64), NVLink (74), uncontained ECC (95), context switch time-out (109), GSP firmware (119, 120), unrecovered ECC (140), initialisation (143). */
const fatal = ["48", "62", "64", "74", "95", "109", "119", "120", "140", "143"];
/** Graphics engine exception (13), page fault (31), stopped processing (43), clean-up after those (45), video decoder (68), engine class (69). */
const application = ["13", "31", "43", "45", "68", "69"];

const heat = "~.*(thermal|slowdown).*";

export function gpu(options: DashboardsOptions) {
  const from = selecting(options);
  const { thresholds } = options;
  const xid = (matcher: string) => happened(from(instruments.gpuXids, { xid: matcher }), "10m");
  const known = `sum without (name, driver, source) (${from(instruments.gpuInfo)})`;
  const reads = `${from(instruments.collectorUp, { collector: "gpu" })} == 1`;
  const limit = (type: string) => `sum without (type) (${from(instruments.gpuTemperatureLimit, { type })})`;

  return {
    GpuFellOffBus: {
      urgency: "page",
      // By its fault's number, or because it is missed among those that can still be read.
      expr: `${xid(offTheBus).replaceAll(/^\(|\)$/g, "")} or (sum without (name, driver, source) (last_over_time(${from(instruments.gpuInfo)}[15m])) unless ${known}) and on (job, instance) ${reads}`,
      for: "1m",
      keepFiringFor: "1h",
      summary: "GPU {{ $labels.gpu }} is gone from its bus",
      description: "The driver beside {{ $labels.instance }} reaches the card no more (XID 79, or it is no longer listed). Drain the node; it needs a power cycle.",
      board: "hardware",
    },
    GpuFatalError: {
      urgency: "page",
      expr: xid(oneOf(fatal)),
      keepFiringFor: "1h",
      summary: "GPU {{ $labels.gpu }} reported a fatal fault: XID {{ $labels.xid }}",
      description: "XID {{ $labels.xid }} came within the last 10 minutes beside {{ $labels.instance }}. Drain the node and reset the card; replace it where that does not last.",
      board: "hardware",
    },
    GpuFault: {
      urgency: "ticket",
      expr: xid(noneOf([offTheBus, ...fatal, ...application])),
      keepFiringFor: "1h",
      summary: "GPU {{ $labels.gpu }} reported a fault: XID {{ $labels.xid }}",
      description: "XID {{ $labels.xid }} came within the last 10 minutes beside {{ $labels.instance }}. Look it up in NVIDIA's catalogue.",
      board: "hardware",
    },
    GpuApplicationError: {
      urgency: "info",
      expr: xid(oneOf(application)),
      keepFiringFor: "15m",
      summary: "A program did wrong on GPU {{ $labels.gpu }}: XID {{ $labels.xid }}",
      description: "XID {{ $labels.xid }} came within the last 10 minutes beside {{ $labels.instance }}: mostly a fault of the program and not of the card. Look at the model server's log.",
      board: "hardware",
    },
    GpuFailed: {
      urgency: "page",
      expr: `${from(instruments.gpuStatus, { state: "failed" })} == 1`,
      for: "1m",
      summary: "GPU {{ $labels.gpu }} has failed",
      description: "The driver beside {{ $labels.instance }} says that the card needs a reset, or that rows of its memory could not be replaced. Drain the node.",
      board: "hardware",
    },
    GpuMemoryErrors: {
      urgency: "page",
      expr: `${increase(from(instruments.gpuErrors, { type: "!corrected" }), "10m")} > 0`,
      keepFiringFor: "1h",
      summary: "GPU {{ $labels.gpu }} has memory errors that could not be corrected",
      description: "Errors of type {{ $labels.type }} came in within 10 minutes beside {{ $labels.instance }}; answers may be wrong without any other sign. Restart the model server, and reset the card.",
      board: "hardware",
    },
    GpuRowRemapFailed: {
      urgency: "ticket",
      expr: `${from(instruments.gpuRemapFailure)} == 1`,
      summary: "GPU {{ $labels.gpu }} has no spare memory rows left",
      description: "A row with errors could not be replaced beside {{ $labels.instance }}. NVIDIA takes such a card back.",
      board: "hardware",
    },
    GpuRowRemapPending: {
      urgency: "ticket",
      expr: `${from(instruments.gpuRemapPending)} == 1`,
      for: "1h",
      summary: "GPU {{ $labels.gpu }} waits for a reset to replace a memory row",
      description: "A row with errors beside {{ $labels.instance }} is replaced at the card's next reset. Plan one.",
      board: "hardware",
    },
    GpuThrottled: {
      urgency: "ticket",
      expr: `${from(instruments.gpuThrottle, { reason: heat })} == 1`,
      for: "5m",
      keepFiringFor: "10m",
      summary: "Heat holds GPU {{ $labels.gpu }} back",
      description: "Its clock beside {{ $labels.instance }} has been kept low for 5 minutes: {{ $labels.reason }}. Look at its temperature and at the fans.",
      board: "hardware",
    },
    GpuPowerBraked: {
      urgency: "ticket",
      expr: `${from(instruments.gpuThrottle, { reason: "hw_power_brake" })} == 1`,
      for: "5m",
      keepFiringFor: "10m",
      summary: "The power supply holds GPU {{ $labels.gpu }} back",
      description: "The machine of {{ $labels.instance }} has told the card to brake for 5 minutes. Look at its power supplies and the rack's budget.",
      board: "hardware",
    },
    GpuHot: {
      urgency: "ticket",
      expr: `${from(instruments.gpuTemperatureMargin)} < ${thresholds.gpuMargin} or ${limit("slowdown")} - ${from(instruments.gpuTemperature)} < ${thresholds.gpuMargin}`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "GPU {{ $labels.gpu }} is about to slow down for heat",
      description: "It may become {{ $value | humanize }} degrees hotter beside {{ $labels.instance }} before it does. Look at the fans and at its neighbours.",
      board: "hardware",
    },
    GpuMemoryHot: {
      urgency: "ticket",
      expr: `${limit("memory")} - ${from(instruments.gpuMemoryTemperature)} < ${thresholds.gpuMargin}`,
      for: "10m",
      keepFiringFor: "10m",
      summary: "The memory of GPU {{ $labels.gpu }} is at its limit of heat",
      description: "It is {{ $value | humanize }} degrees below it beside {{ $labels.instance }}. Look at the air flow; memory errors follow.",
      board: "hardware",
    },
    GpuMemoryNearlyFull: {
      urgency: "ticket",
      expr: `${from(instruments.gpuMemoryUsage)} / ${from(instruments.gpuMemoryLimit)} > ${thresholds.gpuMemory}`,
      for: "15m",
      keepFiringFor: "15m",
      summary: "The memory of GPU {{ $labels.gpu }} is nearly full",
      description: "{{ $value | humanizePercentage }} of it are in use beside {{ $labels.instance }}; the next allocation may fail. Smaller batches, or one model less.",
      board: "hardware",
    },
    PilotfishGpuUnknown: {
      urgency: "ticket",
      // A GPU that never was there is no news.
      expr: `${from(instruments.collectorUp, { collector: "gpu" })} == 0 and max_over_time(${from(instruments.collectorUp, { collector: "gpu" })}[1d]) == 1`,
      for: "5m",
      summary: "Nobody knows how the GPU beside {{ $labels.instance }} is",
      description: "Its driver has not answered for 5 minutes: hung, or gone. Its series are absent, so no other alert of the GPU can fire. Look whether nvidia-smi answers on the node.",
      board: "hardware",
    },
  } as const satisfies Alerts;
}

