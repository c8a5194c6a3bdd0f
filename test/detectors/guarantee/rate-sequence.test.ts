import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rateSequence } from "../../../detectors/guarantee/rate-sequence.ts";
import knownAnswers from "../known-answers/anytime.json" with { type: "json" };
import { chance } from "../chance.ts";

describe("as the authors' own program confseq answers, whose digits are cut off after the sixth", () => {
  const known = knownAnswers.bernoulli_interval;
  test.each([
    [700, 1_000, 100, known["700/1000"]],
    [15, 50, 50, known["15/50"]],
    [5, 50, 50, known["5/50"]],
    [1, 50, 50, [0, 0.134891]],
    [100, 200, 1, [0.328923, 0.671076]],
    [1, 2, 50, [0, 1]],
    [0, 1, 50, [0, 1]],
    [1, 1, 50, [0, 1]],
  ])("%d of %d, tightest at %d", (successes, n, nOpt, [lower, upper]) => {
    const interval = rateSequence(successes, n, 0.05, { nOpt });
    expect(Math.abs(interval.lower - lower!)).toBeLessThan(1e-6);
    expect(Math.abs(interval.upper - upper!)).toBeLessThan(1e-6);
  });
});

test("an interval holds the rate that was counted, lies within 0 to 1, and mirrors that of the failures", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1e9 }), fc.double({ min: 1e-6, max: 0.5, noNaN: true }), (rate, n, alpha) => {
      const successes = Math.round(rate * n);
      const { lower, upper } = rateSequence(successes, n, alpha);
      expect(lower).toBeGreaterThanOrEqual(0);
      expect(lower).toBeLessThanOrEqual(successes / n);
      expect(upper).toBeGreaterThanOrEqual(successes / n);
      expect(upper).toBeLessThanOrEqual(1);
      const mirrored = rateSequence(n - successes, n, alpha);
      expect(mirrored.lower).toBeCloseTo(1 - upper, 9);
    }),
    { numRuns: 50 },
  );
});

test.each([0.5, 0.1, 0.01])("at a rate of %d no more than one run in twenty ever misses it, however often one looks", (rate) => {
  const runs = 300;
  let missed = 0;
  for (let run = 1; run <= runs; run += 1) {
    const next = chance(run);
    let [successes, look] = [0, 1];
    for (let n = 1; n <= 5_000; n += 1) {
      if (next() < rate) successes += 1;
      if (n < look) continue;
      look = Math.ceil(1.1 * n);
      const { lower, upper } = rateSequence(successes, n, 0.05);
      if (rate >= lower && rate <= upper) continue;
      missed += 1;
      break;
    }
  }
  expect(missed).toBeLessThanOrEqual(0.05 * runs + 3 * Math.sqrt(0.05 * 0.95 * runs));
});

test("half as wide again as Hoeffding's, which allows a single look, for a rate of a half; for a small one narrower", () => {
  const width = (successes: number, n: number) => {
    const { lower, upper } = rateSequence(successes, n, 0.05);
    return (upper - lower) / (2 * Math.sqrt(Math.log(40) / (2 * n)));
  };
  for (const n of [100, 1_000, 10_000, 100_000]) {
    expect(width(n / 2, n)).toBeLessThan(1.5);
    expect(width(n / 100, n)).toBeLessThan(0.4);
  }
  // None in n: at most four times one in n, where a single look allows 3.
  expect(rateSequence(0, 10_000, 0.05).upper).toBeLessThan(4e-4);
});

test("sums of values in 0 to 1 do as well; no trials, nothing known", () => {
  expect(rateSequence(0, 0, 0.05)).toEqual({ lower: 0, upper: 1 });
  const { lower, upper } = rateSequence(12.5, 100, 0.05);
  expect(lower).toBeLessThan(0.125);
  expect(upper).toBeGreaterThan(0.125);
});

test("what is no rate is refused", () => {
  expect(() => rateSequence(2, 1, 0.05)).toThrow("rateSequence: successes must be 0 to n, got 2 of 1");
  expect(() => rateSequence(-1, 1, 0.05)).toThrow(RangeError);
  expect(() => rateSequence(Number.NaN, 1, 0.05)).toThrow(RangeError);
  expect(() => rateSequence(1, Infinity, 0.05)).toThrow(RangeError);
  expect(() => rateSequence(1, 2, 0)).toThrow("rateSequence: alpha must be between 0 and 1, got 0");
});
