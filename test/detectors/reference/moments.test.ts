import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { moments, type MomentsState } from "../../../detectors/reference/moments.ts";

const numbers = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 60 });

function seen(values: readonly number[], state: MomentsState = moments.start()): MomentsState {
  return values.reduce((next, value) => moments.step(next, value), state);
}

test("a thousand skewed numbers have the moments that numpy 2.1.3 and scipy 1.14.1 give", () => {
  const state = seen(Array.from({ length: 1_000 }, (_, i) => (((i * 7_919 + 13) % 10_007) / 10_007) ** 3));
  expect(moments.mean(state)).toBeCloseTo(0.25070292899353686, 14);
  expect(moments.variance(state)).toBeCloseTo(0.08061264093986653, 14);
  expect(moments.skewness(state)).toBeCloseTo(1.0565950930086792, 12);
  expect(moments.excessKurtosis(state)).toBeCloseTo(-0.09524427468567875, 12);
});

test("numbers far from zero lose nothing: a billion and a bit has the variance of the bit", () => {
  const bits = Array.from({ length: 500 }, (_, i) => (i % 8) / 8);
  const far = seen(bits.map((bit) => 1e9 + bit));
  expect(moments.variance(far)).toBeCloseTo(moments.variance(seen(bits)) as number, 9);
});

test("two states merged are that of both streams", () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const merged = moments.merge(seen(a), seen(b));
      const whole = seen([...a, ...b]);
      expect(merged.count).toBe(whole.count);
      expect(merged.mean).toBeCloseTo(whole.mean, 8);
      // Powers of numbers up to a thousand: to nine digits of the greatest possible sum.
      expect(Math.abs(merged.squares - whole.squares)).toBeLessThanOrEqual(1e-9 * 120 * 2e3 ** 2);
      expect(Math.abs(merged.cubes - whole.cubes)).toBeLessThanOrEqual(1e-9 * 120 * 2e3 ** 3);
      expect(Math.abs(merged.fourths - whole.fourths)).toBeLessThanOrEqual(1e-9 * 120 * 2e3 ** 4);
    }),
  );
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const state = seen(before);
      const stored = deserialize(serialize(state)) as MomentsState;
      expect(seen(after, stored)).toEqual(seen(after, state));
    }),
  );
});

test("what has no meaning is undefined, never NaN", () => {
  expect([moments.mean, moments.variance, moments.skewness, moments.excessKurtosis].map((of) => of(moments.start()))).toEqual([undefined, undefined, undefined, undefined]);
  const constant = seen([0.1, 0.1, 0.1]);
  expect([moments.mean(constant), moments.variance(constant), moments.skewness(constant), moments.excessKurtosis(constant)]).toEqual([0.1, 0, undefined, undefined]);
  const huge = seen([1e300, -1e300, 3e300]);
  expect(moments.mean(huge)! / 1e300).toBeCloseTo(1, 12);
  expect([moments.variance(huge), moments.skewness(huge), moments.excessKurtosis(huge)]).toEqual([undefined, undefined, undefined]);
});

test("NaN and infinity are refused before anything is counted", () => {
  const state = seen([1, 2]);
  for (const value of [NaN, Infinity, -Infinity]) expect(() => moments.step(state, value)).toThrow(RangeError);
  expect(state).toEqual(seen([1, 2]));
});
