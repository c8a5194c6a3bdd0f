import fc from "fast-check";
import { expect, test } from "vitest";
import { brierParts, calibrationError, calibrationErrorBand, reliabilityTable } from "../../../detectors/performance/calibration.ts";
import { brier } from "../../../detectors/performance/classification.ts";
import { chance } from "../chance.ts";

const table = fc.array(fc.record({ score: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20), actual: fc.integer({ min: 0, max: 1 }) }), { minLength: 1, maxLength: 80 });

test("scores that all differ fall into groups of equal size, and the error is the mean gap between score and share", () => {
  const scores = Array.from({ length: 20 }, (_, row) => row / 20);
  const likelihoods = scores.map((_, row) => (row % 3 === 0 ? 1 : 0));
  const groups = [0, 1, 2, 3].map((group) => scores.map((_, row) => row).slice(5 * group, 5 * group + 5));
  const mean = (rows: readonly number[], of: readonly number[]) => rows.reduce((total, row) => total + (of[row] as number), 0) / rows.length;
  const gaps = groups.map((rows) => Math.abs(mean(rows, scores) - mean(rows, likelihoods)));
  expect(reliabilityTable({ scores, likelihoods }, 4).map(({ rows }) => rows)).toEqual([5, 5, 5, 5]);
  expect(calibrationError({ scores, likelihoods }, 4)).toBeCloseTo(gaps.reduce((total, gap) => total + gap, 0) / 4, 12);
});

test("every row is in one group, groups do not overlap, and equal scores stay together", () => {
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 12 }), (rows, count) => {
      const groups = reliabilityTable({ scores: rows.map(({ score }) => score), likelihoods: rows.map(({ actual }) => actual) }, count);
      expect(groups.length).toBeLessThanOrEqual(count);
      expect(groups.reduce((total, group) => total + group.rows, 0)).toBe(rows.length);
      expect(groups.reduce((total, group) => total + group.rows * group.actual, 0)).toBeCloseTo(rows.filter(({ actual }) => actual === 1).length, 9);
      for (const [i, group] of groups.entries()) if (i > 0) expect(group.from).toBeGreaterThan((groups[i - 1] as { to: number }).to);
    }),
  );
});

test("Brier's score is reliability less resolution plus uncertainty, where each group holds one score", () => {
  fc.assert(
    fc.property(table, (rows) => {
      const columns = { scores: rows.map(({ score }) => score), likelihoods: rows.map(({ actual }) => actual) };
      const parts = brierParts(columns, 21);
      expect(parts?.brier).toBeCloseTo(brier(columns.scores, columns.likelihoods) as number, 12);
      expect(parts?.within).toBeCloseTo(0, 12);
    }),
  );
});

test("the band of a calibrated score begins at 0 in nearly all samples, that of a score off by .1 nearly never", () => {
  const next = chance(3);
  const touches = (off: number) => {
    let count = 0;
    for (let run = 0; run < 200; run += 1) {
      const likely = Array.from({ length: 1_000 }, () => 0.1 + 0.7 * next());
      const likelihoods = likely.map((p) => (next() < p ? 1 : 0));
      if (calibrationErrorBand({ scores: likely.map((p) => p + off), likelihoods })?.lower === 0) count += 1;
    }
    return count;
  };
  expect(touches(0)).toBeGreaterThanOrEqual(198);
  expect(touches(0.1)).toBeLessThanOrEqual(20);
});

test("without rows, and with scores that are no probabilities, there is nothing to say", () => {
  expect(calibrationError({ scores: [], likelihoods: [] })).toBeUndefined();
  expect(calibrationErrorBand({ scores: [], likelihoods: [] })).toBeUndefined();
  expect(brierParts({ scores: [2], likelihoods: [1] })).toBeUndefined();
  expect(() => reliabilityTable({ scores: [1], likelihoods: [1] }, 0)).toThrow(/groups/);
});
