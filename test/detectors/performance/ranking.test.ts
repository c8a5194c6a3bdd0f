import fc from "fast-check";
import { expect, test } from "vitest";
import { rocAuc } from "../../../detectors/performance/classification.ts";
import { ranking } from "../../../detectors/performance/ranking.ts";
import { chance, gaussian } from "../chance.ts";

const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.2, 0.6, 0.6, 0.05, 0.7, 0.4];
const actuals = [0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1];

const table = fc.array(fc.record({ score: fc.integer({ min: 0, max: 8 }), actual: fc.integer({ min: 0, max: 1 }) }), { minLength: 2, maxLength: 40 });

test("with known answers, area and average precision are those of scikit-learn 1.9.1", () => {
  const ranks = ranking({ scores, likelihoods: actuals });
  expect(ranks?.rocAuc.value).toBeCloseTo(0.842_857_142_857, 12);
  expect(ranks?.averagePrecision.value).toBeCloseTo(0.868_253_968_254, 12);
});

test("with known answers, the area is the share of pairs in the right order and its error DeLong's", () => {
  fc.assert(
    fc.property(table, (rows) => {
      const [x, y] = [rows.map(({ score }) => score), rows.map(({ actual }) => actual)];
      const ranks = ranking({ scores: x, likelihoods: y });
      expect(ranks?.rocAuc.value).toEqual(rocAuc(x, y) === undefined ? undefined : expect.closeTo(rocAuc(x, y) as number, 12));
      const error = deLongByDefinition(x, y);
      if (error !== undefined && error > 0) expect(ranks?.rocAuc.standardError).toBeCloseTo(error, 12);
    }),
  );
});

/** Sample variances of the placements, over their numbers. */
function deLongByDefinition(x: readonly number[], y: readonly number[]): number | undefined {
  const high = x.filter((_, row) => y[row] === 1);
  const low = x.filter((_, row) => y[row] === 0);
  if (high.length < 2 || low.length < 2) return undefined;
  const wins = (a: number, b: number) => (a > b ? 1 : a === b ? 0.5 : 0);
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const spread = (values: readonly number[]) => values.reduce((total, value) => total + (value - mean(values)) ** 2, 0) / (values.length - 1) / values.length;
  return Math.sqrt(spread(high.map((a) => mean(low.map((b) => wins(a, b))))) + spread(low.map((b) => mean(high.map((a) => wins(a, b))))));
}

test("an entry with a weight is as many rows", () => {
  fc.assert(
    fc.property(table, (rows) => {
      const doubled = rows.flatMap((row) => [row, row]);
      const each = ranking({ scores: rows.map(({ score }) => score), likelihoods: rows.map(({ actual }) => actual), weights: rows.map(() => 2) });
      const all = ranking({ scores: doubled.map(({ score }) => score), likelihoods: doubled.map(({ actual }) => actual) });
      expect(each).toEqual(all);
    }),
  );
});

test("where answers are only likely, average precision is what it will be on average over the answers that may come", () => {
  const next = chance(5);
  const x = Array.from({ length: 400 }, () => next());
  const likelihoods = x.map((score) => 0.02 + 0.3 * score ** 2);
  const runs = 1_500;
  let total = 0;
  for (let run = 0; run < runs; run += 1) total += ranking({ scores: x, likelihoods: likelihoods.map((p) => (next() < p ? 1 : 0)) })?.averagePrecision.value as number;
  const expected = ranking({ scores: x, likelihoods })?.averagePrecision.value as number;
  expect(Math.abs(expected - total / runs)).toBeLessThan(0.004);
});

test("the standard errors are how much the figures vary between samples", () => {
  const next = chance(11);
  const figures = Array.from({ length: 300 }, () => {
    const likelihoods = Array.from({ length: 400 }, () => (next() < 0.3 ? 1 : 0));
    return ranking({ scores: likelihoods.map((positive) => 1.2 * positive + gaussian(next)), likelihoods });
  });
  for (const name of ["rocAuc", "averagePrecision"] as const) {
    const values = figures.map((ranks) => ranks?.[name].value as number);
    const mean = values.reduce((total, value) => total + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length);
    const claimed = figures.reduce((total, ranks) => total + (ranks?.[name].standardError as number), 0) / figures.length;
    expect(claimed / spread).toBeGreaterThan(0.87);
    expect(claimed / spread).toBeLessThan(1.15);
  }
});

test("ten rows in perfect order prove little, a thousand more", () => {
  const perfect = (each: number) => ranking({ scores: Array.from({ length: 2 * each }, (_, row) => row), likelihoods: Array.from({ length: 2 * each }, (_, row) => (row < each ? 0 : 1)) })?.rocAuc;
  expect(perfect(5)?.value).toBe(1);
  expect(3 * (perfect(5)?.standardError as number)).toBeCloseTo(1 - 0.001_35 ** (1 / 5), 12);
  expect(3 * (perfect(1_000)?.standardError as number)).toBeLessThan(0.007);
});

test("without one of the classes there is no ranking", () => {
  expect(ranking({ scores: [], likelihoods: [] })).toBeUndefined();
  expect(ranking({ scores: [1, 2], likelihoods: [1, 1] })).toBeUndefined();
  expect(ranking({ scores: [1, 2], likelihoods: [0, 0] })).toBeUndefined();
});
