/**
 * GPU figures from NVIDIA's dcgm-exporter on this node, for a pod that has no access to the GPU's driver. It tells of all
 * GPUs of the node, and of each which pod has it: only this pod's are taken, and where it does not say whose they are, none.
 *
 * Fields are those of its two lists, default-counters and dcp-metrics-included; which of them are there, its operator chose.
 */
import { hostname } from "node:os";
import type { Clock } from "../../clock.ts";
import type { Ask } from "../../forward/ask.ts";
import { unknown, type Collector } from "../collector.ts";
import type { Sample } from "../../adapters/prometheus-text.ts";
import { readSamples } from "../../adapters/samples.ts";
import { pointsOf, type GpuFigures, type ThrottleReason } from "./figures.ts";
import { byReason } from "./smi-csv.ts";
import { instanceId } from "./smi-xml.ts";

export interface DcgmOptions {
  readonly url: URL;
  /** `any`: all GPUs of the node are this server's. Default: the host's name, which in Kubernetes is the pod's. */
  readonly pod: string | undefined;
  readonly namespace: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

const gpusMax = 128;
const bounds = { charactersMax: 8_388_608, samplesMax: 50_000 };

export function dcgm({ url, pod = hostname(), namespace, intervalMs, timeoutMs }: DcgmOptions, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): Collector {
  return {
    intervalMs,
    timeoutMs: 2 * timeoutMs,
    async read() {
      const page = await readSamples({ href: url.href, timeoutMs, bounds }, { clock, ask });
      if (!page.ok) return unknown(page.detail);
      const rows = page.samples.filter(({ name }) => name.startsWith("DCGM_"));
      if (rows.length === 0) return unknown(`${url.href} has no metrics of dcgm-exporter`);
      const ours = rows.filter(({ labels }) => isOurs(labels, pod, namespace));
      if (ours.length === 0) {
        const said = rows.some(({ labels }) => podOf(labels) !== "");
        return unknown(said ? `${url.href}: no GPU of the node belongs to the pod ${pod}` : `${url.href} does not say whose the GPUs are; "pod: any" takes them all`);
      }
      const gpus = figuresOfDcgm(ours);
      return { status: "ok", detail: `dcgm: ${gpus.length} GPUs`, points: gpus.flatMap((figures) => pointsOf(figures, "dcgm")) };
    },
  };
}

type Labels = Sample["labels"];

/** Old versions of the exporter, and new ones by option, name these labels otherwise. */
const podOf = (labels: Labels) => labels["pod"] || labels["pod_name"] || "";
const namespaceOf = (labels: Labels) => labels["namespace"] || labels["pod_namespace"] || "";

function isOurs(labels: Labels, pod: string, namespace: string | undefined): boolean {
  return pod === "any" || (podOf(labels) === pod && (namespace === undefined || namespaceOf(labels) === namespace));
}

export function figuresOfDcgm(rows: readonly Sample[]): readonly GpuFigures[] {
  const gpus = new Map<string, { readonly labels: Labels; readonly values: Map<string, number> }>();
  for (const { name, labels, value } of rows) {
    const card = labels["UUID"] ?? `index-${labels["gpu"] ?? "0"}`;
    const instance = labels["GPU_I_ID"] ?? "";
    const id = instance === "" ? card : instanceId(card, Number(instance));
    const gpu = gpus.get(id) ?? { labels, values: new Map<string, number>() };
    if (!gpus.has(id) && gpus.size >= gpusMax) continue;
    gpus.set(id, gpu);
    if (!isBlank(value)) gpu.values.set(name, value);
  }
  return [...gpus].map(([id, { labels, values }]) => figuresOf(id, labels, values));
}

/** DCGM writes a number near the largest of its type where there is no value: of 32 bits, of 64, and 2^47 as a double. */
function isBlank(value: number): boolean {
  return !Number.isFinite(value) || (value >= 0x7fff_fff0 && value <= 0x7fff_ffff) || (value >= 2 ** 47 && value <= 2 ** 47 + 15) || value >= 2 ** 63 - 4_096;
}

const mebibyte = 1_048_576;
const reasonBits: Readonly<Record<ThrottleReason, number>> = { power_cap: 0x4, hw_slowdown: 0x8, sync_boost: 0x10, sw_thermal: 0x20, hw_thermal: 0x40, hw_power_brake: 0x80 };

function figuresOf(id: string, labels: Labels, values: ReadonlyMap<string, number>): GpuFigures {
  const device = (field: string, factor: number = 1) => scaled(values.get(`DCGM_FI_DEV_${field}`), factor);
  const profiled = (field: string) => values.get(`DCGM_FI_PROF_${field}`);
  const used = device("FB_USED", mebibyte);
  const free = device("FB_FREE", mebibyte);
  const reasons = device("CLOCKS_EVENT_REASONS") ?? device("CLOCK_THROTTLE_REASONS");
  const remapFailure = device("ROW_REMAP_FAILURE");
  const remapPending = device("ROW_REMAP_PENDING");
  return {
    id,
    name: labels["modelName"] ?? "",
    driver: labels["DCGM_FI_DRIVER_VERSION"] ?? "",
    busyRatio: device("GPU_UTIL", 0.01),
    activityRatio: { engine: profiled("GR_ENGINE_ACTIVE"), sm: profiled("SM_ACTIVE"), tensor: profiled("PIPE_TENSOR_ACTIVE"), dram: profiled("DRAM_ACTIVE") },
    memoryUsedBytes: used,
    memoryTotalBytes: device("FB_TOTAL", mebibyte) ?? (used === undefined || free === undefined ? undefined : used + free + (device("FB_RESERVED", mebibyte) ?? 0)),
    temperatureC: device("GPU_TEMP"),
    temperatureLimitC: { slowdown: device("SLOWDOWN_TEMP"), shutdown: device("SHUTDOWN_TEMP"), operating: device("GPU_MAX_OP_TEMP"), memory: device("MEM_MAX_OP_TEMP") },
    // A card without a sensor there says 0.
    memoryTemperatureC: device("MEMORY_TEMP") || undefined,
    powerW: device("POWER_USAGE"),
    powerLimitW: device("ENFORCED_POWER_LIMIT") ?? device("POWER_MGMT_LIMIT"),
    energyJ: device("TOTAL_ENERGY_CONSUMPTION", 0.001),
    clockHz: device("SM_CLOCK", 1e6),
    memoryClockHz: device("MEM_CLOCK", 1e6),
    throttled: reasons === undefined ? {} : byReason((reason) => (reasons & reasonBits[reason]) !== 0),
    throttledS: { power_cap: device("POWER_VIOLATION", 1e-9), thermal: device("THERMAL_VIOLATION", 1e-9), sync_boost: device("SYNC_BOOST_VIOLATION", 1e-9) },
    errors: { corrected: device("ECC_SBE_VOL_TOTAL"), uncorrected: device("ECC_DBE_VOL_TOTAL") },
    remappedRows: { corrected: device("CORRECTABLE_REMAPPED_ROWS"), uncorrected: device("UNCORRECTABLE_REMAPPED_ROWS") },
    remapPending: remapPending === undefined ? undefined : remapPending !== 0,
    remapFailed: remapFailure === undefined ? undefined : remapFailure !== 0,
    pcieBytesPerS: { transmit: profiled("PCIE_TX_BYTES"), receive: profiled("PCIE_RX_BYTES") },
    nvlinkBytesPerS: { transmit: profiled("NVLINK_TX_BYTES"), receive: profiled("NVLINK_RX_BYTES") },
    pcieReplays: device("PCIE_REPLAY_COUNTER"),
    lastXid: device("XID_ERRORS"),
  };
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
