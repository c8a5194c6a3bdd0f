import fc from "fast-check";
import { expect, test } from "vitest";
import { psi } from "../../../detectors/distance/population-stability-index.ts";
import { binsOf } from "../../../detectors/reference/bins.ts";
import { cellCount, cellOf, featureReference } from "../../../detectors/reference/reference.ts";

const values = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 5 }), fc.constant(null)), { minLength: 1, maxLength: 400 });

test("every cell has a bin, and the ratios of the bins are those of the reference's rows", () => {
  fc.assert(
    fc.property(values, (column) => {
      fc.pre(column.some((value) => value !== null));
      const reference = featureReference("x", column);
      const { names, ofCell, ratios } = binsOf(reference);
      expect(ofCell.length).toBe(cellCount(reference));
      const counted = names.map(() => 0);
      for (const value of column) counted[ofCell[cellOf(reference, value)] as number]! += 1;
      expect(counted.map((count) => count / column.length)).toEqual(ratios.map((ratio) => expect.closeTo(ratio, 9)));
    }),
  );
});

test("a number's own cells make at most ten bins, in order and none without a cell", () => {
  fc.assert(
    fc.property(values, (column) => {
      fc.pre(column.some((value) => value !== null));
      const { names, ofCell } = binsOf(featureReference("x", column));
      const own = [...ofCell].filter((bin) => /^\d$/.test(names[bin] as string));
      expect(own).toEqual(own.toSorted((a, b) => a - b));
      expect(new Set(own).size).toBe(Math.max(...own) + 1);
      expect(names.filter((name) => /^\d$/.test(name)).length).toBe(new Set(own).size);
    }),
  );
});

test("of a continuous feature each of the ten bins holds about a tenth", () => {
  const { names, ratios } = binsOf(featureReference("x", Array.from({ length: 10_000 }, (_, i) => Math.sqrt(i))));
  expect(names).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "below", "above", "missing", "invalid"]);
  for (const ratio of ratios.slice(0, 10)) expect(ratio).toBeCloseTo(0.1, 1);
  expect(ratios.slice(10)).toEqual([0, 0, 0, 0]);
});

test("of categories the nine most frequent have a bin each, all others share the last", () => {
  const column = Array.from({ length: 20 }, (_, i) => Array.from({ length: 100 - i }, () => `c${String(i).padStart(2, "0")}`)).flat();
  const reference = featureReference("x", column);
  const { names, ofCell } = binsOf(reference);
  const binOf = (value: string | null) => names[ofCell[cellOf(reference, value)] as number];
  expect([binOf("c00"), binOf("c08"), binOf("c09"), binOf("c19"), binOf("new"), binOf(null)]).toEqual(["0", "8", "9", "9", "other", "missing"]);
});

test("a shift that the cells show, the bins show as well", () => {
  const reference = featureReference("x", Array.from({ length: 5_000 }, (_, i) => i % 1_000));
  const { names, ofCell, ratios } = binsOf(reference);
  const shifted = names.map(() => 0);
  for (let i = 0; i < 5_000; i += 1) shifted[ofCell[cellOf(reference, (i % 1_000) + 300)] as number]! += 1;
  expect(psi(ratios.map((ratio) => ratio * 5_000), shifted)).toBeGreaterThan(1);
});
