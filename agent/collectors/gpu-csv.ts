/**
 * What `nvidia-smi --query-gpu` prints, one line of comma-separated values a GPU, and the series that follow from it. NVIDIA
 * promises no stable output, so every value may be missing or a word (`[N/A]`, `[Not Supported]`, `ERR!`): then its series is.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";

/** By our name; of the names that drivers know, the newest first. Which of them this driver knows, its help says. */
const wanted = {
  index: ["index"],
  uuid: ["uuid", "gpu_uuid"],
  name: ["name", "gpu_name"],
  driver: ["driver_version"],
  utilization: ["utilization.gpu"],
  memoryUsed: ["memory.used"],
  memoryTotal: ["memory.total"],
  temperature: ["temperature.gpu"],
  power: ["power.draw"],
  powerLimit: ["enforced.power.limit", "power.limit"],
  clock: ["clocks.current.sm", "clocks.sm"],
  corrected: ["ecc.errors.corrected.volatile.total"],
  uncorrected: ["ecc.errors.uncorrected.volatile.total"],
  power_cap: ["clocks_event_reasons.sw_power_cap", "clocks_throttle_reasons.sw_power_cap"],
  hw_slowdown: ["clocks_event_reasons.hw_slowdown", "clocks_throttle_reasons.hw_slowdown"],
  hw_thermal: ["clocks_event_reasons.hw_thermal_slowdown", "clocks_throttle_reasons.hw_thermal_slowdown"],
  hw_power_brake: ["clocks_event_reasons.hw_power_brake_slowdown", "clocks_throttle_reasons.hw_power_brake_slowdown"],
  sw_thermal: ["clocks_event_reasons.sw_thermal_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown"],
  sync_boost: ["clocks_event_reasons.sync_boost", "clocks_throttle_reasons.sync_boost"],
} as const;

export type FieldKey = keyof typeof wanted;

export interface Field {
  readonly key: FieldKey;
  /** As this driver calls it. */
  readonly name: string;
}

const throttleReasons = ["power_cap", "hw_slowdown", "hw_thermal", "hw_power_brake", "sw_thermal", "sync_boost"] as const satisfies readonly FieldKey[];

/** The fields that can be asked for, from the text of `nvidia-smi --help-query-gpu`; empty where that is no such text. */
export function chooseFields(help: string): readonly Field[] {
  const known = new Set([...help.matchAll(/"([\w.]+)"/g)].map(([, name]) => name as string));
  const fields = (Object.keys(wanted) as FieldKey[]).flatMap((key) => {
    const name = wanted[key].find((candidate) => known.has(candidate));
    return name === undefined ? [] : [{ key, name }];
  });
  return fields.some(({ key }) => key === "index") ? fields : [];
}

/** One GPU's values, as text. */
export type GpuLine = ReadonlyMap<FieldKey, string>;

/** Undefined where the line is not what was asked for. */
export function parseLine(line: string, fields: readonly Field[]): GpuLine | undefined {
  const cells = line.split(",").map((cell) => cell.trim());
  if (cells.length !== fields.length) return undefined;
  const values = new Map(fields.map(({ key }, index) => [key, cells[index] as string]));
  return /^\d+$/.test(values.get("index") ?? "") ? values : undefined;
}

/** What the GPU is called in labels: its UUID, or its index where the driver does not tell. */
export function gpuId(line: GpuLine): string {
  const uuid = line.get("uuid") ?? "";
  return /^[A-Z]+-[\w-]+$/.test(uuid) ? uuid : `index-${line.get("index")}`;
}

const mebibyte = 1_048_576;
const megahertz = 1_000_000;

export function gpuPoints(line: GpuLine): readonly Point[] {
  const labels = { gpu: gpuId(line) };
  const points: Point[] = [
    { instrument: instruments.gpuInfo, labels: { ...labels, name: line.get("name") ?? "", driver: line.get("driver") ?? "", source: "nvidia-smi" }, value: 1 },
  ];
  const add = (instrument: Point["instrument"], key: FieldKey, factor: number = 1, more: Record<string, string> = {}) => {
    const value = numberOf(line.get(key));
    if (value !== undefined) points.push({ instrument, labels: { ...labels, ...more }, value: value * factor });
  };
  add(instruments.gpuUtilization, "utilization", 0.01);
  add(instruments.gpuMemoryUsage, "memoryUsed", mebibyte);
  add(instruments.gpuMemoryLimit, "memoryTotal", mebibyte);
  add(instruments.gpuTemperature, "temperature");
  add(instruments.gpuPower, "power");
  add(instruments.gpuPowerLimit, "powerLimit");
  add(instruments.gpuClock, "clock", megahertz);
  for (const type of ["corrected", "uncorrected"] as const) add(instruments.gpuErrors, type, 1, { type });
  for (const reason of throttleReasons) {
    const text = line.get(reason);
    if (text === "Active" || text === "Not Active") points.push({ instrument: instruments.gpuThrottle, labels: { ...labels, reason }, value: text === "Active" ? 1 : 0 });
  }
  return points;
}

/** A number, with or without its unit; 0 is one. */
function numberOf(text: string | undefined): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)(?: (?:%|MiB|MHz|W))?$/.exec(text ?? "");
  return match === null ? undefined : Number(match[1]);
}
