import fc from "fast-check";
import { expect, test } from "vitest";
import { realisedPerformance } from "../../../detectors/performance/estimator.ts";
import { bias, mae, mape, mse, rmse, rmsle, rSquared } from "../../../detectors/performance/regression.ts";
import { chance, gaussian } from "../chance.ts";

const measures = { mae, mse, rmse, rmsle, mape, bias, r2: rSquared };

test("the measures of a column are those that are realised", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { minLength: 2, maxLength: 30 }), (rows) => {
      const [predictions, actuals] = [rows.map(([prediction]) => prediction), rows.map(([, actual]) => actual)];
      const realised = realisedPerformance("regression", { scores: predictions, actuals });
      for (const [name, measure] of Object.entries(measures)) {
        const value = measure(predictions, actuals)?.value;
        if (value === undefined) expect(realised, name).not.toHaveProperty(name);
        else expect(realised[name]?.value, name).toBeCloseTo(value, 10);
      }
    }),
  );
});

test("what has no meaning is undefined, never NaN", () => {
  for (const measure of Object.values(measures)) {
    expect(measure([], [])).toBeUndefined();
    expect(measure([NaN], [1])).toBeUndefined();
    expect(measure([1e300], [-1e300])?.value).not.toBeNaN();
    expect(() => measure([1], [1, 2])).toThrow(RangeError);
  }
  expect(rmsle([-1], [1])).toBeUndefined();
  expect(mape([1], [0])).toBeUndefined();
  expect(rSquared([1, 2], [5, 5])).toBeUndefined();
});

test("the standard errors are how much the figures vary between samples", () => {
  const next = chance(81);
  const samples = Array.from({ length: 400 }, () => {
    const actuals = Array.from({ length: 300 }, () => Math.exp(gaussian(next) / 2));
    return [actuals.map((value) => value + 0.2 * gaussian(next) + 0.05), actuals] as const;
  });
  for (const [name, measure] of Object.entries({ mae, mse, rmse, bias, r2: rSquared })) {
    const figures = samples.map(([predictions, actuals]) => measure(predictions, actuals) as { value: number; standardError: number });
    const mean = figures.reduce((total, { value }) => total + value, 0) / figures.length;
    const spread = Math.sqrt(figures.reduce((total, { value }) => total + (value - mean) ** 2, 0) / figures.length);
    const claimed = figures.reduce((total, { standardError }) => total + standardError, 0) / figures.length;
    expect(claimed / spread, name).toBeGreaterThan(0.85);
    expect(claimed / spread, name).toBeLessThan(1.15);
  }
});
