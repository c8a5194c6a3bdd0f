import { expect, test } from "vitest";
import { PerformanceWindow } from "../../agent/monitors/performance-window.ts";
import { isSameClass, plainClass } from "../../agent/protocols/plain-class.ts";

test("only the latest rows are held, the oldest first", () => {
  const window = new PerformanceWindow(3, { scores: 2, features: 1 });
  for (const i of [1, 2, 3, 4]) window.push({ prediction: `p${i}`, scores: [i, -i], features: [10 * i], actual: `a${i}` });
  expect(window.columns()).toEqual({
    scores: [Float64Array.of(2, 3, 4), Float64Array.of(-2, -3, -4)],
    features: [Float64Array.of(20, 30, 40)],
    predictions: ["p2", "p3", "p4"],
    actuals: ["a2", "a3", "a4"],
  });
  expect(window.columns(1).predictions).toEqual(["p4"]);
});

test("an actual that comes later is laid beside its row, as long as the row is there", () => {
  const window = new PerformanceWindow(2, { scores: 1 });
  const rows = ["a", "b", "c"].map((prediction) => window.push({ prediction, scores: [0.5] }));
  expect(rows.map((row) => window.settle(row, 1))).toEqual([false, true, true]);
  expect(window.settle(3, 1)).toBe(false);
  window.push({ prediction: "d", scores: [0.5] });
  expect(window.columns()).toMatchObject({ predictions: ["c", "d"], actuals: [1, undefined] });
});

test("with many columns it holds fewer rows: its numbers are bounded", () => {
  expect(new PerformanceWindow(5_000, { scores: 1 }).size).toBe(5_000);
  expect(new PerformanceWindow(5_000, { scores: 100 }).size).toBe(1_000);
  expect(new PerformanceWindow(100_000, { scores: 1, features: 99 }).size).toBe(1_000);
});

test("a row without a score has none, also where another stood before", () => {
  const window = new PerformanceWindow(1, { scores: 1 });
  window.push({ prediction: 1, scores: [0.5], actual: 1 });
  window.push({ prediction: 1, scores: [] });
  expect(window.columns()).toMatchObject({ scores: [Float64Array.of(NaN)], actuals: [undefined] });
});

test("the same class may be written in several ways", () => {
  expect(isSameClass(1, true)).toBe(true);
  expect(isSameClass("false", 0)).toBe(true);
  expect(isSameClass("3", 3)).toBe(true);
  expect(isSameClass("cat", "dog")).toBe(false);
  expect([undefined, null, "", NaN].map(plainClass)).toEqual([undefined, undefined, undefined, undefined]);
});
