import fc from "fast-check";
import { expect, test } from "vitest";
import { isotonicAt, isotonicCurve } from "../../../detectors/performance/isotonic.ts";
import { rocAuc } from "../../../detectors/performance/classification.ts";
import { ranking } from "../../../detectors/performance/ranking.ts";
import { chance } from "../chance.ts";

const rows = fc.array(
  fc.record({ x: fc.integer({ min: 0, max: 12 }), y: fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8), weight: fc.integer({ min: 1, max: 4 }) }),
  { minLength: 1, maxLength: 40 },
);

test("at each x the curve is the highest over all starts of the lowest over all ends of the mean between them", () => {
  fc.assert(
    fc.property(rows, (table) => {
      const curve = isotonicCurve(table.map(({ x }) => x), table.map(({ y }) => y), { weights: table.map(({ weight }) => weight) });
      const mean = (from: number, to: number): number => {
        const inside = table.filter(({ x }) => x >= from && x <= to);
        return inside.reduce((total, { y, weight }) => total + y * weight, 0) / inside.reduce((total, { weight }) => total + weight, 0);
      };
      const places = [...new Set(table.map(({ x }) => x))].sort((a, b) => a - b);
      for (const at of places) {
        const starts = places.filter((x) => x <= at);
        const ends = places.filter((x) => x >= at);
        expect(isotonicAt(curve, at)).toBeCloseTo(Math.max(...starts.map((start) => Math.min(...ends.map((end) => mean(start, end))))), 10);
      }
    }),
  );
});

test("weights, ties, the line between points and the level ends are those of scikit-learn 1.9.1", () => {
  const curve = isotonicCurve([1, 1, 2, 3, 3, 4, 5, 6, 7, 7.5], [0.2, 0.6, 0.1, 0.9, 0.5, 0.3, 0.8, 0.7, 1, 0.95], { weights: [1, 2, 1, 1, 3, 1, 2, 1, 1, 2] });
  const expected: readonly (readonly [number, number])[] = [
    [0, 0.375], [1.5, 0.375], [2, 0.375], [2.5, 0.4575], [3.2, 0.54], [4.5, 0.653_333_333_333], [5.5, 0.766_666_666_667], [6.3, 0.826_666_666_667], [9, 0.966_666_666_667],
  ];
  for (const [x, y] of expected) expect(isotonicAt(curve, x)).toBeCloseTo(y, 11);
});

test("the order of rows does not matter, and the curve never falls", () => {
  fc.assert(
    fc.property(rows, fc.array(fc.double({ min: -2, max: 15, noNaN: true }), { minLength: 2 }), (table, places) => {
      const fit = (list: typeof table) => isotonicCurve(list.map(({ x }) => x), list.map(({ y }) => y));
      const [there, back] = [fit(table), fit(table.toReversed())];
      const readings = places.toSorted((a, b) => a - b).map((x) => isotonicAt(there, x));
      for (const [i, reading] of readings.entries()) {
        expect(reading).toBeGreaterThanOrEqual(i === 0 ? 0 : (readings[i - 1] as number));
        expect(isotonicAt(back, places.toSorted((a, b) => a - b)[i] as number)).toBeCloseTo(reading, 12);
      }
    }),
  );
});

test("a curve that would need 20,000 points gets by with 5,000, and the area under the curve moves by less than a millionth", () => {
  const next = chance(1);
  const count = 20_000;
  const scores = Array.from({ length: count }, (_, row) => row / count);
  const rising = scores.map((score, row) => score ** 2 * 0.9 + (row / count) * 0.05 + (next() * 0.05) / count); // no two pooled
  const exact = isotonicCurve(scores, rising, { pointsMax: 2 * count });
  const short = isotonicCurve(scores, rising);
  expect(exact.x.length).toBeGreaterThan(count * 0.9);
  expect(short.x.length).toBeLessThanOrEqual(5_000);
  const area = (curve: typeof exact) => ranking({ scores, likelihoods: scores.map((score) => isotonicAt(curve, score)) })?.rocAuc.value as number;
  expect(Math.abs(area(exact) - area(short))).toBeLessThan(1e-6);
});

test("a curve fitted to answers ranks as well as any score can on the rows it was fitted to", () => {
  const next = chance(2);
  const scores = Array.from({ length: 500 }, () => next());
  const actuals = scores.map((score) => (next() < score ? 1 : 0));
  const curve = isotonicCurve(scores, actuals);
  expect(rocAuc(scores.map((score) => isotonicAt(curve, score)), actuals)).toBeGreaterThanOrEqual(rocAuc(scores, actuals) as number);
});

test("what can not be fitted is refused, with the row", () => {
  expect(() => isotonicCurve([], [])).toThrow(RangeError);
  expect(() => isotonicCurve([1], [])).toThrow(/1 and 0/);
  expect(() => isotonicCurve([1, NaN], [0, 1])).toThrow(/row 1/);
  expect(() => isotonicCurve([1, 2], [0, Infinity])).toThrow(/row 1/);
  expect(() => isotonicCurve([1, 2], [0, 1], { weights: [1, 0] })).toThrow(/weight/);
  expect(() => isotonicCurve([1, 2], [0, 1], { pointsMax: 1 })).toThrow(/pointsMax/);
});
