import { expect, test } from "vitest";
import { OnsetMemory } from "../../agent/monitors/onset.ts";
import { dice } from "./traffic.ts";

const minuteMs = 60_000;

/** Ten mistakes or none a minute, at a rate that may change. */
function remembered(minutes: number, rateAt: (minute: number) => number, seed = 5) {
  const { uniform } = dice(seed);
  const values = Array.from({ length: minutes * 10 }, (_, i) => ({ atWallMs: (i / 10) * minuteMs, value: uniform() < rateAt(i / 10) ? 1 : 0 }));
  return { values, memory: hear(values) };
}

function hear(values: readonly { readonly value: number; readonly atWallMs: number }[]): OnsetMemory {
  const memory = new OnsetMemory();
  for (const { value, atWallMs } of values) memory.push(value, atWallMs);
  return memory;
}

const inMinutes = (onset: ReturnType<OnsetMemory["rise"]>) => onset && [onset.earliestWallMs / minuteMs, onset.latestWallMs / minuteMs] as const;

test("a rise lies within its onset, and the onset is narrow once there are rows", () => {
  const [earliest, latest] = inMinutes(remembered(240, (minute) => (minute < 150 ? 0.1 : 0.4)).memory.rise()) ?? [NaN, NaN];
  expect(earliest).toBeLessThanOrEqual(150);
  expect(latest).toBeGreaterThanOrEqual(150);
  expect(latest - earliest).toBeLessThan(20);
});

test("without a change there is no onset, and a fall is no rise", () => {
  expect(remembered(240, () => 0.2).memory.rise()).toBeUndefined();
  const fallen = remembered(240, (minute) => (minute < 150 ? 0.4 : 0.1)).memory;
  expect(fallen.rise()).toBeUndefined();
  const [earliest, latest] = inMinutes(fallen.change()) ?? [NaN, NaN];
  expect(earliest).toBeLessThanOrEqual(150);
  expect(latest).toBeGreaterThanOrEqual(150);
});

test("a burst that is over has no onset any more", () => {
  const burst = (minute: number) => (minute >= 100 && minute < 115 ? 0.9 : 0.05);
  expect(inMinutes(remembered(110, burst).memory.rise())?.[1]).toBeGreaterThanOrEqual(100);
  expect(remembered(160, burst).memory.rise()).toBeUndefined();
});

test("of several losses the onset is the last one's", () => {
  const twice = (minute: number) => ((minute >= 60 && minute < 120) || minute >= 200 ? 0.5 : 0.1);
  const [earliest, latest] = inMinutes(remembered(300, twice).memory.rise()) ?? [NaN, NaN];
  expect(earliest).toBeGreaterThan(150);
  expect(earliest).toBeLessThanOrEqual(200);
  expect(latest).toBeGreaterThanOrEqual(200);
});

test("a loss that has grown for hours did not begin in its last minutes", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const grown = remembered(360, (minute) => 0.05 + (0.5 * minute) / 360, seed);
    expect(inMinutes(grown.memory.rise())?.[0]).toBeLessThan(300);
  }
});

test("in which order actuals come does not matter", () => {
  const { values, memory } = remembered(120, (minute) => (minute < 70 ? 0.1 : 0.6));
  const { uniform } = dice(9);
  const shuffled = values.map((value) => ({ value, place: uniform() })).sort((one, other) => one.place - other.place).map(({ value }) => value);
  expect(hear(shuffled).rise()).toEqual(memory.rise());
});

test("it remembers the latest 720 minutes with answers, and outlives a restart", () => {
  const { memory } = remembered(2_000, (minute) => (minute < 1_900 ? 0.1 : 0.6));
  expect(memory.snapshot().length).toBe(720 * 6);
  const again = new OnsetMemory();
  again.restore(structuredClone(memory.snapshot()));
  expect(again.rise()).toEqual(memory.rise());
  again.push(1, 0);
  expect(again.rise()).toEqual(memory.rise());
});
