/**
 * Figures of AMD's GPUs from sysfs: plain files, no tool. Sysfs shows every card of the node, also in a container; taken are
 * those whose render node the server has in its /dev/dri. Source: the kernel's Documentation/gpu/amdgpu/thermal.rst and
 * driver-misc.rst.
 */
import { readdir } from "node:fs/promises";
import { unknown, type Collector } from "../collector.ts";
import { readNumber, readSmall } from "../small-file.ts";
import { pointsOf, type GpuFigures } from "./figures.ts";

export interface AmdOptions {
  readonly sys: string;
  /** The server's /dev/dri, as seen from here; where it can not be read, no card is known to be the server's. */
  readonly devices: () => Promise<string>;
  readonly intervalMs: number;
}

const gpusMax = 64;

/** Is there a card with a counter of its own? */
export async function amdIsPresent(sys: string): Promise<boolean> {
  return (await amdCards(sys)).length > 0;
}

export function amd({ sys, devices, intervalMs }: AmdOptions): Collector {
  return {
    intervalMs,
    timeoutMs: 1_000,
    async read() {
      const folder = await devices();
      const nodes = await readdir(folder).catch(() => undefined);
      if (nodes === undefined) return unknown(`${folder} can not be read: it is not known which GPUs are the server's`);
      const cards = await amdCards(sys);
      const ours: string[] = [];
      for (const card of cards) {
        const rendering = await readdir(`${card}/drm`).catch(() => []);
        if (rendering.some((node) => node.startsWith("renderD") && nodes.includes(node))) ours.push(card);
      }
      if (ours.length === 0) return unknown(`${cards.length} AMD GPUs, and none of them in ${folder}`);
      const driver = (await readSmall(`${sys}/module/amdgpu/version`, 64))?.trim() ?? "";
      const gpus = await Promise.all(ours.map((card) => figuresOf(card, driver)));
      return { status: "ok", detail: `amd: ${gpus.length} GPUs`, points: gpus.flatMap((figures) => pointsOf(figures, "amd")) };
    },
  };
}

/** Folders of their PCI devices. */
async function amdCards(sys: string): Promise<readonly string[]> {
  const names = (await readdir(`${sys}/class/drm`).catch(() => [])).filter((name) => /^card\d+$/.test(name)).sort().slice(0, gpusMax);
  const cards: string[] = [];
  for (const name of names) {
    const device = `${sys}/class/drm/${name}/device`;
    if ((await readSmall(`${device}/vendor`, 64))?.trim() === "0x1002") cards.push(device);
  }
  return cards;
}

async function figuresOf(device: string, driver: string): Promise<GpuFigures> {
  const number = async (path: string, factor: number = 1) => scaled(await readNumber(`${device}/${path}`), factor);
  const text = async (path: string) => (await readSmall(`${device}/${path}`, 256))?.trim() ?? "";
  const monitor = (await readdir(`${device}/hwmon`).catch(() => []))[0];
  const sensor = async (file: string, factor: number) => (monitor === undefined ? undefined : number(`hwmon/${monitor}/${file}`, factor));
  /** Sensors by what they are called: edge, junction, mem; an old card has but one, without a name. */
  const sensors = new Map<string, number>();
  for (const index of [3, 2, 1]) {
    const label = monitor === undefined ? "" : await text(`hwmon/${monitor}/temp${index}_label`);
    if (label !== "" || index === 1) sensors.set(label === "" ? "edge" : label, index);
  }
  const hottest = sensors.get("junction") ?? sensors.get("edge");
  const memory = sensors.get("mem");
  const temperature = (index: number | undefined, what: string) => (index === undefined ? undefined : sensor(`temp${index}_${what}`, 0.001));

  const serial = await text("unique_id");
  const slot = /^PCI_SLOT_NAME=(\S+)$/m.exec(await text("uevent"))?.[1] ?? device;
  const memoryErrors = await text("ras/umc_err_count");
  const errors = (word: string) => scaled(/^\d+$/.exec(new RegExp(`^${word}: *(\\d+)$`, "m").exec(memoryErrors)?.[1] ?? "")?.[0], 1);
  return {
    id: serial === "" || /^0+$/.test(serial) ? slot : `GPU-${serial}`,
    name: (await text("product_name")) || (await text("device")),
    driver,
    busyRatio: await number("gpu_busy_percent", 0.01),
    activityRatio: { dram: await number("mem_busy_percent", 0.01) },
    memoryUsedBytes: await number("mem_info_vram_used"),
    memoryTotalBytes: await number("mem_info_vram_total"),
    temperatureC: await temperature(hottest, "input"),
    temperatureLimitC: { slowdown: await temperature(hottest, "crit"), shutdown: await temperature(hottest, "emergency"), memory: await temperature(memory, "crit") },
    memoryTemperatureC: await temperature(memory, "input"),
    powerW: (await sensor("power1_average", 1e-6)) ?? (await sensor("power1_input", 1e-6)),
    powerLimitW: await sensor("power1_cap", 1e-6),
    energyJ: await sensor("energy1_input", 1e-6),
    clockHz: await sensor("freq1_input", 1),
    memoryClockHz: await sensor("freq2_input", 1),
    errors: { corrected: errors("ce"), uncorrected: errors("ue") },
    pcieReplays: await number("pcie_replay_count"),
  };
}

function scaled(value: number | string | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : Number(value) * factor;
}
