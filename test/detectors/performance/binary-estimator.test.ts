import { expect, test } from "vitest";
import { estimateBinary, estimateFromBins, buildBinary, type BinaryEstimator } from "../../../detectors/performance/binary-estimator.ts";
import { realisedBinary } from "../../../detectors/performance/binary-performance.ts";
import { scoreBinOf, scoreBins } from "../../../detectors/performance/score-bins.ts";
import { isotonicAt } from "../../../detectors/performance/isotonic.ts";
import { chance, gaussian, type Chance } from "../chance.ts";
import { calibration, chunks } from "./employment-performance.ts";

const census: BinaryEstimator = {
  problem: "binary",
  classes: ["0", "1"],
  calibration,
  threshold: 0.5,
  bins: scoreBins(chunks[0]?.scores ?? [], Array.from(chunks[0]?.scores ?? [], (score) => isotonicAt(calibration, score)), undefined, 0.5),
  chunks: { rows: 5_000, estimated: {}, realised: {} },
};

test.for(chunks.map((chunk) => [chunk.index, chunk] as const))("chunk %i of the census rows is estimated as NannyML estimates it, and realised as it was", ([, chunk]) => {
  const estimated = estimateBinary(census, chunk);
  const realised = realisedBinary(chunk, chunk.actuals, ["0", "1"]);
  expect(Math.abs((estimated["roc_auc"]?.value as number) - chunk.published.roc_auc)).toBeLessThan(1e-5); // read off a plot
  for (const [name, value] of Object.entries(chunk.estimated)) expect(Math.abs((estimated[name]?.value as number) - value), name).toBeLessThan(1e-6);
  for (const [name, value] of Object.entries(chunk.realised)) expect(Math.abs((realised[name]?.value as number) - value), name).toBeLessThan(1e-6);
});

test("the estimate's band holds what was realised in ordinary chunks, not in that of the people who live in groups", () => {
  const misses = chunks.map((chunk) => {
    const { lower, upper } = estimateBinary(census, chunk)["roc_auc"] as { lower: number; upper: number };
    const value = realisedBinary(chunk, chunk.actuals, ["0", "1"])["roc_auc"]?.value as number;
    return value < lower || value > upper;
  });
  expect(misses).toEqual([false, true, false]);
});

test("the reference's threshold predicts where nobody says what was predicted", () => {
  for (const { scores, predictions } of chunks) expect(estimateBinary(census, { scores })).toEqual(estimateBinary(census, { scores, predictions }));
});

/** Scores that claim too much: the truth is a logistic function, the score one that is twice as steep. */
function overconfident(next: Chance, rows: number, shift = 0) {
  const signal = Array.from({ length: rows }, () => gaussian(next) + shift);
  const likely = signal.map((x) => 1 / (1 + Math.exp(-x)));
  const scores = signal.map((x) => 1 / (1 + Math.exp(-2 * x)));
  return { likely, scores, predictions: scores.map((score) => score >= 0.5), actuals: likely.map((p) => next() < p) };
}

test("overconfident scores are calibrated, calibrated ones left alone", () => {
  const { likely, scores, predictions, actuals } = overconfident(chance(7), 4_000);
  const steep = buildBinary({ scores, predictions, actuals });
  expect(steep.estimator.calibration).toBeDefined();
  expect(steep.estimator.threshold).toBe(0.5);
  expect(steep.notes).toEqual([expect.stringMatching(/^Scores are calibrated/)]);
  expect(buildBinary({ scores: likely, actuals }).estimator.calibration).toBeUndefined();
  expect(buildBinary({ scores: scores.map((score) => 10 * score), actuals }).notes).toEqual([expect.stringMatching(/no probabilities/)]);
});

test("under a shift of what comes in, every realised figure lies in the band of its estimate", () => {
  const next = chance(8);
  const { estimator } = buildBinary(overconfident(next, 20_000));
  let figures = 0;
  let missed = 0;
  for (let chunk = 0; chunk < 40; chunk += 1) {
    const rows = overconfident(next, 1_000, 0.5);
    const estimated = estimateBinary(estimator, rows);
    const realised = realisedBinary(rows, rows.actuals, estimator.classes);
    for (const [name, { value }] of Object.entries(realised)) {
      if (name === "ece") continue; // what chance adds to the realised one is no error of the score
      figures += 1;
      if (value < (estimated[name]?.lower as number) || value > (estimated[name]?.upper as number)) missed += 1;
    }
  }
  expect(figures).toBe(360);
  expect(missed / figures).toBeLessThan(0.01); // 0.27 % and what the calibration itself is off
});

test("counts over 128 bins say the same, but for a little", () => {
  for (const chunk of chunks.slice(0, 1).concat(chunks.slice(2))) {
    const counts = new Float64Array(census.bins.scores.length);
    const sums = new Float64Array(census.bins.scores.length);
    for (const score of chunk.scores) {
      const bin = scoreBinOf(census.bins, score);
      counts[bin]! += 1;
      sums[bin]! += isotonicAt(calibration, score);
    }
    const exact = estimateBinary(census, chunk);
    const apart = (binned: ReturnType<typeof estimateFromBins>, name: string) => Math.abs((binned[name]?.value as number) - (exact[name]?.value as number));
    const fixed = estimateFromBins(census, counts);
    for (const name of ["roc_auc", "accuracy", "precision", "recall", "specificity", "f1", "brier", "log_loss"]) expect(apart(fixed, name), name).toBeLessThan(5e-4);
    const live = estimateFromBins(census, counts, sums.map((sum, bin) => (counts[bin] === 0 ? 0 : sum / (counts[bin] as number))));
    expect(apart(live, "roc_auc")).toBeLessThan(5e-5);
    for (const name of ["accuracy", "precision", "recall", "specificity", "f1"]) expect(apart(live, name), name).toBeLessThan(1e-12);
  }
  expect(() => estimateFromBins(census, [1, 2])).toThrow(/2 counts/);
});

test("the figures of the reference's own chunks are kept, a short rest is not", () => {
  const { estimator } = buildBinary({ ...overconfident(chance(9), 2_400), chunkRows: 1_000 });
  expect(estimator.chunks.rows).toBe(1_000);
  expect(estimator.chunks.realised["roc_auc"]).toHaveLength(2);
  expect(estimator.chunks.estimated["roc_auc"]).toHaveLength(2);
});

test("rows without an answer or a score are left out and told, one class alone is refused", () => {
  const { scores, predictions, actuals } = overconfident(chance(10), 1_000);
  const gaps = buildBinary({ scores: [...scores, NaN, 0.3], predictions: [...predictions, true, true], actuals: [...actuals, true, null] });
  expect(gaps.notes[0]).toMatch(/^2 of 1002 rows/);
  expect(gaps.estimator.calibration).toEqual(buildBinary({ scores, predictions, actuals }).estimator.calibration);
  expect(() => buildBinary({ scores: [0.1, 0.2], actuals: [1, 1] })).toThrow(/both classes/);
  expect(() => buildBinary({ scores: [0.1, 0.2, 0.3], actuals: ["a", "b", "c"] })).toThrow(/expected a negative and a positive one/);
  expect(() => buildBinary({ scores: [0.1], actuals: [1, 0] })).toThrow(/scores: expected 2 rows/);
});
