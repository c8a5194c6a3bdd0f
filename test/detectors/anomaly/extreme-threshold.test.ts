import { expect, test } from "vitest";
import { extremeThreshold } from "../../../detectors/anomaly/extreme-threshold.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

function alarms(options: Parameters<typeof extremeThreshold>[0], values: Iterable<number>): number {
  const detector = extremeThreshold(options);
  let state = detector.start();
  let count = 0;
  for (const value of values) {
    state = detector.step(state, value);
    if (state.alarm) count += 1;
  }
  return count;
}

function* stream(n: number, next: Chance, value: (next: Chance, row: number) => number): Generator<number> {
  for (let row = 0; row < n; row += 1) yield value(next, row);
}

const parents = {
  normal: gaussian,
  uniform: (next: Chance) => next(),
  exponential: (next: Chance) => -Math.log(next()),
  "heavy-tailed": (next: Chance) => next() ** (-1 / 2),
} as const;

test.each(Object.entries(parents))("a %s stream passes the threshold once or twice as often as the risk says, or less where its tail ends abruptly", (_, parent) => {
  // One calibration is a chance of its own, so several streams are counted together.
  let count = 0;
  for (let seed = 1; seed <= 10; seed += 1) count += alarms({ risk: 1e-3, calibration: 1_000 }, stream(21_000, chance(seed), parent));
  expect(count / 200_000).toBeGreaterThan(0.3e-3);
  expect(count / 200_000).toBeLessThan(2e-3);
});

test("the threshold of the exponential lies where its quantile is", () => {
  const detector = extremeThreshold({ risk: 1e-4, calibration: 2_000 });
  const next = chance(5);
  let state = detector.start();
  expect(detector.threshold(state)).toBeUndefined();
  for (let row = 0; row < 50_000; row += 1) state = detector.step(state, 10 - Math.log(next()));
  expect(detector.threshold(state)).toBeGreaterThan(10 + 0.85 * Math.log(1e4));
  expect(detector.threshold(state)).toBeLessThan(10 + 1.2 * Math.log(1e4));
  expect(detector.threshold(state, 1e-6)).toBeGreaterThan(detector.threshold(state, 1e-3) as number);
});

test("a stream that sinks hides its spikes from a fixed level; with depth they are seen", () => {
  const sinking = (next: Chance, row: number): number => gaussian(next) - row / 500 + (row > 5_000 && row % 1_000 === 0 ? 12 : 0);
  expect(alarms({ risk: 1e-4 }, stream(20_000, chance(3), sinking))).toBe(0);
  const seen = alarms({ risk: 1e-4, depth: 50 }, stream(20_000, chance(3), sinking));
  expect(seen).toBeGreaterThanOrEqual(14);
  expect(seen).toBeLessThan(14 + 8);
});

test("alarms in a row teach nothing after the first, so the next one like them is an alarm too", () => {
  const values = [...stream(2_000, chance(2), gaussian), ...Array.from({ length: 100 }, () => 12)];
  expect(alarms({ risk: 1e-5, calibration: 1_000 }, values)).toBeGreaterThanOrEqual(100);
});

test("a constant stream never alarms", () => {
  expect(alarms({}, stream(5_000, chance(1), () => 7))).toBe(0);
});

test("bounded peaks; the state survives a copy at any moment", () => {
  const detector = extremeThreshold({ peaksMax: 20, calibration: 100, quantile: 0.9, risk: 0.01, depth: 7 });
  const next = chance(9);
  let state = detector.start();
  for (let row = 0; row < 3_000; row += 1) {
    const value = gaussian(next);
    if (row % 37 === 0) state = structuredClone(state);
    const other = detector.step(structuredClone(state), value);
    state = detector.step(state, value);
    expect(other).toEqual(state);
  }
  expect(state.peaks.length).toBe(20);
  expect(state.peakCount).toBeGreaterThan(60);
});

test("what makes no sense is refused by name", () => {
  expect(() => extremeThreshold({ risk: 0.5 })).toThrow("extremeThreshold: risk must be between 0 and 1 - quantile");
  expect(() => extremeThreshold({ quantile: 1 })).toThrow("extremeThreshold: quantile must be between 0 and 1, got 1");
  expect(() => extremeThreshold({ depth: 1.5 })).toThrow("extremeThreshold: depth must be a whole number, 0 or more, got 1.5");
  const detector = extremeThreshold();
  const state = detector.start();
  expect(() => detector.step(state, Number.NaN)).toThrow("extremeThreshold: expected a finite number, got NaN");
  expect(state).toEqual(detector.start());
});
