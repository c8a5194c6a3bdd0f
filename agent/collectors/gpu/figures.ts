/**
 * What is known of one GPU at one moment, in one shape for all back ends, and the series that follow from it. What a card or
 * a driver does not tell is left out here, and then has no series: never a zero, never the last value.
 */
import { instruments } from "../../../exporters/instruments.ts";
import type { Point } from "../../observation.ts";

export const throttleReasons = ["power_cap", "hw_slowdown", "hw_thermal", "hw_power_brake", "sw_thermal", "sync_boost"] as const;
export type ThrottleReason = (typeof throttleReasons)[number];

/** Plain data, so that it can come from another process as JSON. Units end the names; ratios run from 0 to 1. */
export interface GpuFigures {
  /** The card's UUID; of a MIG instance the card's, a stroke and the instance's number. */
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly busyRatio?: number | undefined;
  readonly activityRatio?: Partial<Record<"engine" | "sm" | "tensor" | "dram", number | undefined>>;
  readonly memoryUsedBytes?: number | undefined;
  readonly memoryTotalBytes?: number | undefined;
  readonly temperatureC?: number | undefined;
  readonly temperatureLimitC?: Partial<Record<"slowdown" | "shutdown" | "operating" | "memory", number | undefined>>;
  readonly temperatureMarginC?: number | undefined;
  readonly memoryTemperatureC?: number | undefined;
  readonly powerW?: number | undefined;
  readonly powerLimitW?: number | undefined;
  readonly energyJ?: number | undefined;
  readonly clockHz?: number | undefined;
  readonly memoryClockHz?: number | undefined;
  readonly throttled?: Partial<Record<ThrottleReason, boolean | undefined>>;
  /** `thermal`: of either kind, where they are not told apart. */
  readonly throttledS?: Partial<Record<ThrottleReason | "thermal", number | undefined>>;
  /** Memory errors since the driver was loaded. */
  readonly errors?: Partial<Record<"corrected" | "uncorrected", number | undefined>>;
  readonly remappedRows?: Partial<Record<"corrected" | "uncorrected", number | undefined>>;
  readonly remapPending?: boolean | undefined;
  readonly remapFailed?: boolean | undefined;
  /** The driver says that the card, or its machine, must be reset. */
  readonly resetNeeded?: boolean | undefined;
  readonly pcieBytesPerS?: Throughput;
  readonly nvlinkBytesPerS?: Throughput;
  readonly pcieReplays?: number | undefined;
  readonly processes?: number | undefined;
  /** How often each XID was reported since somebody looks. */
  readonly xids?: Readonly<Record<string, number>>;
  readonly lastXid?: number | undefined;
}

type Throughput = Partial<Record<"transmit" | "receive", number | undefined>>;

/** Faults of so many kinds are told apart for one GPU, which is more than a driver ever reports; the rest is `other`. */
const xidsMax = 32;

export function pointsOf(figures: GpuFigures, source: string): readonly Point[] {
  const gpu = { gpu: figures.id };
  const points: Point[] = [{ instrument: instruments.gpuInfo, labels: { ...gpu, name: figures.name, driver: figures.driver, source }, value: 1 }];
  const add = (instrument: Point["instrument"], value: number | boolean | undefined, more: Readonly<Record<string, string>> = {}) => {
    if (value !== undefined && Number.isFinite(Number(value))) points.push({ instrument, labels: { ...gpu, ...more }, value: Number(value) });
  };
  const addEach = (instrument: Point["instrument"], values: Readonly<Record<string, number | boolean | undefined>> | undefined, label: string, more: Readonly<Record<string, string>> = {}) => {
    for (const [key, value] of Object.entries(values ?? {})) add(instrument, value, { ...more, [label]: key });
  };

  add(instruments.gpuUtilization, figures.busyRatio);
  addEach(instruments.gpuActivity, figures.activityRatio, "part");
  add(instruments.gpuMemoryUsage, figures.memoryUsedBytes);
  add(instruments.gpuMemoryLimit, figures.memoryTotalBytes);
  add(instruments.gpuTemperature, figures.temperatureC);
  addEach(instruments.gpuTemperatureLimit, figures.temperatureLimitC, "type");
  add(instruments.gpuTemperatureMargin, figures.temperatureMarginC);
  add(instruments.gpuMemoryTemperature, figures.memoryTemperatureC);
  add(instruments.gpuPower, figures.powerW);
  add(instruments.gpuPowerLimit, figures.powerLimitW);
  add(instruments.gpuEnergy, figures.energyJ);
  add(instruments.gpuClock, figures.clockHz);
  add(instruments.gpuMemoryClock, figures.memoryClockHz);
  addEach(instruments.gpuThrottle, figures.throttled, "reason");
  addEach(instruments.gpuThrottledTime, figures.throttledS, "reason");
  addEach(instruments.gpuErrors, figures.errors, "type");
  addEach(instruments.gpuRemappedRows, figures.remappedRows, "type");
  add(instruments.gpuRemapPending, figures.remapPending);
  add(instruments.gpuRemapFailure, figures.remapFailed);
  addEach(instruments.gpuLinkThroughput, figures.pcieBytesPerS, "direction", { link: "pcie" });
  addEach(instruments.gpuLinkThroughput, figures.nvlinkBytesPerS, "direction", { link: "nvlink" });
  add(instruments.gpuPcieReplays, figures.pcieReplays);
  add(instruments.gpuProcesses, figures.processes);
  addEach(instruments.gpuXids, bounded(figures.xids ?? {}), "xid");
  add(instruments.gpuLastXid, figures.lastXid);
  const status = statusOf(figures);
  if (status !== undefined) addEach(instruments.gpuStatus, { ok: status === "ok", degraded: status === "degraded", failed: status === "failed" }, "state");
  return points;
}

/** The driver's own findings and no opinion of ours; undefined where it told none of them. A power cap is normal under load. */
export function statusOf({ resetNeeded, remapFailed, remapPending, throttled = {} }: GpuFigures): "ok" | "degraded" | "failed" | undefined {
  const { hw_slowdown, hw_thermal, hw_power_brake, sw_thermal } = throttled;
  if (resetNeeded === true || remapFailed === true) return "failed";
  const troubles = [remapPending, hw_slowdown, hw_thermal, hw_power_brake, sw_thermal];
  if (troubles.includes(true)) return "degraded";
  return [resetNeeded, remapFailed, ...troubles].includes(false) ? "ok" : undefined;
}

function bounded(xids: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const entries = Object.entries(xids);
  if (entries.length <= xidsMax) return xids;
  const other = entries.slice(xidsMax).reduce((sum, [, count]) => sum + count, 0);
  return { ...Object.fromEntries(entries.slice(0, xidsMax)), other };
}
