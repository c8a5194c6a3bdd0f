import fc from "fast-check";
import { expect, test } from "vitest";
import { accuracy, brier, f1, logLoss, precision, recall, rocAuc } from "../../../detectors/performance/classification.ts";

const rows = fc.array(fc.record({ score: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10), prediction: fc.integer({ min: 0, max: 1 }), actual: fc.integer({ min: 0, max: 1 }) }), { maxLength: 60 });

test("a confusion of 3 true positives, 1 false positive, 2 false negatives and 4 true negatives", () => {
  const predictions = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0];
  const actuals = [1, 1, 1, 0, 1, 1, 0, 0, 0, 0];
  expect(accuracy(predictions, actuals)).toBeCloseTo(0.7, 12);
  expect(precision(predictions, actuals)).toBeCloseTo(3 / 4, 12);
  expect(recall(predictions, actuals)).toBeCloseTo(3 / 5, 12);
  expect(f1(predictions, actuals)).toBeCloseTo(2 / 3, 12);
});

test("accuracy takes any classes, and the positive class may have any name", () => {
  expect(accuracy(["cat", "dog", "eel"], ["cat", "dog", "cat"])).toBeCloseTo(2 / 3, 12);
  expect(precision(["spam", "spam"], ["spam", "ham"], "spam")).toBe(0.5);
  expect(recall([true, false], [true, true], true)).toBe(0.5);
  expect(accuracy(Float64Array.of(1, 0), Float64Array.of(1, 1))).toBe(0.5);
});

test("the area under the curve is the share of pairs in the right order, ties counting half", () => {
  expect(rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75); // the example in scikit-learn's documentation
  fc.assert(
    fc.property(rows, (table) => {
      const positives = table.filter(({ actual }) => actual === 1);
      const negatives = table.filter(({ actual }) => actual === 0);
      let right = 0;
      for (const high of positives) for (const low of negatives) right += high.score > low.score ? 1 : high.score === low.score ? 0.5 : 0;
      const auc = rocAuc(table.map(({ score }) => score), table.map(({ actual }) => actual));
      const pairs = positives.length * negatives.length;
      if (pairs === 0) expect(auc).toBeUndefined();
      else expect(auc).toBeCloseTo(right / pairs, 12);
    }),
  );
});

test("Brier's score and the logarithmic loss of known forecasts", () => {
  expect(brier([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0])).toBeCloseTo(0.0375, 12);
  expect(logLoss([0.1, 0.9, 0.8, 0.35], [0, 1, 1, 0])).toBeCloseTo(0.216_161_870_3, 8); // scikit-learn's documentation: 0.21616
});

test("a forecast that was certain and wrong costs much, but not infinitely much", () => {
  expect(logLoss([0], [1])).toBeCloseTo(15 * Math.LN10, 8);
  expect(logLoss([1], [1])).toBeCloseTo(0, 12);
});

test("what is not defined is undefined, never NaN", () => {
  const measures = [accuracy, precision, recall, f1, rocAuc, brier, logLoss] as const;
  expect(measures.map((measure) => measure([], []))).toEqual(measures.map(() => undefined));
  expect(precision([0, 0], [1, 0])).toBeUndefined();
  expect(recall([1, 1], [0, 0])).toBeUndefined();
  expect(f1([0], [0])).toBeUndefined();
  expect(rocAuc([0.1, 0.2], [1, 1])).toBeUndefined();
  expect(rocAuc([0.1, NaN], [1, 0])).toBeUndefined();
  expect(brier([1.5], [1])).toBeUndefined();
  expect(logLoss([NaN], [1])).toBeUndefined();
  fc.assert(
    fc.property(rows, (table) => {
      const [scores, predictions, actuals] = [table.map(({ score }) => score), table.map(({ prediction }) => prediction), table.map(({ actual }) => actual)];
      for (const measure of [accuracy, precision, recall, f1]) expect(measure(predictions, actuals)).not.toBeNaN();
      for (const measure of [rocAuc, brier, logLoss]) expect(measure(scores, actuals)).not.toBeNaN();
    }),
  );
});

test("columns of different lengths are refused", () => {
  for (const measure of [accuracy, precision, recall, f1, rocAuc, brier, logLoss]) expect(() => measure([1], [1, 0])).toThrow(RangeError);
});
