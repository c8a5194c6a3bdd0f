import fc from "fast-check";
import { expect, test } from "vitest";
import { averageEvidence, productEvidence } from "../../../detectors/guarantee/e-values.ts";

const evidence = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 10 });

test("the average and the product are those of the e-values themselves", () => {
  fc.assert(
    fc.property(evidence, (values) => {
      const logs = values.map(Math.log);
      const average = values.reduce((sum, value) => sum + value, 0) / values.length;
      const product = values.reduce((all, value) => all * value, 1);
      expect(Math.exp(averageEvidence(logs))).toBeCloseTo(average, 3);
      // Below that a product of ordinary numbers has lost its digits.
      if (product > 1e-300) expect(productEvidence(logs)).toBeCloseTo(Math.log(product), 6);
    }),
  );
});

test("weights are shares of the stake, whatever they add up to", () => {
  expect(averageEvidence([Math.log(8), Math.log(2)], [1, 2])).toBeCloseTo(Math.log(4), 12);
  expect(averageEvidence([Math.log(8), -Infinity], [5, 0])).toBeCloseTo(Math.log(8), 12);
  expect(averageEvidence([Infinity, 0], [0, 1])).toBe(0);
});

test("evidence beyond what a number can hold stays finite, and none at all stays none", () => {
  expect(averageEvidence([5_000, 4_000])).toBeCloseTo(5_000 - Math.log(2), 9);
  expect(averageEvidence([-Infinity, -Infinity])).toBe(-Infinity);
  expect(averageEvidence([Infinity, 0])).toBe(Infinity);
  expect(productEvidence([Infinity, -Infinity])).toBe(-Infinity);
});

test("nothing to combine, NaN and wrong weights are refused", () => {
  expect(() => averageEvidence([])).toThrow("averageEvidence: expected e-values, got none");
  expect(() => productEvidence([Number.NaN])).toThrow("productEvidence: expected numbers, got NaN");
  expect(() => averageEvidence([0], [1, 2])).toThrow("1 e-values and 2 weights");
  expect(() => averageEvidence([0], [-1])).toThrow("weights must be 0 or more, got -1");
  expect(() => averageEvidence([0], [0])).toThrow("all weights are 0");
});
