import { expect, test } from "vitest";
import { confidenceOf } from "../../../detectors/performance/confidence-distribution.ts";
import { confusionMatrix } from "../../../detectors/performance/confusion-matrix.ts";

test("which class is taken for which; rows that lack an answer or a prediction are left out", () => {
  const matrix = confusionMatrix(["cat", "cat", "dog", "dog", null, "eel"], ["cat", "dog", "dog", "dog", "cat", undefined]);
  expect(matrix).toEqual({ classes: ["dog", "cat"], counts: [[2, 1], [0, 1]] });
});

test("beyond the bound the rarest classes share one line and column", () => {
  const actuals = "aaaabbbccd".split("");
  const { classes, counts } = confusionMatrix(actuals.toReversed(), actuals, 2);
  expect(classes).toEqual(["a", "b"]);
  expect(counts).toHaveLength(3);
  expect(counts.flat().reduce((total, count) => total + count, 0)).toBe(actuals.length);
  expect(counts[2]?.reduce((total, count) => total + count, 0)).toBe(3); // two of c, one of d
  expect(() => confusionMatrix([1], [1], 0)).toThrow(/classesMax/);
});

test("confidence is the probability of the likeliest class", () => {
  expect([...confidenceOf([0.1, 0.5, 0.8])]).toEqual([0.9, 0.5, 0.8]);
  expect([...confidenceOf(new Map([["a", [0.2, 0.5]], ["b", [0.7, 0.1]], ["c", [0.1, 0.4]]]))]).toEqual([0.7, 0.5]);
  expect([...confidenceOf([NaN, 1.5])]).toEqual([NaN, NaN]);
});
