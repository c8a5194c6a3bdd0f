import fc from "fast-check";
import { expect, test } from "vitest";
import { cellFinder } from "../../../detectors/reference/cell-finder.ts";
import { cellCount, cellOf, featureReference, type NumericReference, type Value } from "../../../detectors/reference/reference.ts";

const anything: fc.Arbitrary<Value> = fc.oneof(
  fc.double(), fc.integer({ min: -5, max: 100 }), fc.string(), fc.boolean(),
  fc.constantFrom(null, undefined, NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE),
);
const columns = fc.array(anything, { maxLength: 150 }).map((values) => [...values, 1.5]);
const options = fc.record({ kind: fc.constantFrom("numeric" as const, "categorical" as const), cells: fc.integer({ min: 1, max: 70 }) });

test("finds the cells that cellOf gives, whatever the column and the value", () => {
  fc.assert(
    fc.property(columns, options, fc.array(anything), (values, chosen, asked) => {
      const feature = featureReference("x", values, chosen);
      const find = cellFinder(feature);
      for (const value of [...values, ...asked]) expect(find(value)).toBe(cellOf(feature, value));
    }),
  );
});

test("a number's cell is the count of the edges below it", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 150 }), fc.integer({ min: 1, max: 70 }), (values, cells) => {
      const feature = featureReference("x", values, { kind: "numeric", cells }) as NumericReference;
      for (const value of [...values, ...feature.edges]) {
        expect(cellOf(feature, value)).toBe(feature.edges.filter((edge) => edge < value).length);
      }
    }),
  );
});

test("what nobody promised to send is of the wrong type", () => {
  const feature = featureReference("x", [1, 2, 3]);
  const find = cellFinder(feature);
  for (const value of [{}, [], 3n, Symbol("s")] as unknown as Value[]) expect(find(value)).toBe(cellCount(feature) - 1);
});
