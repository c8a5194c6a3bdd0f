/**
 * The long form, `nvidia-smi -q -x`: all that nvidia-smi knows, MIG instances too. The names of elements have changed over the
 * versions of its schema (recorded: 10 to 13), so each figure has the places where it may stand. A place that is missing or
 * says `N/A` gives no figure.
 */
import type { GpuFigures, ThrottleReason } from "./figures.ts";
import { byReason, flagOf, numberOf, recoveryOf } from "./smi-csv.ts";

/** An element; nvidia-smi writes no attribute but a GPU's bus address, and no text beside elements. */
export interface Element {
  readonly name: string;
  readonly attributes: string;
  readonly text: string;
  readonly children: readonly Element[];
}

const documentMax = 8_388_608;

/** Whole documents out of pieces of text; one that does not end within 8 MiB is let go. */
export function documentsOf(onDocument: (text: string) => void): (text: string) => void {
  const end = "</nvidia_smi_log>";
  let rest = "";
  return (text) => {
    const from = Math.max(0, rest.length - end.length);
    rest += text;
    let start = 0;
    for (let at = rest.indexOf(end, from); at >= 0; at = rest.indexOf(end, start)) {
      onDocument(rest.slice(start, at + end.length));
      start = at + end.length;
    }
    rest = rest.length - start > documentMax ? "" : rest.slice(start);
  };
}

/** Undefined where tags do not match. Costs time in proportion to the text. */
export function parseXml(text: string): Element | undefined {
  interface Open extends Element {
    text: string;
    readonly children: Open[];
  }
  const top: Open = { name: "", attributes: "", text: "", children: [] };
  const path: Open[] = [top];
  for (const [, slash, name, attributes, closed, content] of text.matchAll(/<(\/?)(\w+)([^<>]*?)(\/?)>([^<]*)/g)) {
    if (slash === "/") {
      if (path.pop()?.name !== name || path.length === 0) return undefined;
      continue;
    }
    const element: Open = { name: name as string, attributes: (attributes as string).trim(), text: unescape((content as string).trim()), children: [] };
    path.at(-1)?.children.push(element);
    if (closed !== "/") path.push(element);
  }
  return path.length === 1 ? top.children[0] : undefined;
}

function unescape(text: string): string {
  const words: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, word: string) => words[word] as string);
}

export interface XmlFigures {
  readonly figures: GpuFigures;
  /** PCI bus address of the card. */
  readonly bus: string;
}

/** All cards and their MIG instances; empty where the text is no such document. */
export function figuresOfXml(text: string): readonly XmlFigures[] {
  const log = parseXml(text);
  if (log?.name !== "nvidia_smi_log") return [];
  const driver = textAt(log, "driver_version") ?? "";
  return all(log, "gpu").flatMap((gpu, index) => {
    const card = figuresOfCard(gpu, index, driver);
    const bus = textAt(gpu, "pci/pci_bus_id") ?? "";
    const instances = all(at(gpu, "mig_devices"), "mig_device").map((instance) => figuresOfInstance(instance, card));
    return [card, ...instances].map((figures) => ({ figures, bus }));
  });
}

const mebibyte = 1_048_576;
const megahertz = 1_000_000;
/** nvidia-smi counts 1,000 bytes to its KB. */
const kilobyte = 1_000;

