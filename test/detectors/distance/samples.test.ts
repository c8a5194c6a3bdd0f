/** The measures between two samples: Wasserstein-1, energy distance and the maximum mean discrepancy. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { energyDistance } from "../../../detectors/distance/energy-distance.ts";
import { mmd } from "../../../detectors/distance/maximum-mean-discrepancy.ts";
import { wasserstein1 } from "../../../detectors/distance/wasserstein.ts";
import knownAnswers from "../known-answers/two-sample-scipy.json" with { type: "json" };

const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 15 });

test("Wasserstein and energy distance are scipy's, weighted too, with ties, single values and constants", () => {
  for (const { a, b, weightsA, weightsB, answers, kind } of knownAnswers.samples) {
    const where = `${kind}, ${a.length} and ${b.length} values`;
    expect(wasserstein1(a, b), where).toBeCloseTo(answers.wasserstein1[0]!, 9);
    expect(wasserstein1(a, b, weightsA, weightsB), where).toBeCloseTo(answers["wasserstein1 weighted"][0]!, 9);
    expect(energyDistance(a, b), where).toBeCloseTo(answers.energyDistance[0]!, 9);
  }
});

test("a shift by 3 is a Wasserstein distance of 3, whatever the shape", () => {
  fc.assert(
    fc.property(sample, (a) => {
      expect(wasserstein1(a, a.map((value) => value + 3))).toBeCloseTo(3, 10);
    }),
  );
});

test("for samples of one size Wasserstein is the mean difference of the sorted values", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })), { minLength: 1 }), (pairs) => {
      const [a, b] = [0, 1].map((side) => pairs.map((pair) => pair[side as 0 | 1]).sort((x, y) => x - y)) as [number[], number[]];
      const mean = a.reduce((sum, value, index) => sum + Math.abs(value - b[index]!), 0) / a.length;
      expect(wasserstein1(a, b)).toBeCloseTo(mean, 9);
    }),
  );
});

test("a weight of 3 is three values, and a weight of 0 is none", () => {
  expect(wasserstein1([1, 5], [2, 9, 9, 9], [1, 3], [1, 1, 1, 1])).toBeCloseTo(wasserstein1([1, 5, 5, 5], [2, 9], [1, 1, 1, 1], [1, 3]), 12);
  expect(wasserstein1([5, 1, 100], [1, 5], [1, 1, 0])).toBe(0);
});

test("energy distance is 2 E|X - Y| - E|X - X'| - E|Y - Y'|, its root", () => {
  const apart = (a: readonly number[], b: readonly number[]) =>
    a.flatMap((x) => b.map((y) => Math.abs(x - y))).reduce((sum, value) => sum + value, 0) / (a.length * b.length);
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      expect(energyDistance(a, b) ** 2).toBeCloseTo(2 * apart(a, b) - apart(a, a) - apart(b, b), 8);
    }),
  );
});

test("MMD is the mean likeness within less that between; the unbiased one leaves out a row's likeness to itself", () => {
  const [a, b, sigma] = [[0, 1, 3], [2, 2.5], 1.5];
  const likeness = (x: number, y: number) => Math.exp(-((x - y) ** 2) / (2 * sigma ** 2));
  const sum = (of: readonly number[], to: readonly number[]) => of.flatMap((x) => to.map((y) => likeness(x, y))).reduce((s, v) => s + v, 0);
  const between = (2 * sum(a, b)) / 6;
  expect(mmd(a, b, sigma, "biased")).toBeCloseTo(sum(a, a) / 9 + sum(b, b) / 4 - between, 12);
  expect(mmd(a, b, sigma)).toBeCloseTo((sum(a, a) - 3) / 6 + (sum(b, b) - 2) / 2 - between, 12);
});

test("MMD of rows is that of plain numbers where a row has one number, and sees a change of dependence alone", () => {
  expect(mmd([[1], [2]], [[5], [7]], 1)).toBe(mmd([1, 2], [5, 7], 1));
  const together = [[0, 0], [1, 1], [0, 0], [1, 1]];
  const crossed = [[0, 1], [1, 0], [0, 1], [1, 0]];
  for (const column of [0, 1]) expect(mmd(together.map((row) => row[column]!), crossed.map((row) => row[column]!), 0.5, "biased")).toBeCloseTo(0, 12);
  expect(mmd(together, crossed, 0.5)).toBeGreaterThan(0.4);
});

test("empty samples, NaN, infinities, bad weights and widths are refused", () => {
  expect(() => wasserstein1([], [1])).toThrow("wasserstein1: expected at least one value a sample, got none");
  expect(() => energyDistance([1, NaN], [1])).toThrow("energyDistance: expected finite numbers, got NaN");
  expect(() => wasserstein1([1], [-Infinity])).toThrow(RangeError);
  expect(() => wasserstein1([1, 2], [1], [1])).toThrow("wasserstein1: expected a weight a value, got 1 for 2");
  expect(() => wasserstein1([1, 2], [1], [1, -1])).toThrow(RangeError);
  expect(() => wasserstein1([1, 2], [1], [0, 0])).toThrow(RangeError);
  expect(() => mmd([1], [2, 3], 1)).toThrow("mmd: expected two rows or more a sample for the unbiased estimate, got 1 and 2");
  expect(() => mmd([[1, 2]], [[1]], 1, "biased")).toThrow("mmd: expected rows of 2 numbers, got one of 1");
  expect(() => mmd([1, 2], [3, 4], 0)).toThrow("mmd: expected a sigma above 0, got 0");
  expect(() => mmd([], [1, 2], 1, "biased")).toThrow(RangeError);
});
