import { expect, test } from "vitest";
import { realisedRegression } from "../../../detectors/performance/regression-performance.ts";
import { buildRegression, estimateRegression } from "../../../detectors/performance/regression-estimator.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

/** Errors grow with `size`, not with `noise`; a shift brings larger sizes. */
function rowsOf(next: Chance, count: number, shifted = false) {
  const size = Float64Array.from({ length: count }, () => 10 * (shifted ? Math.max(next(), next(), next()) : next()));
  const noise = Float64Array.from({ length: count }, () => gaussian(next));
  const predictions = size.map((value) => 20 + 2 * value);
  const actuals = predictions.map((value, row) => Math.max(0, value + gaussian(next) * (0.2 + 0.3 * (size[row] as number))));
  return { predictions, actuals, features: new Map([["size", size], ["noise", noise]]) };
}

test("when harder rows come, the estimated error rises with the realised one", () => {
  const next = chance(31);
  const before = rowsOf(next, 10_000);
  const { estimator, notes } = buildRegression(before);
  expect(notes).toEqual([]);
  const calm = realisedRegression(before.predictions, before.actuals);
  const later = rowsOf(next, 10_000, true);
  const realised = realisedRegression(later.predictions, later.actuals);
  const estimated = estimateRegression(estimator, later);
  for (const name of ["mae", "rmse", "rmsle"]) {
    const [was, is, said] = [calm, realised, estimated].map((figures) => figures[name]?.value as number) as [number, number, number];
    if (name !== "rmsle") expect(is / was).toBeGreaterThan(1.25);
    expect(Math.abs(said / is - 1), name).toBeLessThan(0.04);
  }
});

test("on rows like the reference's, realised errors lie in the bands of their estimates", () => {
  const next = chance(32);
  const { estimator } = buildRegression(rowsOf(next, 10_000));
  let missed = 0;
  for (let chunk = 0; chunk < 30; chunk += 1) {
    const rows = rowsOf(next, 1_000);
    const realised = realisedRegression(rows.predictions, rows.actuals);
    for (const [name, { lower, upper }] of Object.entries(estimateRegression(estimator, rows))) {
      const value = realised[name]?.value as number;
      if (value < lower || value > upper) missed += 1;
    }
  }
  expect(missed).toBeLessThanOrEqual(2); // of 120
});

test("an estimator travels as JSON of less than 200 kB and says the same afterwards", () => {
  const next = chance(33);
  const { estimator } = buildRegression(rowsOf(next, 5_000));
  const text = JSON.stringify(estimator);
  expect(text.length).toBeLessThan(200_000);
  const later = rowsOf(next, 500);
  expect(estimateRegression(JSON.parse(text) as typeof estimator, later)).toEqual(estimateRegression(estimator, later));
});

test("errors that nothing explains stay what they were, and a note says so", () => {
  const next = chance(34);
  const predictions = Float64Array.from({ length: 3_000 }, () => next());
  const actuals = predictions.map((value) => value + gaussian(next));
  const { estimator, notes } = buildRegression({ predictions, actuals });
  expect(notes).toEqual([expect.stringMatching(/prediction alone/), expect.stringMatching(/Nothing in the features/)]);
  expect(estimateRegression(estimator, { predictions: [5] })["mae"]?.value).toBeCloseTo(realisedRegression(predictions, actuals)["mae"]?.value as number, 9);
});

test("missing features and predictions, and too few rows, are dealt with or refused", () => {
  const next = chance(35);
  const rows = rowsOf(next, 2_000);
  (rows.features.get("size") as Float64Array).fill(NaN, 0, 300);
  const { estimator } = buildRegression({ ...rows, predictions: Array.from(rows.predictions, (value, row) => (row === 5 ? null : value)) });
  const later = rowsOf(next, 100);
  (later.features.get("size") as Float64Array).fill(NaN);
  for (const { value } of Object.values(estimateRegression(estimator, later))) expect(value).toBeGreaterThan(0);
  expect(estimateRegression(estimator, { predictions: [], features: new Map([["size", []], ["noise", []]]) })).toEqual({});
  expect(() => estimateRegression(estimator, { predictions: [1], features: new Map() })).toThrow(/expected size, got none/);
  expect(() => buildRegression({ predictions: [1], actuals: [1] })).toThrow(/at least 50 rows/);
});