function figuresOfCard(gpu: Element, index: number, driver: string): GpuFigures {
  const number = (factor: number, ...paths: readonly string[]) => firstOf(paths, (path) => numberOf(textAt(gpu, path), factor));
  const flag = (...paths: readonly string[]) => firstOf(paths, (path) => flagOf(textAt(gpu, path)));
  const processes = at(gpu, "processes");
  const uuid = textAt(gpu, "uuid") ?? "";
  return {
    id: uuid.startsWith("GPU-") ? uuid : `index-${index}`,
    name: textAt(gpu, "product_name") ?? "",
    driver,
    busyRatio: number(0.01, "utilization/gpu_util"),
    memoryUsedBytes: number(mebibyte, "fb_memory_usage/used"),
    memoryTotalBytes: number(mebibyte, "fb_memory_usage/total"),
    temperatureC: number(1, "temperature/gpu_temp"),
    temperatureLimitC: {
      slowdown: number(1, "temperature/gpu_temp_slow_threshold"),
      shutdown: number(1, "temperature/gpu_temp_max_threshold"),
      operating: number(1, "temperature/gpu_temp_max_gpu_threshold"),
      memory: number(1, "temperature/gpu_temp_max_mem_threshold"),
    },
    temperatureMarginC: number(1, "temperature/gpu_temp_tlimit"),
    memoryTemperatureC: number(1, "temperature/memory_temp"),
    powerW: number(1, "gpu_power_readings/average_power_draw", "gpu_power_readings/power_draw", "power_readings/power_draw", "gpu_power_readings/instant_power_draw"),
    powerLimitW: number(1, "gpu_power_readings/current_power_limit", "gpu_power_readings/enforced_power_limit", "power_readings/enforced_power_limit", "power_readings/power_limit"),
    clockHz: number(megahertz, "clocks/sm_clock"),
    memoryClockHz: number(megahertz, "clocks/mem_clock"),
    throttled: byReason((reason) => flag(`clocks_event_reasons/clocks_event_reason_${reasonNames[reason]}`, `clocks_throttle_reasons/clocks_throttle_reason_${reasonNames[reason]}`)),
    throttledS: byReason((reason) => number(1e-6, `clocks_event_reasons_counters/clocks_event_reasons_counters_${counterNames[reason]}`)),
    errors: { corrected: volatileErrors(gpu, "correctable", "single_bit"), uncorrected: volatileErrors(gpu, "uncorrectable", "double_bit") },
    remappedRows: { corrected: number(1, "remapped_rows/remapped_row_corr"), uncorrected: number(1, "remapped_rows/remapped_row_unc") },
    remapPending: flag("remapped_rows/remapped_row_pending"),
    remapFailed: flag("remapped_rows/remapped_row_failure"),
    resetNeeded: recoveryOf(textAt(gpu, "gpu_recovery_action")) ?? flag("gpu_reset_status/reset_required"),
    pcieBytesPerS: { transmit: number(kilobyte, "pci/tx_util"), receive: number(kilobyte, "pci/rx_util") },
    pcieReplays: number(1, "pci/replay_counter"),
    processes: processes === undefined || processes.text === "N/A" ? undefined : all(processes, "process_info").filter((process) => (textAt(process, "type") ?? "").startsWith("C")).length,
  };
}

const reasonNames: Readonly<Record<ThrottleReason, string>> = {
  power_cap: "sw_power_cap",
  hw_slowdown: "hw_slowdown",
  hw_thermal: "hw_thermal_slowdown",
  hw_power_brake: "hw_power_brake_slowdown",
  sw_thermal: "sw_thermal_slowdown",
  sync_boost: "sync_boost",
};

/** The counters shorten their words. */
const counterNames: Readonly<Record<ThrottleReason, string>> = {
  power_cap: "sw_power_cap",
  hw_slowdown: "hw_slowdown",
  hw_thermal: "hw_therm_slowdown",
  hw_power_brake: "hw_power_brake",
  sw_thermal: "sw_therm_slowdown",
  sync_boost: "sync_boost",
};

/** Newer cards count SRAM and DRAM, and of uncorrectable ones parity and code apart; older ones bits, with a total. */
function volatileErrors(gpu: Element, word: string, older: string): number | undefined {
  const counts = all(at(gpu, "ecc_errors/volatile"), undefined)
    .filter(({ name }) => new RegExp(`^[sd]ram_${word}(_parity|_secded)?$`).test(name))
    .flatMap(({ text }) => numberOf(text) ?? []);
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : numberOf(textAt(gpu, `ecc_errors/volatile/${older}/total`));
}

function figuresOfInstance(instance: Element, { id, name, driver }: GpuFigures): GpuFigures {
  const number = (path: string) => numberOf(textAt(instance, path), mebibyte);
  return {
    id: instanceId(id, Number(textAt(instance, "gpu_instance_id")), Number(textAt(instance, "compute_instance_id"))),
    name,
    driver,
    memoryUsedBytes: number("fb_memory_usage/used"),
    memoryTotalBytes: number("fb_memory_usage/total"),
    errors: { uncorrected: numberOf(textAt(instance, "ecc_error_count/volatile_count/sram_uncorrectable")) },
  };
}

/** What a MIG instance is called in labels, whatever it is read through. */
export function instanceId(card: string, gpuInstance: number, computeInstance: number = 0): string {
  return `${card}/${gpuInstance}${computeInstance > 0 ? `.${computeInstance}` : ""}`;
}

function at(element: Element | undefined, path: string): Element | undefined {
  return path.split("/").reduce<Element | undefined>((here, name) => here?.children.find((child) => child.name === name), element);
}

function textAt(element: Element, path: string): string | undefined {
  return at(element, path)?.text;
}

function all(element: Element | undefined, name: string | undefined): readonly Element[] {
  return (element?.children ?? []).filter((child) => name === undefined || child.name === name);
}

function firstOf<Value>(paths: readonly string[], valueOf: (path: string) => Value | undefined): Value | undefined {
  for (const path of paths) {
    const value = valueOf(path);
    if (value !== undefined) return value;
  }
  return undefined;
}
