import fc from "fast-check";
import { expect, test } from "vitest";
import { independentShare, lagOne, thinningFor } from "../../../detectors/reference/autocorrelation.ts";
import { chance, gaussian } from "../chance.ts";

function correlationOf(ranks: readonly number[]): number {
  let state = lagOne.start();
  for (const rank of ranks) state = lagOne.step(state, rank);
  return lagOne.correlation(state);
}

test("it is the textbook's lag-1 autocorrelation", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 50 }), (ranks) => {
      const mean = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
      const spread = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
      fc.pre(spread > 1e-6);
      const together = ranks.slice(1).reduce((sum, rank, i) => sum + (rank - mean) * ((ranks[i] as number) - mean), 0);
      expect(correlationOf(ranks)).toBeCloseTo(together / spread, 6);
    }),
  );
});

test("what never varies, or is a single row or none, has none", () => {
  for (const ranks of [[], [0.5], Array.from({ length: 100 }, () => 0.3)]) expect(correlationOf(ranks)).toBe(0);
});

test("independent rows are not thinned, 500 of them or 10,000", () => {
  const next = chance(5);
  for (const rows of [500, 10_000]) {
    const thinned = Array.from({ length: 100 }, () => thinningFor(correlationOf(Array.from({ length: rows }, next)), rows)).filter((k) => k > 1);
    expect(thinned.length).toBeLessThanOrEqual(2);
  }
});

test("of an autoregressive series of 0.7, about a fiftieth of the correlation is left", () => {
  const next = chance(6);
  let last = gaussian(next);
  const ranks = Array.from({ length: 10_000 }, () => 1 / (1 + Math.exp(-1.7 * (last = 0.7 * last + Math.sqrt(0.51) * gaussian(next)))));
  const k = thinningFor(correlationOf(ranks), ranks.length);
  expect(0.7 ** k).toBeLessThan(0.025);
  expect(0.7 ** k).toBeGreaterThan(0.01);
});

test("more correlation is thinned more, its sign makes no difference, and there is an end to it", () => {
  const ks = [0, 0.1, 0.3, 0.7, 0.95, 0.999].map((correlation) => thinningFor(correlation, 10_000));
  expect(ks).toEqual(ks.toSorted((a, b) => a - b));
  expect(thinningFor(-0.7, 10_000)).toBe(thinningFor(0.7, 10_000));
  expect(thinningFor(1, 1e9)).toBe(1_000);
});

test("correlated rows count for fewer: of a series of 0.7, for about a sixth", () => {
  expect(independentShare(0, 1_000)).toBe(1);
  expect(independentShare(0.01, 1_000)).toBe(1);
  expect(independentShare(0.7, 1e8)).toBeCloseTo(0.3 / 1.7, 3);
  expect(independentShare(0.7, 500)).toBeLessThan(0.3 / 1.7);
  expect(independentShare(1, 500)).toBeGreaterThan(0);
});

test("what is no correlation is refused", () => {
  for (const correlation of [NaN, 1.1, -2]) expect(() => thinningFor(correlation, 100)).toThrow(RangeError);
  expect(() => thinningFor(0.5, 0)).toThrow("rows must be 1 or more, got 0");
  expect(() => lagOne.step(lagOne.start(), NaN)).toThrow("expected a finite number, got NaN");
});
