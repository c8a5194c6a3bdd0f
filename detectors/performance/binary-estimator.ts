/**
 * Confidence-based performance estimation (CBPE) of a classifier with two classes: how well it does on rows whose answers
 * nobody knows yet, from its own scores.
 *
 * Scores are calibrated on the reference, where answers are known; after that each counts as the probability of its answer.
 * The estimate holds as long as the scores mean what they meant: when the world changes so that the same score no longer
 * goes with the same share of positives (concept drift), it can not know. The bands are sampling error alone.
 *
 * Source: NannyML, Estimation of Performance of the Monitored Model, 2022 (the idea); average values, areas and errors as in
 * binary-performance.ts.
 */
import type { Performance } from "./banded.ts";
import { likelyBinary, realisedBinary, binaryFigures, type BinaryClasses, type BinaryColumns } from "./binary-performance.ts";
import { calibration, likelihoodsOf } from "./calibrator.ts";
import { checkLengths, pick, rowsWhere, slice } from "./columns.ts";
import { confusion } from "./confusion.ts";
import type { IsotonicCurve } from "./isotonic.ts";
import { binaryClasses, labelOf, type Label } from "./labels.ts";
import { chunkRowsFor, referenceChunks, type ReferenceChunks } from "./reference-chunks.ts";
import { scoreBins, type ScoreBins } from "./score-bins.ts";

export interface BinaryEstimator {
  readonly problem: "binary";
  readonly classes: BinaryClasses;
  /** From score to probability; absent where scores are probabilities as they are. */
  readonly calibration?: IsotonicCurve | undefined;
  /** Rows are predicted as positive from this score on; absent where the reference's predictions do not follow the score. */
  readonly threshold?: number | undefined;
  readonly bins: ScoreBins;
  readonly chunks: ReferenceChunks;
}

export interface BinaryReference extends BinaryColumns {
  readonly scores: ArrayLike<number>;
  readonly actuals: ArrayLike<Label>;
  readonly classes?: readonly string[] | undefined;
  readonly chunkRows?: number | undefined;
}

/** Fewer of either class make a rough calibration. */
const fewRows = 100;

/** @throws RangeError where there are not rows of both classes. */
export function buildBinary({ scores, predictions, actuals, ...options }: BinaryReference): { estimator: BinaryEstimator; notes: readonly string[] } {
  const rows = checkLengths({ actuals, scores, predictions });
  const classes = binaryClasses(actuals, options.classes);
  const whole = rowsWhere(rows, (row) => Number.isFinite(scores[row]) && labelOf(actuals[row]) !== undefined);
  const known = pick(scores, whole);
  const positive = Float64Array.from(whole, (row) => (labelOf(actuals[row]) === classes[1] ? 1 : 0));
  const positives = positive.reduce((total, one) => total + one, 0);
  if (positives === 0 || positives === whole.length) {
    throw new RangeError(`actuals: expected rows of both classes, got ${positives} of ${classes[1]} and ${whole.length - positives} of ${classes[0]}`);
  }

  const notes: string[] = [];
  if (whole.length < rows) notes.push(`${rows - whole.length} of ${rows} rows have no answer or no score; the estimate was made without them.`);
  if (Math.min(positives, whole.length - positives) < fewRows) {
    notes.push(`Only ${positives} positive and ${whole.length - positives} negative answers: the calibration is rough, and so is every estimate.`);
  }
  const { curve, errorBefore, errorAfter } = calibration(known, positive);
  const error = (value: number) => value.toPrecision(2);
  if (errorBefore === undefined) notes.push("Scores are no probabilities; a calibration curve makes some of them.");
  else if (curve === undefined) notes.push(`Scores are used as probabilities as they are: their calibration error is ${error(errorBefore)}, and a curve would make it ${error(errorAfter)}.`);
  else notes.push(`Scores are calibrated: the error of ${error(errorBefore)} becomes ${error(errorAfter)} on rows that the curve has not seen.`);

  const threshold = predictions && thresholdOf(scores, predictions, classes[1]);
  if (predictions !== undefined && threshold === undefined) {
    notes.push("Predictions do not follow a threshold on the score; accuracy and its like are estimated only where predictions are given.");
  }
  const bare: BinaryEstimator = {
    problem: "binary",
    classes,
    ...(curve && { calibration: curve }),
    ...(threshold !== undefined && { threshold }),
    bins: scoreBins(known, likelihoodsOf(known, curve), undefined, threshold),
    chunks: { rows, estimated: {}, realised: {} },
  };
  const chunks = referenceChunks(rows, chunkRowsFor(rows, options.chunkRows), (first, last) => {
    const columns = { scores: slice(scores, first, last), predictions: predictions && slice(predictions, first, last) };
    return { estimated: estimateBinary(bare, columns), realised: realisedBinary(columns, slice(actuals, first, last), classes) };
  });
  return { estimator: { ...bare, chunks }, notes };
}

/** Without predictions they are taken from the reference's threshold, where it has one. */
export function estimateBinary(estimator: BinaryEstimator, { scores = [], predictions }: BinaryColumns): Performance {
  const columns = { scores, predictions: predictions ?? decided(estimator, scores) };
  return likelyBinary(columns, likelihoodsOf(scores, estimator.calibration), estimator.classes);
}

/**
 * The same from counts over `estimator.bins`, for a window that is kept as such.
 *
 * @param likelihoods mean probability of the rows in each bin, where it is known better than from the reference.
 */
export function estimateFromBins(estimator: BinaryEstimator, counts: ArrayLike<number>, likelihoods: ArrayLike<number> = estimator.bins.likelihoods): Performance {
  const { bins, threshold } = estimator;
  if (counts.length !== bins.scores.length || likelihoods.length !== bins.scores.length) {
    throw new RangeError(`estimateFromBins: expected ${bins.scores.length} bins, got ${counts.length} counts and ${likelihoods.length} likelihoods`);
  }
  const predicted = threshold === undefined ? undefined : bins.scores.map((score) => (score >= threshold ? 1 : 0));
  return binaryFigures({ scores: bins.scores, likelihoods, weights: counts }, predicted && confusion(predicted, likelihoods, counts));
}

/** What the reference's threshold makes of scores; undefined where it has none. */
export function decided({ threshold, classes: [negative, positive] }: BinaryEstimator, scores: ArrayLike<number>): (string | undefined)[] | undefined {
  if (threshold === undefined) return undefined;
  return Array.from(scores, (score) => (Number.isFinite(score) ? (score >= threshold ? positive : negative) : undefined));
}

/** The score that parts predicted positives from all others, if there is one: a half where that does, else halfway between. */
function thresholdOf(scores: ArrayLike<number>, predictions: ArrayLike<Label>, positive: string): number | undefined {
  let lowestPositive = Infinity;
  let highestNegative = -Infinity;
  for (let row = 0; row < scores.length; row += 1) {
    const score = scores[row] as number;
    const label = labelOf(predictions[row]);
    if (!Number.isFinite(score) || label === undefined) continue;
    if (label === positive) lowestPositive = Math.min(lowestPositive, score);
    else highestNegative = Math.max(highestNegative, score);
  }
  if (!(Number.isFinite(lowestPositive) && highestNegative < lowestPositive)) return undefined;
  if (highestNegative < 0.5 && lowestPositive >= 0.5) return 0.5;
  const halfway = highestNegative / 2 + lowestPositive / 2;
  return halfway > highestNegative ? halfway : lowestPositive;
}
