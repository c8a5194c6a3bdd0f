import fc from "fast-check";
import { expect, test } from "vitest";
import { realisedPerformance, type Performance } from "../../../detectors/performance/estimator.ts";

const scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.2, 0.6, 0.6, 0.05, 0.7, 0.4];
const actuals = [0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1];
const predictions = scores.map((score) => (score >= 0.5 ? 1 : 0));

function values(performance: Performance): Record<string, number> {
  return Object.fromEntries(Object.entries(performance).map(([name, { value }]) => [name, value]));
}

test("two classes: the figures of scikit-learn 1.9.1", () => {
  const figures = values(realisedPerformance("binary", { scores, predictions, actuals }));
  const expected = {
    roc_auc: 0.842_857_142_857,
    average_precision: 0.868_253_968_254,
    log_loss: 0.490_443_494_994,
    brier: 0.167_916_666_667,
    accuracy: 0.666_666_666_667,
    precision: 0.8,
    recall: 0.571_428_571_429,
    specificity: 0.8,
    f1: 0.666_666_666_667,
  };
  for (const [name, value] of Object.entries(expected)) expect(figures[name], name).toBeCloseTo(value, 11);
  expect(Object.keys(figures).toSorted()).toEqual([...Object.keys(expected), "ece"].toSorted());
});

test("many classes: macro averages of scikit-learn 1.9.1, Brier's score summed over classes", () => {
  const table = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.4, 0.35, 0.25], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.05, 0.9, 0.05], [0.6, 0.3, 0.1]];
  const classes = ["cat", "dog", "eel"];
  const columns = new Map(classes.map((name, i) => [name, table.map((row) => row[i] as number)]));
  const answers = [0, 1, 2, 1, 2, 0, 1, 0].map((i) => classes[i] as string);
  const figures = values(realisedPerformance("multiclass", { scores: columns, actuals: answers }));
  const expected = {
    accuracy: 0.75,
    precision: 0.777_777_777_778,
    recall: 0.777_777_777_778,
    f1: 0.777_777_777_778,
    roc_auc: 0.955_555_555_556,
    average_precision: 0.944_444_444_444,
    log_loss: 0.581_721_545_978,
    brier: 0.3125,
  };
  for (const [name, value] of Object.entries(expected)) expect(figures[name], name).toBeCloseTo(value, 11);
});

test("an answer of a class that nobody knew counts as wrong", () => {
  const figures = values(realisedPerformance("multiclass", { predictions: ["a", "b", "a"], actuals: ["a", "b", "new"], classes: ["a", "b"] }));
  expect(figures["accuracy"]).toBeCloseTo(2 / 3, 12);
});

test("a predicted number: the figures of scikit-learn 1.9.1", () => {
  const figures = values(realisedPerformance("regression", { scores: [2.5, 0, 2, 8, 4.9, 0.7], actuals: [3, -0.5, 2, 7, 4.2, 0.5] }));
  const expected = { mae: 0.483_333_333_333, mse: 0.338_333_333_333, rmse: Math.sqrt(0.338_333_333_333), r2: 0.944_230_769_231, mape: 0.312_698_412_698, bias: 0.316_666_666_667 };
  for (const [name, value] of Object.entries(expected)) expect(figures[name], name).toBeCloseTo(value, 11);
  expect(figures).not.toHaveProperty("rmsle"); // an answer is negative
  expect(values(realisedPerformance("regression", { scores: [2.5, 5, 4, 8], actuals: [3, 5, 2.5, 7] }))["rmsle"]).toBeCloseTo(0.199_324_165_581, 11);
  expect(realisedPerformance("regression", { scores: [1, 2], actuals: [0, 1] })).not.toHaveProperty("mape"); // nothing is a share of 0
  expect(realisedPerformance("regression", { scores: [1, 2], actuals: [3, 3] })).not.toHaveProperty("r2"); // nothing to explain
});

test("1, \"1\" and true are one class; answers that are not there yet are left out", () => {
  const known = realisedPerformance("binary", { scores, predictions, actuals });
  expect(realisedPerformance("binary", { scores, predictions: predictions.map(String), actuals: actuals.map((actual) => actual === 1) })).toEqual(known);
  const late = { scores: [...scores, 0.9, 0.1, 0.5], predictions: [...predictions, 1, 0, 1], actuals: [...actuals, null, undefined, ""] };
  expect(realisedPerformance("binary", late)).toEqual(known);
});

