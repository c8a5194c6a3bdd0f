/**
 * All that NVML tells of the GPUs, as figures. What a card or a driver does not know, it refuses one call at a time, and then
 * that figure is missing. Layouts of structs and numbers of fields are nvml.h's; the largest that is used has 40 bytes.
 *
 * Activity comes from GPM, the counters of Hopper and later, which tell what happened between two samples. Without them PCIe
 * is measured by NVML itself, which takes 20 ms a direction.
 */
import type { GpuFigures, ThrottleReason } from "./figures.ts";
import { nvmlReturn, type Handle, type Nvml, type NvmlArgument, type NvmlFunction } from "./nvml-library.ts";
import { instanceId } from "./smi-xml.ts";

export interface NvmlReader {
  /** One reading of all cards and their MIG instances. Blocks for as long as the driver takes. */
  read(): readonly GpuFigures[];
}

interface Card {
  readonly handle: Handle;
  readonly id: string;
  readonly name: string;
  /** GPM's samples by GPU instance; undefined for the card as a whole. Undefined where the card has no GPM. */
  readonly gpm: Map<number | undefined, Handle> | undefined;
  readonly xids: Map<number, number>;
  lastXid: number;
  nvlink: { readonly atMs: number; readonly transmit: number; readonly receive: number } | undefined;
}

const clocks = { multiprocessors: 1, memory: 2 } as const;
const thresholds = { shutdown: 0, slowdown: 1, memory: 2, operating: 3 } as const;
const xidEvents = 8n;
const eventsMax = 100;
const gpusMax = 64;

/** Bits of the clock event reasons. */
const reasonBits: Readonly<Record<ThrottleReason, bigint>> = { power_cap: 0x4n, hw_slowdown: 0x8n, sync_boost: 0x10n, sw_thermal: 0x20n, hw_thermal: 0x40n, hw_power_brake: 0x80n };

/** Fields: nanoseconds held back, degrees, kibibytes over all links, what must be done to the card. */
const fields = { memoryTemperature: 82, power_cap: 74, sync_boost: 76, sw_thermal: 269, hw_thermal: 270, hw_power_brake: 271, nvlinkTransmit: 138, nvlinkReceive: 139, recovery: 230 } as const;
type FieldName = keyof typeof fields;

/** GPM's metrics: percent, then mebibytes a second. */
const gpmMetrics = { engine: 1, sm: 2, tensor: 5, dram: 10, pcieTransmit: 20, pcieReceive: 21, nvlinkReceive: 60, nvlinkTransmit: 61 } as const;
type GpmMetric = keyof typeof gpmMetrics;

const mebibyte = 1_048_576;

