/** The measures over histograms, each by its definition and by published values. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bhattacharyya } from "../../../detectors/distance/bhattacharyya.ts";
import { hellinger } from "../../../detectors/distance/hellinger.ts";
import { histogramIntersection } from "../../../detectors/distance/histogram-intersection.ts";
import { jensenShannonDistance } from "../../../detectors/distance/jensen-shannon.ts";
import { kullbackLeibler } from "../../../detectors/distance/kullback-leibler.ts";
import { lInfinity } from "../../../detectors/distance/l-infinity.ts";
import { psi } from "../../../detectors/distance/population-stability-index.ts";
import { totalVariation } from "../../../detectors/distance/total-variation.ts";
import { wassersteinOfCells } from "../../../detectors/distance/wasserstein.ts";
import knownAnswers from "../known-answers/two-sample.json" with { type: "json" };

const counts = fc.array(fc.nat(50), { minLength: 5, maxLength: 5 }).filter((row) => row.some((count) => count > 0));
const positions = [0, 1, 2, 4, 8];

const all = {
  bhattacharyya, hellinger, jensenShannonDistance, kullbackLeibler, lInfinity, psi, totalVariation,
  wassersteinOfCells: (p: ArrayLike<number>, q: ArrayLike<number>) => wassersteinOfCells(Array.from(p, (_, cell) => cell), p, q),
} as const;

test("1, 2, 3, 4 tenths against quarters are the published values (scipy 1.17.1)", () => {
  const { p, q, ...published } = knownAnswers.distributions;
  expect(jensenShannonDistance(p, q)).toBeCloseTo(published.jensen_shannon_distance_bits, 9);
  expect(jensenShannonDistance(p, q) * Math.sqrt(Math.LN2)).toBeCloseTo(published.jensen_shannon_distance_nats, 9);
  expect(psi(p, q)).toBeCloseTo(published.psi, 9);
  expect(kullbackLeibler(p, q)).toBeCloseTo(published.kl, 9);
  expect(hellinger(p, q)).toBeCloseTo(published.hellinger, 9);
  expect(totalVariation(p, q)).toBeCloseTo(published.total_variation, 9);
  expect(lInfinity(p, q)).toBeCloseTo(published.l_infinity, 9);
});

describe.each(Object.entries(all))("%s", (name, measure) => {
  test("is 0 for the same proportions, above 0 otherwise, and never NaN", () => {
    fc.assert(
      fc.property(counts, counts, (p, q) => {
        expect(measure(p, p.map((count) => 7 * count))).toBeCloseTo(0, 7);
        expect(measure(p, q)).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(measure([9, 1], [1, 9])).toBeGreaterThan(0.1);
  });

  test("takes no rows for no distance", () => {
    expect(measure([0, 0], [3, 4])).toBe(0);
    expect(measure([3, 4], [0, 0])).toBe(0);
  });

  test("refuses unlike cells and counts that are none", () => {
    expect(() => measure([1, 2], [1, 2, 3])).toThrow(`${name}: expected the same cells on both sides, got 2 and 3`);
    expect(() => measure([1, -2], [1, 2])).toThrow(`${name}: expected counts of 0 or more, got -2 in cell 1`);
    expect(() => measure([1, 2], [NaN, 2])).toThrow(RangeError);
    expect(() => measure([1, Infinity], [1, 2])).toThrow(RangeError);
  });
});

test("with no cell in common the bounded ones are 1, and those without a bound infinite", () => {
  const apart = [[5, 0], [0, 9]] as const;
  for (const measure of [hellinger, jensenShannonDistance, totalVariation, lInfinity]) expect(measure(...apart)).toBe(1);
  for (const measure of [bhattacharyya, kullbackLeibler]) expect(measure(...apart)).toBe(Infinity);
  expect(histogramIntersection(...apart)).toBe(0);
});

test("they keep the order that their definitions give them", () => {
  fc.assert(
    fc.property(counts, counts, (p, q) => {
      const variation = totalVariation(p, q);
      expect(histogramIntersection(p, q)).toBeCloseTo(1 - variation, 12);
      expect(hellinger(p, q) ** 2).toBeLessThanOrEqual(variation + 1e-12);
      expect(variation).toBeLessThanOrEqual(Math.SQRT2 * hellinger(p, q) + 1e-12);
      expect(1 - hellinger(p, q) ** 2).toBeCloseTo(Math.exp(-bhattacharyya(p, q)), 12);
      expect(lInfinity(p, q)).toBeLessThanOrEqual(variation + 1e-12);
      expect(2 * variation ** 2).toBeLessThanOrEqual(kullbackLeibler(p, q) + 1e-12); // Pinsker
      expect(wassersteinOfCells(positions, p, q)).toBeLessThanOrEqual(8 * variation + 1e-12);
    }),
  );
});

test("Wasserstein over cells counts how far rows move: one row in four, two steps further", () => {
  expect(wassersteinOfCells([10, 11, 12], [4, 0, 0], [3, 0, 1])).toBeCloseTo(0.5, 12);
  expect(wassersteinOfCells([10], [4], [9])).toBe(0);
});

test("Wasserstein over cells wants a finite position for each, ascending", () => {
  expect(() => wassersteinOfCells([1], [1, 2], [1, 2])).toThrow("wassersteinOfCells: expected a position a cell, got 1 for 2");
  expect(() => wassersteinOfCells([2, 1], [1, 2], [1, 2])).toThrow(RangeError);
  expect(() => wassersteinOfCells([NaN, 1], [1, 2], [1, 2])).toThrow(RangeError);
});
