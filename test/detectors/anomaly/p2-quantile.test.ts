import { expect, test } from "vitest";
import { readP2, startP2, stepP2 } from "../../../detectors/anomaly/p2-quantile.ts";
import { chance, gaussian } from "../chance.ts";

test("Jain and Chlamtac's own example: the median of their twenty values", () => {
  // The table of their paper ends with the markers 0.02, 0.49, 4.44, 17.20, 38.62.
  const values = [0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92, 34.6, 10.28, 1.47, 0.4, 0.05, 11.39, 0.27, 0.42, 0.09, 11.37];
  const state = startP2();
  for (const value of values) stepP2(state, value, 0.5);
  expect(Array.from(state.heights, (height) => Math.round(height * 100) / 100)).toEqual([0.02, 0.49, 4.44, 17.2, 38.62]);
});

test.each([0.01, 0.5, 0.9, 0.99])("quantile %f of normal values", (quantile) => {
  const next = chance(3);
  const values = Array.from({ length: 20_000 }, () => gaussian(next));
  const state = startP2();
  for (const value of values) stepP2(state, value, quantile);
  const sorted = values.toSorted((a, b) => a - b);
  expect(readP2(state, quantile)).toBeGreaterThan(sorted[Math.floor((quantile - 0.004) * 20_000)] as number);
  expect(readP2(state, quantile)).toBeLessThan(sorted[Math.floor((quantile + 0.004) * 20_000)] as number);
});

test("few values: none is undefined, and up to five it is one of them", () => {
  const state = startP2();
  expect(readP2(state, 0.5)).toBeUndefined();
  stepP2(state, 8, 0.5);
  expect(readP2(state, 0.5)).toBe(8);
  for (const value of [2, 6, 4, 0]) stepP2(state, value, 0.5);
  expect(readP2(state, 0.5)).toBe(4);
  expect(() => stepP2(state, Number.NaN, 0.5)).toThrow("stepP2: expected a finite number, got NaN");
});
