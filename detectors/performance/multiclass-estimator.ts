/**
 * Confidence-based performance estimation of a classifier with many classes: each class's scores are calibrated against the
 * rest on the reference where that helps, and the probabilities of a row are then scaled to add up to 1. What it can and can
 * not know is said in binary-estimator.ts.
 */
import type { Performance } from "./banded.ts";
import { calibration, likelihoodsOf } from "./calibrator.ts";
import { checkLengths, named, pick, rowsWhere, slice } from "./columns.ts";
import { isotonicPointsMax, type IsotonicCurve } from "./isotonic.ts";
import { classesOf, labelOf, type Label } from "./labels.ts";
import { likelyMulticlass, realisedMulticlass, scoreColumns, type MulticlassColumns } from "./multiclass-performance.ts";
import { chunkRowsFor, referenceChunks, type ReferenceChunks } from "./reference-chunks.ts";

export interface MulticlassEstimator {
  readonly problem: "multiclass";
  readonly classes: readonly string[];
  /** A curve for each class from its score to its probability; null where its scores are probabilities as they are. */
  readonly calibrations: readonly (IsotonicCurve | null)[];
  readonly chunks: ReferenceChunks;
}

export interface MulticlassReference extends MulticlassColumns {
  readonly scores: ReadonlyMap<string, ArrayLike<number>>;
  readonly actuals: ArrayLike<Label>;
  readonly classes?: readonly string[] | undefined;
  readonly chunkRows?: number | undefined;
}

export const classesMax = 100;

/** @throws RangeError with fewer than two classes or more than 100, and for a class without a column of scores or without rows. */
export function buildMulticlass({ scores, predictions, actuals, ...options }: MulticlassReference): {
  estimator: MulticlassEstimator;
  notes: readonly string[];
} {
  const rows = checkLengths({ actuals, predictions, ...named("score of", scores) });
  const classes = options.classes ?? classesOf([...scores.keys()]);
  if (classes.length < 2 || classes.length > classesMax) throw new RangeError(`classes: expected 2 to ${classesMax}, got ${classes.length}`);
  const columns = scoreColumns({ scores }, classes) as ArrayLike<number>[];
  const known = new Set(classes);
  const whole = rowsWhere(rows, (row) => known.has(labelOf(actuals[row]) ?? "") && columns.every((column) => Number.isFinite(column[row])));

  const notes: string[] = [];
  if (whole.length < rows) notes.push(`${rows - whole.length} of ${rows} rows have no answer among the classes or lack a score; the estimate was made without them.`);
  const pointsMax = Math.max(20, Math.floor(isotonicPointsMax / classes.length));
  const calibrations = classes.map((name, i) => {
    const positive = Float64Array.from(whole, (row) => (labelOf(actuals[row]) === name ? 1 : 0));
    if (!positive.includes(1)) throw new RangeError(`actuals: expected rows of class ${name}, got none`);
    return calibration(pick(columns[i] as ArrayLike<number>, whole), positive, pointsMax).curve ?? null;
  });
  const calibrated = calibrations.filter((curve) => curve !== null).length;
  notes.push(`The scores of ${calibrated} of ${classes.length} classes are calibrated; the others are better as they are.`);

  const bare: MulticlassEstimator = { problem: "multiclass", classes, calibrations, chunks: { rows, estimated: {}, realised: {} } };
  const chunks = referenceChunks(rows, chunkRowsFor(rows, options.chunkRows), (first, last) => {
    const chunk = {
      scores: new Map(classes.map((name, i) => [name, slice(columns[i] as ArrayLike<number>, first, last)])),
      predictions: predictions && slice(predictions, first, last),
    };
    return { estimated: estimateMulticlass(bare, chunk), realised: realisedMulticlass(chunk, slice(actuals, first, last), classes) };
  });
  return { estimator: { ...bare, chunks }, notes };
}

export function estimateMulticlass(estimator: MulticlassEstimator, columns: MulticlassColumns): Performance {
  const likelihoods = classLikelihoods(estimator, columns);
  return likelihoods === undefined ? {} : likelyMulticlass(columns, likelihoods, estimator.classes);
}

/** For each class the probability that it is the answer of a row, adding up to 1 over the classes; NaN where a score lacks. */
export function classLikelihoods({ classes, calibrations }: MulticlassEstimator, columns: MulticlassColumns): Float64Array[] | undefined {
  const scores = scoreColumns(columns, classes);
  if (scores === undefined) return undefined;
  const likelihoods = scores.map((column, i) => likelihoodsOf(column, calibrations[i] ?? undefined));
  for (let row = 0; row < (likelihoods[0] as Float64Array).length; row += 1) {
    const sum = likelihoods.reduce((total, column) => total + (column[row] as number), 0);
    for (const column of likelihoods) column[row] = sum > 0 ? (column[row] as number) / sum : sum === 0 ? 1 / classes.length : Number.NaN;
  }
  return likelihoods;
}