test("the positive class may have any name; of 0 and 1 it is 1 even where only one occurs", () => {
  const words = actuals.map((actual) => (actual === 1 ? "yes" : "no"));
  const named = { scores, predictions: predictions.map((one) => (one === 1 ? "yes" : "no")), actuals: words };
  expect(realisedPerformance("binary", named)).toEqual(realisedPerformance("binary", { scores, predictions, actuals }));
  expect(values(realisedPerformance("binary", { ...named, classes: ["yes", "no"] }))["precision"]).toBeCloseTo(4 / 7, 12);
  expect(values(realisedPerformance("binary", { predictions: [0, 0], actuals: [0, 0] }))).toEqual({ accuracy: 1, specificity: 1 });
  expect(() => realisedPerformance("binary", { predictions: ["no"], actuals: ["no"] })).toThrow(/classes: expected a negative and a positive one, got "no"/);
  expect(() => realisedPerformance("binary", { scores: [1, 2, 3], actuals: ["a", "b", "c"] })).toThrow(RangeError);
});

test("bands of all looks together: 5,000 rows of which 83 % are right lie between 81 % and 85 %", () => {
  const answers = Array.from({ length: 5_000 }, (_, row) => (row % 100 < 83 ? 1 : 0));
  const accuracy = realisedPerformance("binary", { predictions: answers.map(() => 1), actuals: answers })["accuracy"];
  expect(accuracy?.value).toBeCloseTo(0.83, 12);
  expect(accuracy?.lower).toBeGreaterThan(0.8);
  expect(accuracy?.lower).toBeLessThan(0.83 - 3 * Math.sqrt((0.83 * 0.17) / 5_000)); // wider than for one look
  expect(accuracy?.upper).toBeLessThan(0.86);
});

const anything = fc.record({
  score: fc.oneof(fc.double(), fc.constantFrom(0, 1, 0.5)),
  prediction: fc.constantFrom(0, 1, null),
  actual: fc.constantFrom(0, 1, null, undefined),
});

test("whatever comes, figures are finite numbers within their bands or absent", () => {
  const check = (performance: Performance): void => {
    for (const { value, lower, upper } of Object.values(performance)) {
      expect([value, lower, upper].every(Number.isFinite)).toBe(true);
      expect(lower).toBeLessThanOrEqual(value + 1e-12);
      expect(upper).toBeGreaterThanOrEqual(value - 1e-12);
    }
  };
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 30 }), (rows) => {
      const columns = { scores: rows.map(({ score }) => score), predictions: rows.map(({ prediction }) => prediction), actuals: rows.map(({ actual }) => actual) };
      check(realisedPerformance("binary", columns));
      check(realisedPerformance("multiclass", { ...columns, scores: new Map([["0", columns.scores.map((score) => 1 - score)], ["1", columns.scores]]) }));
      check(realisedPerformance("regression", columns));
    }),
  );
});

test("columns of different lengths are refused by name", () => {
  expect(() => realisedPerformance("binary", { scores: [0.1], actuals: [1, 0] })).toThrow(/scores: expected 2 rows as in actuals, got 1/);
  expect(() => realisedPerformance("regression", { scores: [0.1], actuals: [1, 0] })).toThrow(/predictions: expected 2 rows/);
  expect(() => realisedPerformance("multiclass", { scores: [0.1, 0.2], actuals: ["a", "b"] })).toThrow(/a column for each class/);
});

test("one row alone: what it can not bound is absent or wide", () => {
  for (const problem of ["binary", "multiclass"] as const) {
    const scores = problem === "binary" ? [0.7] : new Map([["0", [0.3]], ["1", [0.7]]]);
    const figures = realisedPerformance(problem, { scores, predictions: [1], actuals: [1] });
    expect(figures).not.toHaveProperty("log_loss");
    for (const { lower, upper } of Object.values(figures)) expect(upper - lower).toBeGreaterThan(0.5);
  }
  expect(realisedPerformance("regression", { scores: [1], actuals: [2] })).toEqual({});
});
