import { expect, test } from "vitest";
import { dominantPeriod } from "../../../detectors/anomaly/dominant-period.ts";
import { chance, gaussian } from "../chance.ts";

const next = chance(5);
const series = (n: number, at: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => at(i));

test.each([7, 24, 48.5, 60, 101.3])("a noisy wave of period %f is found within one part in a hundred", (period) => {
  const values = series(512, (i) => Math.sin((2 * Math.PI * i) / period) + 0.4 * gaussian(next));
  expect(Math.abs((dominantPeriod(values) as number) / period - 1)).toBeLessThan(0.01);
});

test("a train of pulses has a period, and two spikes do not hide it", () => {
  const values = series(512, (i) => (i % 30 < 4 ? 10 : 0) + gaussian(next));
  values[100] = 1_000;
  values[333] = -1_000;
  expect(dominantPeriod(values)).toBeCloseTo(30, 0);
});

test("a ring is read from its oldest value, and neither unit nor offset matters", () => {
  const values = series(512, (i) => Math.sin((2 * Math.PI * i) / 40) + 0.2 * gaussian(next));
  const ring = [...values.slice(200), ...values.slice(0, 200)];
  expect(dominantPeriod(ring, 312)).toBeCloseTo(dominantPeriod(values) as number, 9);
  expect(dominantPeriod(values.map((value) => 1e12 * value + 5e12))).toBeCloseTo(dominantPeriod(values) as number, 6);
});

test("noise, a random walk, a ramp and a constant have none", () => {
  let level = 0;
  expect(dominantPeriod(series(512, () => gaussian(next)))).toBeUndefined();
  expect(dominantPeriod(series(512, () => 3))).toBeUndefined();
  expect(dominantPeriod(series(512, (i) => i))).toBeUndefined();
  const walks = series(40, () => dominantPeriod(series(512, () => (level += gaussian(next)))) ?? 0);
  expect(walks.filter((period) => period > 0).length).toBeLessThan(8);
});
