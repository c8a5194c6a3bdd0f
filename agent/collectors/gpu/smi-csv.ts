/**
 * What `nvidia-smi --query-gpu` prints, one line of comma-separated values a GPU. NVIDIA promises no stable output, so every
 * value may be missing or a word (`[N/A]`, `[Not Supported]`, `ERR!`): then the figure is missing too.
 */
import { throttleReasons, type GpuFigures, type ThrottleReason } from "./figures.ts";

/** By our name; of the names that drivers know, the newest first. Which of them this driver knows, its help says. */
const wanted = {
  index: ["index"],
  uuid: ["uuid", "gpu_uuid"],
  name: ["name", "gpu_name"],
  driver: ["driver_version"],
  bus: ["pci.bus_id", "gpu_bus_id"],
  mig: ["mig.mode.current"],
  utilization: ["utilization.gpu"],
  memoryUsed: ["memory.used"],
  memoryTotal: ["memory.total"],
  temperature: ["temperature.gpu"],
  temperatureMargin: ["temperature.gpu.tlimit"],
  memoryTemperature: ["temperature.memory"],
  power: ["power.draw"],
  powerLimit: ["enforced.power.limit", "power.limit"],
  clock: ["clocks.current.sm", "clocks.sm"],
  memoryClock: ["clocks.current.memory", "clocks.mem"],
  corrected: ["ecc.errors.corrected.volatile.total"],
  uncorrected: ["ecc.errors.uncorrected.volatile.total"],
  remappedCorrected: ["remapped_rows.correctable"],
  remappedUncorrected: ["remapped_rows.uncorrectable"],
  remapPending: ["remapped_rows.pending"],
  remapFailure: ["remapped_rows.failure"],
  recovery: ["gpu_recovery_action"],
  power_cap: ["clocks_event_reasons.sw_power_cap", "clocks_throttle_reasons.sw_power_cap"],
  hw_slowdown: ["clocks_event_reasons.hw_slowdown", "clocks_throttle_reasons.hw_slowdown"],
  hw_thermal: ["clocks_event_reasons.hw_thermal_slowdown", "clocks_throttle_reasons.hw_thermal_slowdown"],
  hw_power_brake: ["clocks_event_reasons.hw_power_brake_slowdown", "clocks_throttle_reasons.hw_power_brake_slowdown"],
  sw_thermal: ["clocks_event_reasons.sw_thermal_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown"],
  sync_boost: ["clocks_event_reasons.sync_boost", "clocks_throttle_reasons.sync_boost"],
  power_capTime: ["clocks_event_reasons_counters.sw_power_cap"],
  hw_thermalTime: ["clocks_event_reasons_counters.hw_thermal_slowdown"],
  hw_power_brakeTime: ["clocks_event_reasons_counters.hw_power_brake_slowdown"],
  sw_thermalTime: ["clocks_event_reasons_counters.sw_thermal_slowdown"],
  sync_boostTime: ["clocks_event_reasons_counters.sync_boost"],
} as const;

export type FieldKey = keyof typeof wanted;

export interface Field {
  readonly key: FieldKey;
  /** As this driver calls it. */
  readonly name: string;
}

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

export function figuresOfLine(line: GpuLine): GpuFigures {
  const number = (key: FieldKey, factor: number = 1) => numberOf(line.get(key), factor);
  return {
    id: gpuId(line),
    name: line.get("name") ?? "",
    driver: line.get("driver") ?? "",
    busyRatio: number("utilization", 0.01),
    memoryUsedBytes: number("memoryUsed", mebibyte),
    memoryTotalBytes: number("memoryTotal", mebibyte),
    temperatureC: number("temperature"),
    temperatureMarginC: number("temperatureMargin"),
    memoryTemperatureC: number("memoryTemperature"),
    powerW: number("power"),
    powerLimitW: number("powerLimit"),
    clockHz: number("clock", megahertz),
    memoryClockHz: number("memoryClock", megahertz),
    throttled: byReason((reason) => flagOf(line.get(reason))),
    throttledS: byReason((reason) => (reason === "hw_slowdown" ? undefined : number(`${reason}Time`, 1e-6))),
    errors: { corrected: number("corrected"), uncorrected: number("uncorrected") },
    remappedRows: { corrected: number("remappedCorrected"), uncorrected: number("remappedUncorrected") },
    remapPending: flagOf(line.get("remapPending")),
    remapFailed: flagOf(line.get("remapFailure")),
    resetNeeded: recoveryOf(line.get("recovery")),
  };
}

export function byReason<Value>(valueOf: (reason: ThrottleReason) => Value): Record<ThrottleReason, Value> {
  return Object.fromEntries(throttleReasons.map((reason) => [reason, valueOf(reason)])) as Record<ThrottleReason, Value>;
}

/** A number, with or without its unit; 0 is one. */
export function numberOf(text: string | undefined, factor: number = 1): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)(?: (?:%|MiB|MHz|W|C|us|KB\/s))?$/.exec(text ?? "");
  return match === null ? undefined : Number(match[1]) * factor;
}

/** Some fields say yes and no, some say 1 and 0, some whether they are active. */
export function flagOf(text: string | undefined): boolean | undefined {
  if (text === "Active" || text === "Yes" || text === "1") return true;
  return text === "Not Active" || text === "No" || text === "0" ? false : undefined;
}

/** Whether the driver wants the GPU reset. Only its known words count: what is said of a field that is missing is a sentence, too. */
export function recoveryOf(text: string | undefined): boolean | undefined {
  if (text === "None") return false;
  return /^((GPU |Bus )?Reset|(Node |System )?Reboot|Drain P2P|Drain and Reset|Recover IMEX Domain)$/i.test(text ?? "") ? true : undefined;
}
