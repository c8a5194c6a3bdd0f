import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { pointsOf, statusOf } from "../../../agent/collectors/gpu/figures.ts";
import { documentsOf, figuresOfXml, parseXml } from "../../../agent/collectors/gpu/smi-xml.ts";
import { instruments } from "../../../exporters/instruments.ts";

const fixtures = new URL("../fixtures/nvidia-smi-xml/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, fixtures), "utf8");

interface Card {
  readonly uuid: string;
  readonly name: string;
  readonly migs: readonly (readonly [number, number, number])[];
  readonly powerCapped: string | null;
  readonly [figure: string]: unknown;
}
/** What Python's ElementTree (3.11) finds at the places that each version of the schema has for a figure. */
const golden = JSON.parse(read("figures.json")) as Record<string, { driver: string; cards: readonly Card[] }>;

test("every recorded document has its golden figures", () => {
  expect(Object.keys(golden).sort()).toEqual(readdirSync(fixtures).filter((name) => name.endsWith(".xml")).sort());
});

test.each(Object.entries(golden))("%s: cards, figures and MIG instances are those that another reader finds", (name, { driver, cards }) => {
  const all = figuresOfXml(read(name)).map(({ figures }) => figures);
  const read_ = all.filter(({ id }) => !id.includes("/"));
  expect(read_).toHaveLength(cards.length);
  for (const [index, figures] of read_.entries()) {
    const card = cards[index] as Card;
    const scaled = (value: number | undefined, factor: number) => (value === undefined ? null : Number((value / factor).toFixed(6)));
    const flag = figures.throttled?.power_cap;
    expect({ ...figures.pcieBytesPerS, driver: figures.driver }.driver).toBe(driver);
    expect({
      uuid: figures.id,
      name: figures.name,
      busyPercent: scaled(figures.busyRatio, 0.01),
      usedMiB: scaled(figures.memoryUsedBytes, 1_048_576),
      totalMiB: scaled(figures.memoryTotalBytes, 1_048_576),
      celsius: figures.temperatureC ?? null,
      slowdownCelsius: figures.temperatureLimitC?.slowdown ?? null,
      shutdownCelsius: figures.temperatureLimitC?.shutdown ?? null,
      memoryCelsius: figures.memoryTemperatureC ?? null,
      watts: figures.powerW ?? null,
      limitWatts: figures.powerLimitW ?? null,
      smMHz: scaled(figures.clockHz, 1e6),
      memMHz: scaled(figures.memoryClockHz, 1e6),
      txKBs: scaled(figures.pcieBytesPerS?.transmit, 1_000),
      rxKBs: scaled(figures.pcieBytesPerS?.receive, 1_000),
      replays: figures.pcieReplays ?? null,
      computing: figures.processes ?? null,
      powerCapped: flag === undefined ? (["Active", "Not Active"].includes(card.powerCapped ?? "") ? "missing" : card.powerCapped) : flag ? "Active" : "Not Active",
      migs: all.filter(({ id }) => id.startsWith(`${figures.id}/`)).map(({ id, memoryUsedBytes, memoryTotalBytes }) => [Number(id.split("/")[1]), scaled(memoryUsedBytes, 1_048_576), scaled(memoryTotalBytes, 1_048_576)]),
    }).toEqual(card);
  }
});

test("an A100 that is divided in four has four instances with their own memory, and no utilisation of the card", () => {
  const all = figuresOfXml(read("a100-sxm4-v12.xml")).map(({ figures }) => figures);
  expect(all.map(({ id }) => id.split("/")[1])).toEqual([undefined, "3", "4", "5", "6"]);
  expect(all[0]?.busyRatio).toBeUndefined();
  expect(all.slice(1).map(({ memoryTotalBytes }) => memoryTotalBytes)).toEqual(Array.from({ length: 4 }, () => 19_968 * 1_048_576));
});

test("time held back, row remaps and the driver's advice are read from version 13 of the schema", () => {
  const [card] = figuresOfXml(read("rtx-4000-sff-ada-v13.xml")).map(({ figures }) => figures);
  expect(card?.throttledS).toMatchObject({ power_cap: 4_251.825415, hw_thermal: 0, sw_thermal: 0, hw_power_brake: 0, sync_boost: 0 });
  expect(card?.remappedRows).toEqual({ corrected: 0, uncorrected: 0 });
  expect(card).toMatchObject({ remapPending: false, remapFailed: false, resetNeeded: false });
  expect(card === undefined ? undefined : statusOf(card)).toBe("ok");
});

test("documents come whole, however they are cut, and one after the other", () => {
  const text = read("tesla-t4.xml");
  const heard: string[] = [];
  const push = documentsOf((document) => heard.push(document));
  for (let at = 0; at < 2 * text.length; at += 997) push((text + text).slice(at, at + 997));
  expect(heard.map((document) => figuresOfXml(document).length)).toEqual([1, 1]);
});

test.each(["", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "<nvidia_smi_log><gpu>", "<nvidia_smi_log></gpu></nvidia_smi_log>", "<other></other>"])("%j gives no GPU", (text) => {
  expect(figuresOfXml(text)).toEqual([]);
});

test("a document whose figures are all words has its card and nothing else", () => {
  const words = ["N/A", "[N/A]", "ERR!", "[Unknown Error]", "Requested functionality has been deprecated", "GPU access blocked by the operating system", ""];
  for (const word of words) {
    const text = read("tesla-t4.xml").replaceAll(/>\d[^<>]*</g, `>${word}<`).replaceAll(/>(Not Active|Active|Yes|No|None)</g, `>${word}<`);
    const [card] = figuresOfXml(text).map(({ figures }) => figures);
    const points = card === undefined ? [] : pointsOf(card, "nvidia-smi");
    expect(points.filter(({ instrument }) => instrument !== instruments.gpuProcesses).map(({ instrument }) => instrument), word).toEqual([instruments.gpuInfo]);
  }
});

/** Times are wall time, which a busy machine can spoil; a square spoils them every time. */
test("cost is in proportion to the text: twenty times the document takes no more than a hundred times as long, where a square would take 400", { retry: 3 }, () => {
  const text = read("rtx-4000-sff-ada-v13.xml");
  const timeOf = (times: number) => {
    const body = text.slice(text.indexOf("<gpu "), text.indexOf("</nvidia_smi_log>"));
    const document = `<nvidia_smi_log>${body.repeat(times)}</nvidia_smi_log>`;
    return Math.min(...[1, 2, 3].map(() => {
      const startMs = performance.now();
      expect(parseXml(document)?.children).toHaveLength(times);
      return performance.now() - startMs;
    }));
  };
  timeOf(1);
  expect(timeOf(40)).toBeLessThan(100 * timeOf(2));
});
