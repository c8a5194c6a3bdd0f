import { expect, test } from "vitest";
import { isSameClass, PerformanceWindow } from "../../agent/monitors/performance-window.ts";

test("two classes: the metrics of a confusion matrix counted by hand", () => {
  const window = new PerformanceWindow(10);
  // 3 true positives, 1 false positive, 2 false negatives, 2 true negatives.
  const rows = [[1, 1, 0.9], [1, 1, 0.8], [1, 1, 0.7], [1, 0, 0.6], [0, 1, 0.4], [0, 1, 0.3], [0, 0, 0.2], [0, 0, 0.1]] as const;
  for (const [prediction, actual, score] of rows) window.push({ prediction, score }, actual);
  const metrics = window.metrics();
  expect(metrics.get("accuracy")).toBeCloseTo(5 / 8);
  expect(metrics.get("precision")).toBeCloseTo(3 / 4);
  expect(metrics.get("recall")).toBeCloseTo(3 / 5);
  expect(metrics.get("f1")).toBeCloseTo(2 / 3);
  // Of the 15 pairs of a positive and a negative, 13 are in the right order.
  expect(metrics.get("roc_auc")).toBeCloseTo(13 / 15);
  expect(metrics.get("brier")).toBeCloseTo((0.01 + 0.04 + 0.09 + 0.36 + 0.36 + 0.49 + 0.04 + 0.01) / 8);
});

test("more classes: accuracy only", () => {
  const window = new PerformanceWindow(10);
  window.push({ prediction: "cat", score: NaN }, "cat");
  window.push({ prediction: "dog", score: NaN }, "bird");
  expect([...window.metrics()]).toEqual([["accuracy", 0.5]]);
});

test("a measure without meaning is absent: one class only, no score, no prediction, no rows", () => {
  const window = new PerformanceWindow(10);
  expect(window.metrics().size).toBe(0);
  window.push({ prediction: undefined, score: 0.4 }, 0);
  expect([...window.metrics().keys()]).toEqual(["brier"]);
});

test("only the latest rows count", () => {
  const window = new PerformanceWindow(2);
  for (const actual of [0, 0, 1, 1]) window.push({ prediction: 1, score: NaN }, actual);
  expect(window.metrics().get("accuracy")).toBe(1);
});

test("the same class may be written in several ways", () => {
  expect(isSameClass(1, true)).toBe(true);
  expect(isSameClass("false", 0)).toBe(true);
  expect(isSameClass("3", 3)).toBe(true);
  expect(isSameClass("", 0)).toBe(false);
  expect(isSameClass("cat", "dog")).toBe(false);
});
