import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quantileSketch, type QuantileState } from "../../../detectors/reference/quantiles.ts";
import { chance, gaussian } from "../chance.ts";

const latencies = fc.array(fc.oneof(fc.double({ min: 1e-5, max: 1e6, noNaN: true }), fc.constant(0)), { minLength: 1, maxLength: 300 });
const ratios = fc.double({ min: 0, max: 1, noNaN: true });
const sketch = quantileSketch();

function seen(values: readonly number[], state: QuantileState = sketch.start()): QuantileState {
  return values.reduce((next, value) => sketch.step(next, value), state);
}

test("each quantile is within a percent of the exact one", () => {
  fc.assert(
    fc.property(latencies, ratios, (values, q) => {
      const exact = values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number;
      const found = sketch.quantile(seen(values), q) as number;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.01 * exact * (1 + 1e-9));
    }),
  );
});

test("the median and the 99th percentile of a million latencies of the log-normal kind", () => {
  const next = chance(1);
  let state = sketch.start();
  for (let i = 0; i < 1_000_000; i += 1) state = sketch.step(state, Math.exp(3 + 0.5 * gaussian(next)));
  expect(sketch.quantile(state, 0.5)! / Math.exp(3)).toBeCloseTo(1, 1.7);
  expect(sketch.quantile(state, 0.99)! / Math.exp(3 + 0.5 * 2.326_347_9)).toBeCloseTo(1, 1.7);
});

test("two sketches merged are the sketch of all values", () => {
  fc.assert(
    fc.property(latencies, latencies, (a, b) => {
      expect(sketch.merge(seen(a), seen(b))).toEqual(seen([...a, ...b]));
    }),
  );
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(latencies, latencies, (before, after) => {
      const state = seen(before);
      const stored = deserialize(serialize(state)) as QuantileState;
      expect(seen(after, stored)).toEqual(seen(after, state));
    }),
  );
});

test("all values the same is that value, at every quantile", () => {
  const state = seen([7.3, 7.3, 7.3]);
  for (const q of [0, 0.2, 0.5, 1]) expect(sketch.quantile(state, q)).toBe(7.3);
});

test("beyond the range there are only the least and the greatest value to go by", () => {
  expect(sketch.quantile(seen([0, 0, 1e-9]), 1)).toBeLessThanOrEqual(1e-9);
  expect(sketch.quantile(seen([1e15, 2e15]), 0)).toBe(1e15);
});

test("nothing seen has no quantiles", () => {
  expect(sketch.quantile(sketch.start(), 0.5)).toBeUndefined();
});

test("a duration below zero, NaN and infinity are refused", () => {
  for (const value of [-1, NaN, Infinity]) expect(() => sketch.step(sketch.start(), value)).toThrow(RangeError);
  expect(() => sketch.quantile(seen([1]), 1.5)).toThrow(RangeError);
  expect(() => quantileSketch({ relativeError: 0 })).toThrow(RangeError);
});
