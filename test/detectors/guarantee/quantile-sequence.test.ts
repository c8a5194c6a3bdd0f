import { describe, expect, test } from "vitest";
import { quantileRanks, quantileSequence, type SortedValues } from "../../../detectors/guarantee/quantile-sequence.ts";
import { rateSequence } from "../../../detectors/guarantee/rate-sequence.ts";
import { quantileSketch } from "../../../detectors/reference/quantiles.ts";
import { chance } from "../chance.ts";

function sorted(values: readonly number[]): SortedValues {
  const ascending = values.toSorted((a, b) => a - b);
  return { count: values.length, quantile: (q) => ascending[Math.floor(q * (values.length - 1))] };
}

test("a rank is within where its share of values is a rate that the q-quantile may have", () => {
  for (const q of [0.05, 0.5, 0.99]) {
    for (const n of [1, 10, 137, 1_000]) {
      const { lower, upper } = quantileRanks(n, q, 0.05);
      for (let successes = 0; successes <= n; successes += 1) {
        const interval = rateSequence(successes, n, 0.05);
        expect(successes >= lower && successes < upper).toBe(q >= interval.lower && q <= interval.upper);
      }
    }
  }
});

describe.each([0.5, 0.95, 0.99])("the %d-quantile", (q) => {
  const steps = 2_000;
  const ranks = Array.from({ length: steps + 1 }, (_, n) => quantileRanks(n, q, 0.1));

  test.each([["of even values", undefined], ["of twenty different values, with ties", 20]])("%s is ever missed in one run of ten at most", (_, different) => {
    const runs = 500;
    const quantile = different === undefined ? q : Math.ceil(q * different) - 1;
    let missed = 0;
    for (let run = 1; run <= runs; run += 1) {
      const next = chance(run);
      let [below, upTo] = [0, 0];
      for (let n = 1; n <= steps; n += 1) {
        const value = different === undefined ? next() : Math.floor(different * next());
        if (value < quantile) below += 1;
        if (value <= quantile) upTo += 1;
        const { lower, upper } = ranks[n]!;
        if (upTo >= lower && below < upper) continue;
        missed += 1;
        break;
      }
    }
    expect(missed).toBeLessThanOrEqual(0.1 * runs + 3 * Math.sqrt(0.09 * runs));
    if (different === undefined) expect(missed).toBeGreaterThan(0.02 * runs); // no promise kept by being far too wide
  });
});

test("the ranks' values are looked up, each at its own place", () => {
  for (const n of [1, 2, 7, 100, 1_001]) {
    const values = sorted(Array.from({ length: n }, (_, i) => i + 1)); // the value is its rank
    for (const q of [0.1, 0.5, 0.9]) {
      const { lower, upper } = quantileRanks(n, q, 0.2);
      const interval = quantileSequence(values, q, 0.2);
      // Rounding of the look-up may take the value before, at the lower end only.
      expect([lower === 0 ? -Infinity : lower, Math.max(1, lower - 1)]).toContain(interval.lower);
      expect(interval.upper).toBe(upper > n ? Infinity : upper);
    }
  }
});

test("latencies' p50, p95 and p99 from a sketch, within its own error; p99 has no upper end before about 400 values", () => {
  const sketch = quantileSketch();
  let state = sketch.start();
  const next = chance(5);
  const intervals = (q: number) => quantileSequence({ count: state.count, quantile: (rank) => sketch.quantile(state, rank) }, q, 0.05);
  for (let n = 0; n < 300; n += 1) state = sketch.step(state, -100 * Math.log(next()));
  expect(intervals(0.99).upper).toBe(Infinity);
  for (let n = 300; n < 10_000; n += 1) state = sketch.step(state, -100 * Math.log(next()));
  for (const [q, width] of [[0.5, 0.15], [0.95, 0.15], [0.99, 0.2]] as const) {
    const { lower, upper } = intervals(q);
    const quantile = -100 * Math.log(1 - q);
    expect(lower * 0.99).toBeLessThan(quantile);
    expect(upper * 1.01).toBeGreaterThan(quantile);
    expect((upper - lower) / quantile).toBeLessThan(width);
  }
});

test("no values: nothing is known", () => {
  expect(quantileSequence({ count: 0, quantile: () => undefined }, 0.5, 0.05)).toEqual({ lower: -Infinity, upper: Infinity });
});

test("what is no quantile is refused", () => {
  for (const q of [0, 1, Number.NaN]) expect(() => quantileRanks(10, q, 0.05)).toThrow("q must be between 0 and 1");
  for (const n of [-1, 0.5, Number.NaN]) expect(() => quantileRanks(n, 0.5, 0.05)).toThrow("expected a whole number of values");
  expect(() => quantileRanks(10, 0.5, 2)).toThrow("alpha must be between 0 and 1");
});
