import fc from "fast-check";
import { expect, test } from "vitest";
import { changePoint, type ValueBlock } from "../../../detectors/change/change-point.ts";

/** A value for each block. */
const single = (values: readonly number[]): readonly ValueBlock[] => values.map((value) => ({ count: 1, sum: value, squares: value * value }));

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const spread = (values: readonly number[]) => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0);

test("the best split leaves the least squares: by definition, over all splits", () => {
  const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 8, maxLength: 60 });
  fc.assert(fc.property(values, fc.integer({ min: 80, max: 400 }), fc.nat(), (noise, shift, where) => {
    const at = 2 + (where % (noise.length - 4));
    const shifted = noise.map((value, i) => value + (i < at ? 0 : shift * 3));
    const left = shifted.map((_, k) => (k === 0 ? Infinity : spread(shifted.slice(0, k)) + spread(shifted.slice(k))));
    const found = changePoint(single(shifted));
    expect(found).toBeDefined();
    expect(left[found?.best as number]).toBeCloseTo(Math.min(...left), 3);
    expect(found?.before).toBeCloseTo(mean(shifted.slice(0, found?.best)), 6);
    expect(found?.after).toBeCloseTo(mean(shifted.slice(found?.best)), 6);
  }));
});

test("blocks say the same as their values, as far as splits between blocks go", () => {
  const values = Array.from({ length: 60 }, (_, i) => (i < 40 ? i % 3 : 10 + (i % 3)));
  const blocks = Array.from({ length: 12 }, (_, i) => values.slice(5 * i, 5 * i + 5)).map((some): ValueBlock => ({ count: 5, sum: some.reduce((a, b) => a + b, 0), squares: some.reduce((a, b) => a + b * b, 0) }));
  expect(changePoint(blocks)).toMatchObject({ best: 8, earliest: 8, latest: 8 });
});

test("nothing, one block, equal values and noise have no change point", () => {
  for (const values of [[], [1], [2, 2, 2, 2], [1, 0, 1, 0, 1, 0, 1, 0, 1, 0]]) expect(changePoint(single(values))).toBeUndefined();
});

test("a step without any noise is a change point", () => {
  expect(changePoint(single([0, 0, 0, 0, 1, 1, 1, 1]))).toMatchObject({ best: 4, earliest: 4, latest: 4, before: 0, after: 1 });
});
