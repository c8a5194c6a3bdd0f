import fc from "fast-check";
import { expect, test } from "vitest";
import { benjaminiHochberg, holm } from "../../../detectors/two-sample/multiple-tests.ts";

const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
const level = fc.double({ min: 0.001, max: 0.999, noNaN: true });

test("Holm's adjusted values are at most the level exactly where his procedure rejects", () => {
  fc.assert(
    fc.property(probabilities, level, (p, alpha) => {
      // From the smallest on, each against alpha over how many are left, until one is too large.
      const sorted = p.toSorted((a, b) => a - b);
      const stop = sorted.findIndex((value, index) => value * (p.length - index) > alpha);
      const rejected = sorted.slice(0, stop === -1 ? p.length : stop);
      expect(holm(p).filter((value) => value <= alpha).length).toBe(rejected.length);
    }),
  );
});

test("Benjamini and Hochberg's are so exactly where theirs does", () => {
  fc.assert(
    fc.property(probabilities, level, (p, alpha) => {
      // The largest k with the k-th smallest at most k / count of alpha; all up to it.
      const sorted = p.toSorted((a, b) => a - b);
      const last = sorted.findLastIndex((value, index) => (p.length / (index + 1)) * value <= alpha);
      expect(benjaminiHochberg(p).filter((value) => value <= alpha).length).toBe(last + 1);
    }),
  );
});

test("adjusted values stand in the tests' own order: features a, b, c, d", () => {
  expect(holm([0.04, 0.01, 0.03, 0.02]).map((value) => Number(value.toFixed(6)))).toEqual([0.06, 0.04, 0.06, 0.06]);
  expect(benjaminiHochberg([0.04, 0.01, 0.03, 0.5]).map((value) => Number(value.toFixed(6)))).toEqual([0.053333, 0.04, 0.053333, 0.5]);
});

test("one test alone stays as it is, none gives none, and no value passes 1", () => {
  for (const adjust of [holm, benjaminiHochberg]) {
    expect(adjust([0.03])).toEqual([0.03]);
    expect(adjust([])).toEqual([]);
    expect(adjust([0.9, 0.8, 0.7]).every((value) => value <= 1)).toBe(true);
  }
});

test("what is no probability is refused", () => {
  expect(() => holm([0.5, 1.2])).toThrow("holm: expected probabilities in [0, 1], got 1.2");
  expect(() => benjaminiHochberg([NaN])).toThrow("benjaminiHochberg: expected probabilities in [0, 1], got NaN");
});
