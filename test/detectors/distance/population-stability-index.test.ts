import fc from "fast-check";
import { expect, test } from "vitest";
import { psi, psiThreshold } from "../../../detectors/distance/population-stability-index.ts";
import { chance } from "../chance.ts";

const counts = (cells: number) => fc.array(fc.nat(1_000), { minLength: cells, maxLength: cells });

test("it is the published value: 0.2282174096 for 1, 2, 3, 4 tenths against quarters (scipy 1.17.1)", () => {
  expect(psi([10, 20, 30, 40], [25, 25, 25, 25])).toBeCloseTo(0.2282174096, 10);
  expect(psi([1_000, 2_000, 3_000, 4_000], [25, 25, 25, 25])).toBeCloseTo(0.2282174096, 10);
});

test("it is symmetric, finite, 0 or more, and 0 for the same proportions", () => {
  fc.assert(
    fc.property(counts(8), counts(8), (p, q) => {
      const index = psi(p, q);
      expect(index).toBeGreaterThanOrEqual(0);
      expect(index).toBeLessThan(Infinity);
      expect(psi(q, p)).toBeCloseTo(index, 10);
      expect(psi(p, p.map((count) => 3 * count))).toBeCloseTo(0, 10);
    }),
  );
});

test("a category never seen before counts as if the reference had half a row of it", () => {
  expect(psi([100, 0], [60, 40])).toBeCloseTo((0.6 - 1) * Math.log(0.6) + (0.4 - 0.005) * Math.log(0.4 / 0.005), 12);
});

test("a cell that is empty on both sides changes nothing", () => {
  expect(psi([10, 0, 30], [20, 0, 20])).toBe(psi([10, 30], [20, 20]));
});

test("without rows there is nothing to tell apart", () => {
  expect(psi([0, 0], [1, 2])).toBe(0);
});

test("histograms of different cells are refused", () => {
  expect(() => psi([1, 2], [1, 2, 3])).toThrow(RangeError);
});

/** Chance that the index passes a limit while nothing has changed, by drawing windows. */
function passes(cells: number, n: number, m: number, limit: number, draws: number): number {
  const random = chance(cells * m);
  const histogram = (rows: number) => {
    const found = Array.from({ length: cells }, () => 0);
    for (let row = 0; row < rows; row += 1) found[Math.floor(random() * cells)]! += 1;
    return found;
  };
  let passed = 0;
  for (let draw = 0; draw < draws; draw += 1) if (psi(histogram(n), histogram(m)) > limit) passed += 1;
  return passed / draws;
}

test("windows from the reference's own distribution pass the threshold as often as it says", () => {
  for (const [cells, n, m] of [[10, 2_000, 500], [5, 500, 500], [20, 5_000, 1_000]] as const) {
    const rate = passes(cells, n, m, psiThreshold(cells, n, m, 0.95), 2_000);
    expect(rate).toBeGreaterThan(0.03);
    expect(rate).toBeLessThan(0.07);
  }
});

test("the folklore limit of 0.1 alarms on 36 percent of windows of 100 rows in which nothing has changed", () => {
  expect(passes(10, 10_000, 100, 0.1, 1_000)).toBeCloseTo(0.36, 1);
  expect(psiThreshold(10, 10_000, 1_000, 0.999)).toBeCloseTo(0.031, 3);
});

test("a single cell can not drift", () => {
  expect(psiThreshold(1, 100, 100, 0.99)).toBe(0);
});
