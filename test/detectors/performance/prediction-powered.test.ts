import { expect, test } from "vitest";
import { buildEstimator, correctedPerformance, estimatePerformance, realisedPerformance } from "../../../detectors/performance/estimator.ts";
import { predictionPowered } from "../../../detectors/performance/prediction-powered.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

/** Values whose mean is 1, and estimates that follow them but for an error, and are too high by a half. */
function sample(next: Chance, count: number, error: number) {
  const values = Array.from({ length: count }, () => 1 + gaussian(next));
  return { values, estimates: values.map((value) => value + 0.5 + error * gaussian(next)) };
}

function width(figure: { lower: number; upper: number } | undefined): number {
  return (figure?.upper as number) - (figure?.lower as number);
}

test("wrong estimates are put right, and good ones make the band narrower than the known values alone would", () => {
  const next = chance(51);
  const known = sample(next, 200, 0.3);
  const more = sample(next, 5_000, 0.3);
  const figure = predictionPowered({ estimates: more.estimates, knownEstimates: known.estimates, known: known.values });
  const alone = predictionPowered({ estimates: [], knownEstimates: known.estimates, known: known.values });
  expect(figure?.lambda).toBeGreaterThan(0.8);
  expect(Math.abs((figure?.value as number) - 1)).toBeLessThan(0.1);
  expect(alone?.lambda).toBe(0);
  expect(width(figure)).toBeLessThan(0.45 * width(alone));
});

test("useless estimates are not trusted, and cost next to nothing", () => {
  const next = chance(52);
  const known = sample(next, 200, 30);
  const figure = predictionPowered({ estimates: sample(next, 5_000, 30).estimates, knownEstimates: known.estimates, known: known.values });
  expect(figure?.lambda).toBeLessThan(0.1);
  expect(width(figure)).toBeLessThan(1.05 * width(predictionPowered({ estimates: [], knownEstimates: known.estimates, known: known.values })));
});

test("twenty known values are enough for a band that holds the mean in all but a few of a hundred samples", () => {
  const next = chance(53);
  let missed = 0;
  for (let run = 0; run < 1_000; run += 1) {
    const known = sample(next, 20, 0.5);
    const figure = predictionPowered({ estimates: sample(next, 300, 0.5).estimates, knownEstimates: known.estimates, known: known.values });
    if ((figure?.lower as number) > 1 || (figure?.upper as number) < 1) missed += 1;
  }
  expect(missed).toBeLessThanOrEqual(12); // 0.27 % are promised of large samples
});

test("ten right answers of ten do not prove that all are right", () => {
  const figure = predictionPowered({ estimates: [], knownEstimates: Array.from({ length: 10 }, () => 1), known: Array.from({ length: 10 }, () => 1) }, { least: 0, most: 1 });
  expect(figure?.value).toBe(1);
  expect(figure?.lower).toBeLessThan(0.7);
});

test("two known values are too few; unequal columns and NaN are refused", () => {
  expect(predictionPowered({ estimates: [1, 2], knownEstimates: [1, 2], known: [1, 2] })).toBeUndefined();
  expect(() => predictionPowered({ estimates: [], knownEstimates: [1], known: [] })).toThrow(/1 for 0/);
  expect(() => predictionPowered({ estimates: [NaN], knownEstimates: [], known: [] })).toThrow(/row 0/);
});

test("after the world has changed, a few answers show what scores alone can not", () => {
  const next = chance(54);
  const rowsOf = (count: number, changed: boolean) => {
    const scores = Array.from({ length: count }, () => next());
    return { scores, predictions: scores.map((score) => score >= 0.5), actuals: scores.map((score) => next() < (changed ? 0.5 + (score - 0.5) / 2 : score)) };
  };
  const { estimator } = buildEstimator(rowsOf(5_000, false));
  const later = rowsOf(5_000, true);
  const few = later.actuals.map((actual, row) => (row % 10 === 0 ? actual : null));
  const realised = realisedPerformance("binary", later);
  const estimated = estimatePerformance(estimator, later);
  const { performance, notes } = correctedPerformance(estimator, { ...later, actuals: few });
  expect(notes).toEqual([]);
  for (const name of ["accuracy", "brier", "log_loss"]) {
    const truth = realised[name]?.value as number;
    expect(truth > (estimated[name]?.lower as number) && truth < (estimated[name]?.upper as number), name).toBe(false);
    expect(truth > (performance[name]?.lower as number) && truth < (performance[name]?.upper as number), name).toBe(true);
  }
  expect(correctedPerformance(estimator, { ...later, actuals: few.map((actual, row) => (row < 200 ? actual : null)) }).notes).toEqual([expect.stringMatching(/Only 20 answers/)]);
  expect(correctedPerformance(estimator, { ...later, actuals: few.map(() => null) })).toEqual({ performance: {}, notes: [expect.stringMatching(/^0 answers/)] });
});

test("many classes and predicted numbers are corrected too", () => {
  const next = chance(55);
  const size = Float64Array.from({ length: 2_000 }, () => next());
  const actuals = size.map((value) => 10 + value * gaussian(next));
  const features = new Map([["size", size]]);
  const scores = size.map(() => 10);
  const regression = buildEstimator({ problem: "regression", scores, actuals, features });
  const worse = size.map((value) => 10 + 2 * value * gaussian(next));
  const corrected = correctedPerformance(regression.estimator, { scores, features, actuals: worse.map((value, row) => (row % 5 === 0 ? value : NaN)) }).performance;
  const realised = realisedPerformance("regression", { scores, actuals: worse });
  for (const name of ["mae", "mse", "rmse", "rmsle"]) {
    expect(realised[name]?.value, name).toBeGreaterThan(corrected[name]?.lower as number);
    expect(realised[name]?.value, name).toBeLessThan(corrected[name]?.upper as number);
  }

  const columns = new Map(["a", "b", "c"].map((name) => [name, Float64Array.from({ length: 900 }, () => next())]));
  const answers = Array.from({ length: 900 }, () => "abc"[Math.floor(3 * next())] as string);
  const { estimator } = buildEstimator({ scores: columns, actuals: answers });
  const accuracy = correctedPerformance(estimator, { scores: columns, actuals: answers.map((answer, row) => (row % 3 === 0 ? answer : "")) }).performance["accuracy"];
  expect(accuracy?.lower).toBeLessThan(1 / 3);
  expect(accuracy?.upper).toBeGreaterThan(1 / 3);
});
