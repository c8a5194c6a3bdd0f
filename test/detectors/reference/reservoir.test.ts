import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { reservoir, type ReservoirState } from "../../../detectors/reference/reservoir.ts";

/** A chi-square with 49 degrees of freedom is below it in 999,999 of a million cases (scipy 1.14.1: chi2.isf(1e-6, 49)). */
const chiSquareQuantile = 111.14;

const streams = fc.array(fc.integer(), { maxLength: 80 });

function fill(capacity: number, seed: number, values: Iterable<number>, from?: ReservoirState) {
  const sketch = reservoir({ capacity, seed });
  let state = from ?? sketch.start();
  for (const value of values) state = sketch.step(state, value);
  return { sketch, state };
}

test("holds everything while there is room, then always just so many of what it has seen", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer(), streams, (capacity, seed, values) => {
      const { sketch, state } = fill(capacity, seed, values);
      const sample = [...sketch.sample(state)];
      expect(state.seen).toBe(values.length);
      if (values.length <= capacity) expect(sample).toEqual(values);
      else {
        expect(sample).toHaveLength(capacity);
        for (const value of sample) expect(values).toContain(value);
      }
    }),
  );
});

test("every value is equally likely to be in it", () => {
  const picked = new Float64Array(50);
  for (let seed = 1; seed <= 4_000; seed += 1) {
    const { sketch, state } = fill(10, seed * 7_919, picked.keys());
    for (const value of sketch.sample(state)) picked[value]! += 1;
  }
  expect(unevenness(picked, 800)).toBeLessThan(chiSquareQuantile);
});

test("merged, every value of both streams is equally likely, however different their lengths", () => {
  const picked = new Float64Array(50);
  for (let seed = 1; seed <= 4_000; seed += 1) {
    const a = fill(10, seed * 7_919, Array.from({ length: 15 }, (_, i) => i));
    const b = fill(10, seed * 104_729 + 1, Array.from({ length: 35 }, (_, i) => 15 + i));
    const merged = a.sketch.merge(a.state, b.state);
    expect(merged.seen).toBe(50);
    for (const value of a.sketch.sample(merged)) picked[value]! += 1;
  }
  expect(unevenness(picked, 800)).toBeLessThan(chiSquareQuantile);
});

test("a stream that is still whole merges as if it had come after", () => {
  fc.assert(
    fc.property(fc.integer(), streams, fc.array(fc.integer(), { maxLength: 20 }), (seed, a, b) => {
      const { sketch, state } = fill(20, seed, a);
      expect(sketch.merge(state, fill(20, seed + 1, b).state)).toEqual(fill(20, seed, [...a, ...b]).state);
    }),
  );
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(streams, streams, (before, after) => {
      const { state } = fill(10, 1, before);
      const stored = deserialize(serialize(state)) as ReservoirState;
      expect(fill(10, 1, after, stored).state).toEqual(fill(10, 1, after, state).state);
    }),
  );
});

test("NaN, no room, and a larger sample than its own are refused", () => {
  const { sketch, state } = fill(2, 1, [1]);
  expect(() => sketch.step(state, NaN)).toThrow(RangeError);
  expect(() => reservoir({ capacity: 0, seed: 1 })).toThrow("reservoir: capacity: expected a whole number, 1 or more, got 0");
  expect(() => sketch.merge(state, fill(3, 1, [1, 2, 3]).state)).toThrow(RangeError);
});

/** Chi-square of how often each was picked, for samples without replacement. */
function unevenness(picked: Float64Array, expected: number): number {
  const shrink = 1 - 10 / 50;
  return picked.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) / shrink;
}
