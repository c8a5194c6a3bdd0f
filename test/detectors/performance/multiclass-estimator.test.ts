import { expect, test } from "vitest";
import { buildMulticlass, classLikelihoods, estimateMulticlass } from "../../../detectors/performance/multiclass-estimator.ts";
import { realisedMulticlass } from "../../../detectors/performance/multiclass-performance.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

const classes = ["ant", "bee", "cow", "dog"];

/** Answers follow a softmax of four signals; the model's own one is steeper, so it claims too much. */
function rowsOf(next: Chance, count: number, shift = 0) {
  const scores = new Map(classes.map((name) => [name, new Float64Array(count)]));
  const actuals: string[] = [];
  for (let row = 0; row < count; row += 1) {
    const signals = classes.map((_, i) => 1.5 * gaussian(next) + (i === 0 ? shift : 0));
    const softmax = (steep: number) => {
      const powers = signals.map((signal) => Math.exp(steep * signal));
      return powers.map((power) => power / powers.reduce((total, each) => total + each, 0));
    };
    for (const [i, score] of softmax(1.8).entries()) (scores.get(classes[i] as string) as Float64Array)[row] = score;
    let left = next();
    const truth = softmax(1);
    actuals.push(classes[truth.findIndex((likely) => (left -= likely) < 0)] ?? "dog");
  }
  return { scores, actuals };
}

test("after a shift of what comes in, the estimate is near what is realised; what the scores claim is not", () => {
  const next = chance(21);
  const { estimator, notes } = buildMulticlass(rowsOf(next, 8_000));
  expect(notes).toEqual([expect.stringMatching(/^The scores of 4 of 4 classes are calibrated/)]);
  const later = rowsOf(next, 8_000, 1);
  const estimated = estimateMulticlass(estimator, later);
  const realised = realisedMulticlass(later, later.actuals, classes);
  const claimed = estimateMulticlass({ ...estimator, calibrations: [null, null, null, null] }, later);
  for (const name of ["accuracy", "roc_auc", "f1", "log_loss"]) {
    const off = (figures: typeof estimated) => Math.abs((figures[name]?.value as number) - (realised[name]?.value as number));
    expect(off(estimated), name).toBeLessThan(name === "log_loss" ? 0.03 : 0.02); // of a log loss of about 1
    expect(off(claimed), name).toBeGreaterThan(2 * off(estimated));
  }
});

test("the probabilities of a row add up to 1; a row that lacks a score has none", () => {
  const next = chance(22);
  const { estimator } = buildMulticlass(rowsOf(next, 2_000));
  const { scores } = rowsOf(next, 50);
  (scores.get("cow") as Float64Array)[7] = NaN;
  const likelihoods = classLikelihoods(estimator, { scores }) as Float64Array[];
  for (let row = 0; row < 50; row += 1) {
    const sum = likelihoods.reduce((total, column) => total + (column[row] as number), 0);
    if (row === 7) expect(sum).toBeNaN();
    else expect(sum).toBeCloseTo(1, 12);
  }
  for (const { value } of Object.values(estimateMulticlass(estimator, { scores }))) expect(value).not.toBeNaN();
});

test("a class without rows or without a column of scores is refused by name", () => {
  const { scores, actuals } = rowsOf(chance(23), 500);
  expect(() => buildMulticlass({ scores: new Map([...scores, ["elk", new Float64Array(500)]]), actuals })).toThrow(/class elk/);
  expect(() => buildMulticlass({ scores, actuals, classes: [...classes, "fox"] })).toThrow(/column for class fox/);
  expect(() => buildMulticlass({ scores: new Map([["ant", new Float64Array(500)]]), actuals })).toThrow(/2 to 100/);
});