/** @throws where the library can not be started; the number is NVML's. */
export function nvmlReader(nvml: Nvml, nowMs: () => number): NvmlReader {
  const started = nvml("nvmlInit_v2");
  if (started !== nvmlReturn.success) throw new Error(`nvmlInit_v2 returned ${started}`);

  /** The answer of a call whose last argument is a place for one; undefined where it failed. */
  const answer = (bytes: number, name: NvmlFunction, ...args: readonly NvmlArgument[]): Buffer | undefined => {
    const place = Buffer.alloc(bytes);
    return nvml(name, ...args, place) === nvmlReturn.success ? place : undefined;
  };
  const int = (name: NvmlFunction, ...args: readonly NvmlArgument[]) => answer(4, name, ...args)?.readUInt32LE();
  const long = (name: NvmlFunction, ...args: readonly NvmlArgument[]) => answer(8, name, ...args)?.readBigUInt64LE();
  const text = (bytes: number, name: NvmlFunction, ...args: readonly NvmlArgument[]) => {
    const place = Buffer.alloc(bytes);
    return nvml(name, ...args, place, bytes) === nvmlReturn.success ? place.toString("utf8", 0, place.indexOf(0)) : "";
  };

  const driver = text(80, "nvmlSystemGetDriverVersion");
  const cards = Array.from({ length: Math.min(int("nvmlDeviceGetCount_v2") ?? 0, gpusMax) }, (_, index) => openCard(index)).filter((card) => card !== undefined);
  const events = registerEvents();

  function openCard(index: number): Card | undefined {
    const handle = long("nvmlDeviceGetHandleByIndex_v2", index);
    if (handle === undefined) return undefined;
    const support = Buffer.alloc(8);
    support.writeUInt32LE(1);
    const hasGpm = nvml("nvmlGpmQueryDeviceSupport", handle, support) === nvmlReturn.success && support.readUInt32LE(4) === 1;
    const id = text(96, "nvmlDeviceGetUUID", handle) || `index-${index}`;
    return { handle, id, name: text(96, "nvmlDeviceGetName", handle), gpm: hasGpm ? new Map() : undefined, xids: new Map(), lastXid: 0, nvlink: undefined };
  }

  function registerEvents(): Handle | undefined {
    const set = long("nvmlEventSetCreate");
    if (set === undefined) return undefined;
    const registered = cards.filter(({ handle }) => nvml("nvmlDeviceRegisterEvents", handle, xidEvents, set) === nvmlReturn.success);
    return registered.length > 0 ? set : undefined;
  }

  /** Faults since the last reading. */
  function collectXids(): void {
    if (events === undefined) return;
    for (let count = 0; count < eventsMax; count += 1) {
      const event = Buffer.alloc(32);
      if (nvml("nvmlEventSetWait_v2", events, event, 0) !== nvmlReturn.success) return;
      const card = cards.find(({ handle }) => handle === event.readBigUInt64LE());
      if (card === undefined || (event.readBigUInt64LE(8) & xidEvents) === 0n) continue;
      const code = Number(event.readBigUInt64LE(16));
      card.xids.set(code, (card.xids.get(code) ?? 0) + 1);
      card.lastXid = code;
    }
  }

  function memoryOf(handle: Handle): Pick<GpuFigures, "memoryUsedBytes" | "memoryTotalBytes"> {
    const memory = Buffer.alloc(40);
    memory.writeUInt32LE(0x02_00_00_28); // version 2 of a struct of 40 bytes
    if (nvml("nvmlDeviceGetMemoryInfo_v2", handle, memory) !== nvmlReturn.success) return {};
    return { memoryTotalBytes: Number(memory.readBigUInt64LE(8)), memoryUsedBytes: Number(memory.readBigUInt64LE(32)) };
  }

  /** What happened since the sample before; empty at the first. */
  function activityOf(card: Card, instance: number | undefined): Partial<Record<GpmMetric, number>> {
    if (card.gpm === undefined) return {};
    const sample = long("nvmlGpmSampleAlloc");
    if (sample === undefined) return {};
    const taken = instance === undefined ? nvml("nvmlGpmSampleGet", card.handle, sample) : nvml("nvmlGpmMigSampleGet", card.handle, instance, sample);
    const before = card.gpm.get(instance);
    if (taken !== nvmlReturn.success) {
      nvml("nvmlGpmSampleFree", sample);
      return {};
    }
    card.gpm.set(instance, sample);
    if (before === undefined) return {};
    const names = Object.keys(gpmMetrics) as GpmMetric[];
    const request = Buffer.alloc(24 + 512 * 40); // NVML may look at as many metrics as its newest version has
    request.writeUInt32LE(1, 0);
    request.writeUInt32LE(names.length, 4);
    request.writeBigUInt64LE(before, 8);
    request.writeBigUInt64LE(sample, 16);
    for (const [index, name] of names.entries()) request.writeUInt32LE(gpmMetrics[name], 24 + 40 * index);
    const computed = nvml("nvmlGpmMetricsGet", request) === nvmlReturn.success;
    nvml("nvmlGpmSampleFree", before);
    if (!computed) return {};
    return Object.fromEntries(
      names.flatMap((name, index) => {
        const at = 24 + 40 * index;
        const value = request.readDoubleLE(at + 8);
        return request.readUInt32LE(at + 4) === nvmlReturn.success && Number.isFinite(value) ? [[name, value]] : [];
      }),
    );
  }

  function fieldsOf(handle: Handle): Partial<Record<FieldName, number>> {
    const names = Object.keys(fields) as FieldName[];
    const values = Buffer.alloc(40 * names.length);
    for (const [index, name] of names.entries()) {
      values.writeUInt32LE(fields[name], 40 * index);
      values.writeUInt32LE(name.startsWith("nvlink") ? 0xffff_ffff : 0, 40 * index + 4); // all links together
    }
    if (nvml("nvmlDeviceGetFieldValues", handle, names.length, values) !== nvmlReturn.success) return {};
    return Object.fromEntries(
      names.flatMap((name, index) => {
        const value = fieldValue(values.subarray(40 * index, 40 * index + 40));
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  function nvlinkOf(card: Card, activity: Partial<Record<GpmMetric, number>>, told: Partial<Record<FieldName, number>>): GpuFigures["nvlinkBytesPerS"] {
    if (card.gpm !== undefined) return { transmit: times(activity.nvlinkTransmit, mebibyte), receive: times(activity.nvlinkReceive, mebibyte) };
    const { nvlinkTransmit: transmit, nvlinkReceive: receive } = told;
    if (transmit === undefined || receive === undefined) return {};
    const before = card.nvlink;
    card.nvlink = { atMs: nowMs(), transmit, receive };
    if (before === undefined || transmit < before.transmit || receive < before.receive) return {};
    const bytesPerS = 1_024 / ((card.nvlink.atMs - before.atMs) / 1_000);
    return { transmit: (transmit - before.transmit) * bytesPerS, receive: (receive - before.receive) * bytesPerS };
  }

  function pcieOf({ handle, gpm }: Card, activity: Partial<Record<GpmMetric, number>>): GpuFigures["pcieBytesPerS"] {
    if (gpm !== undefined) return { transmit: times(activity.pcieTransmit, mebibyte), receive: times(activity.pcieReceive, mebibyte) };
    return { transmit: times(int("nvmlDeviceGetPcieThroughput", handle, 0), 1_000), receive: times(int("nvmlDeviceGetPcieThroughput", handle, 1), 1_000) };
  }

  function remapsOf(handle: Handle): Pick<GpuFigures, "remappedRows" | "remapPending" | "remapFailed"> {
    const [corrected, uncorrected, pending, failed] = [4, 4, 4, 4].map((bytes) => Buffer.alloc(bytes)) as [Buffer, Buffer, Buffer, Buffer];
    if (nvml("nvmlDeviceGetRemappedRows", handle, corrected, uncorrected, pending, failed) !== nvmlReturn.success) return {};
    return { remappedRows: { corrected: corrected.readUInt32LE(), uncorrected: uncorrected.readUInt32LE() }, remapPending: pending.readUInt32LE() !== 0, remapFailed: failed.readUInt32LE() !== 0 };
  }

  /** With no room for them NVML says how many there are. */
  function processesOf(handle: Handle): number | undefined {
    const count = Buffer.alloc(4);
    const returned = nvml("nvmlDeviceGetComputeRunningProcesses_v3", handle, count, null);
    return returned === nvmlReturn.success || returned === nvmlReturn.insufficientSize ? count.readUInt32LE() : undefined;
  }

  function marginOf(handle: Handle): number | undefined {
    const margin = Buffer.alloc(8);
    margin.writeUInt32LE(0x01_00_00_08); // version 1 of a struct of 8 bytes
    return nvml("nvmlDeviceGetMarginTemperature", handle, margin) === nvmlReturn.success ? margin.readInt32LE(4) : undefined;
  }

  function cardFigures(card: Card): GpuFigures {
    const { handle, id, name, xids, lastXid } = card;
    const told = fieldsOf(handle);
    const activity = activityOf(card, undefined);
    const reasons = long("nvmlDeviceGetCurrentClocksEventReasons", handle) ?? long("nvmlDeviceGetCurrentClocksThrottleReasons", handle);
    const threshold = (type: number) => int("nvmlDeviceGetTemperatureThreshold", handle, type);
    return {
      id,
      name,
      driver,
      busyRatio: times(answer(8, "nvmlDeviceGetUtilizationRates", handle)?.readUInt32LE(), 0.01),
      activityRatio: ratios(activity),
      ...memoryOf(handle),
      temperatureC: int("nvmlDeviceGetTemperature", handle, 0),
      temperatureLimitC: { slowdown: threshold(thresholds.slowdown), shutdown: threshold(thresholds.shutdown), operating: threshold(thresholds.operating), memory: threshold(thresholds.memory) },
      temperatureMarginC: marginOf(handle),
      memoryTemperatureC: told.memoryTemperature,
      powerW: times(int("nvmlDeviceGetPowerUsage", handle), 0.001),
      powerLimitW: times(int("nvmlDeviceGetEnforcedPowerLimit", handle), 0.001),
      energyJ: times(numberOf(long("nvmlDeviceGetTotalEnergyConsumption", handle)), 0.001),
      clockHz: times(int("nvmlDeviceGetClockInfo", handle, clocks.multiprocessors), 1e6),
      memoryClockHz: times(int("nvmlDeviceGetClockInfo", handle, clocks.memory), 1e6),
      throttled: reasons === undefined ? {} : mapped(reasonBits, (bit) => (reasons & bit) !== 0n),
      throttledS: { power_cap: times(told.power_cap, 1e-9), sync_boost: times(told.sync_boost, 1e-9), sw_thermal: times(told.sw_thermal, 1e-9), hw_thermal: times(told.hw_thermal, 1e-9), hw_power_brake: times(told.hw_power_brake, 1e-9) },
      errors: { corrected: numberOf(long("nvmlDeviceGetTotalEccErrors", handle, 0, 0)), uncorrected: numberOf(long("nvmlDeviceGetTotalEccErrors", handle, 1, 0)) },
      ...remapsOf(handle),
      resetNeeded: told.recovery === undefined ? undefined : told.recovery !== 0,
      pcieBytesPerS: pcieOf(card, activity) ?? {},
      nvlinkBytesPerS: nvlinkOf(card, activity, told) ?? {},
      pcieReplays: int("nvmlDeviceGetPcieReplayCounter", handle),
      processes: processesOf(handle),
      ...(events === undefined ? {} : { xids: Object.fromEntries(xids), lastXid }),
    };
  }

  /** Where the card is divided, what is left of it in each part. */
  function instanceFigures(card: Card): readonly GpuFigures[] {
    const current = Buffer.alloc(4);
    const divided = nvml("nvmlDeviceGetMigMode", card.handle, current, Buffer.alloc(4)) === nvmlReturn.success && current.readUInt32LE() === 1;
    if (!divided) return [];
    const max = Math.min(int("nvmlDeviceGetMaxMigDeviceCount", card.handle) ?? 0, 16);
    return Array.from({ length: max }, (_, index) => index).flatMap((index) => {
      const handle = long("nvmlDeviceGetMigDeviceHandleByIndex", card.handle, index);
      const instance = handle === undefined ? undefined : int("nvmlDeviceGetGpuInstanceId", handle);
      if (handle === undefined || instance === undefined) return [];
      const id = instanceId(card.id, instance, int("nvmlDeviceGetComputeInstanceId", handle));
      return [{ id, name: text(96, "nvmlDeviceGetName", handle) || card.name, driver, ...memoryOf(handle), activityRatio: ratios(activityOf(card, instance)), processes: processesOf(handle) }];
    });
  }

  return {
    read() {
      collectXids();
      return cards.flatMap((card) => [cardFigures(card), ...instanceFigures(card)]);
    },
  };
}

function ratios({ engine, sm, tensor, dram }: Partial<Record<GpmMetric, number>>): NonNullable<GpuFigures["activityRatio"]> {
  return { engine: times(engine, 0.01), sm: times(sm, 0.01), tensor: times(tensor, 0.01), dram: times(dram, 0.01) };
}

/** Of one nvmlFieldValue_t: its type says how many bytes count. */
function fieldValue(value: Buffer): number | undefined {
  if (value.readUInt32LE(28) !== nvmlReturn.success) return undefined;
  const at = 32;
  switch (value.readUInt32LE(24)) {
    case 0:
      return value.readDoubleLE(at);
    case 1:
      return value.readUInt32LE(at);
    case 2:
    case 3:
      return Number(value.readBigUInt64LE(at));
    case 4:
      return Number(value.readBigInt64LE(at));
    case 5:
      return value.readInt32LE(at);
    case 6:
      return value.readUInt16LE(at);
    default:
      return undefined;
  }
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

function numberOf(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function mapped<Key extends string, From, To>(values: Readonly<Record<Key, From>>, to: (value: From) => To): Record<Key, To> {
  return Object.fromEntries((Object.entries(values) as [Key, From][]).map(([key, value]) => [key, to(value)])) as Record<Key, To>;
}
