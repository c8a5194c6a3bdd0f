/**
 * All figures of a classifier with many classes, each with its band: accuracy over all, and the plain mean over classes
 * (macro average) of each class against the rest.
 *
 * A class counts where its figure has a meaning: without rows of a class there is no recall of it. Brier's score is summed
 * over classes as Brier did (0 to 2), the calibration error is that of the class held likeliest. The band of a mean over
 * classes is the mean of their bands, which is wide enough however the classes hang together.
 */
import { banded, type Banded, type Estimate, type Performance } from "./banded.ts";
import { calibrationErrorBand } from "./calibration.ts";
import { checkLengths, named, pick, rowsWhere } from "./columns.ts";
import { confusion, rate, rateNames } from "./confusion.ts";
import { labelOf, type Label } from "./labels.ts";
import { isProbability, logarithmic } from "./probability-scores.ts";
import { ranking } from "./ranking.ts";
import { meanBand, rateBand } from "./sequence-bands.ts";

export interface MulticlassColumns {
  /** A column of probabilities for each class. */
  readonly scores?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  /** Without them, the class with the highest score. */
  readonly predictions?: ArrayLike<Label> | undefined;
}

/** The number of a class that is none of those known. */
const none = -1;

/** An answer that is none of `classes` counts as one that no prediction got right. */
export function realisedMulticlass(columns: MulticlassColumns, actuals: ArrayLike<Label>, classes: readonly string[]): Performance {
  const index = new Map(classes.map((name, i) => [name, i]));
  const actual = Array.from(actuals, (value) => {
    const label = labelOf(value);
    return label === undefined ? undefined : (index.get(label) ?? none);
  });
  const likelihoods = classes.map((_, i) => Float64Array.from(actual, (at) => (at === undefined ? Number.NaN : at === i ? 1 : 0)));
  const predicted = predictedClasses(columns, classes, actuals.length);
  let rows = 0;
  let right = 0;
  for (const [row, at] of actual.entries()) {
    if (at === undefined || predicted?.[row] === undefined) continue;
    rows += 1;
    if (predicted[row] === at && at !== none) right += 1;
  }
  const accuracy = rateBand({ successes: right, of: rows });
  const { log_loss: _, brier: __, ...figures } = likelyMulticlass(columns, likelihoods, classes);
  return { ...figures, ...(accuracy && { accuracy }), ...lossBands(scoreColumns(columns, classes) ?? [], actual) };
}

/** Where all scores of the rows with an answer are probabilities. */
function lossBands(scores: readonly ArrayLike<number>[], actual: readonly (number | undefined)[]): Performance {
  const whole = rowsWhere(actual.length, (row) => scores[actual[row] ?? none] !== undefined && scores.every((column) => Number.isFinite(column[row])));
  if (!scores.every((column) => isProbability(pick(column, whole)))) return {};
  const squares = (row: number) => scores.reduce((total, column) => total + (column[row] as number) ** 2, 0);
  const likelihood = (row: number) => scores[actual[row] as number]?.[row] as number;
  const surprise = meanBand(Float64Array.from(whole, (row) => logarithmic(likelihood(row))), 0);
  const apart = Float64Array.from(whole, (row) => squares(row) - likelihood(row) ** 2 + (1 - likelihood(row)) ** 2);
  // More than 2 is only lost by scores that add up to more than 1.
  const squared = meanBand(apart, 0, apart.every((lost) => lost <= 2) ? 2 : scores.length);
  return { ...(surprise && { log_loss: surprise }), ...(squared && { brier: squared }) };
}

/** @param likelihoods for each class the probability that it is the answer of a row; NaN where nothing is known. */
export function likelyMulticlass(columns: MulticlassColumns, likelihoods: readonly ArrayLike<number>[], classes: readonly string[]): Performance {
  const rows = checkLengths({ actuals: likelihoods[0], predictions: columns.predictions, ...named("score of", columns.scores) });
  const scores = scoreColumns(columns, classes);
  const predicted = predictedClasses(columns, classes, rows);
  const figures: Record<string, Banded> = {};
  const macro: Record<string, Banded[]> = {};
  const collect = (name: string, figure: Banded | undefined): void => {
    if (figure !== undefined) (macro[name] ??= []).push(figure);
  };

  const decided = predicted && rowsWhere(rows, (row) => predicted[row] !== undefined && (likelihoods[0]?.[row] as number) >= 0);
  const scored = scores && rowsWhere(rows, (row) => (likelihoods[0]?.[row] as number) >= 0 && scores.every((column) => Number.isFinite(column[row])));
  for (const [i, likelihood] of likelihoods.entries()) {
    if (decided !== undefined && predicted !== undefined) {
      const cells = confusion(Float64Array.from(decided, (row) => (predicted[row] === i ? 1 : 0)), pick(likelihood, decided));
      for (const name of rateNames) {
        const share = name === "accuracy" ? undefined : rate(name, cells);
        collect(name, share && banded(share, 0, 1));
      }
    }
    if (scored !== undefined && scores !== undefined) {
      const ranks = ranking({ scores: pick(scores[i] as ArrayLike<number>, scored), likelihoods: pick(likelihood, scored) });
      collect("roc_auc", ranks && banded(ranks.rocAuc, 0, 1));
      collect("average_precision", ranks && banded(ranks.averagePrecision, 0, 1));
    }
  }
  for (const [name, each] of Object.entries(macro)) figures[name] = macroBand(each);
  if (decided !== undefined && predicted !== undefined && decided.length > 0) {
    const right = Float64Array.from(decided, (row) => likelihoods[predicted[row] as number]?.[row] ?? 0);
    const of = right.length;
    const value = right.reduce((total, likelihood) => total + likelihood, 0) / of;
    figures["accuracy"] = banded({ value, standardError: Math.max(Math.sqrt((value * (1 - value)) / of), 1 / (of + 1)) }, 0, 1);
  }
  return scored === undefined || scores === undefined ? figures : { ...figures, ...probabilityFigures(scores, likelihoods, scored) };
}

/** Logarithmic loss, Brier's score and calibration error, where all scores are probabilities. */
function probabilityFigures(scores: readonly ArrayLike<number>[], likelihoods: readonly ArrayLike<number>[], rows: Uint32Array): Performance {
  if (rows.length === 0) return {};
  const surprise: Moments = { weight: 0, total: 0, squares: 0 };
  const squared: Moments = { weight: 0, total: 0, squares: 0 };
  const confidence = new Float64Array(rows.length);
  const right = new Float64Array(rows.length);
  for (const [at, row] of rows.entries()) {
    const squares = scores.reduce((total, column) => total + (column[row] as number) ** 2, 0);
    for (const [i, column] of scores.entries()) {
      const score = column[row] as number;
      if (!(score >= 0 && score <= 1)) return {};
      const likelihood = likelihoods[i]?.[row] as number;
      add(surprise, logarithmic(score), likelihood);
      add(squared, squares - score ** 2 + (1 - score) ** 2, likelihood);
      if (score > (confidence[at] as number)) {
        confidence[at] = score;
        right[at] = likelihood;
      }
    }
  }
  const error = calibrationErrorBand({ scores: confidence, likelihoods: right });
  if (surprise.weight === 0) return {};
  return { log_loss: banded(estimateOf(surprise), 0), brier: banded(estimateOf(squared), 0, 2), ...(error && { ece: error }) };
}

/** Of a loss that takes several values, each as likely as said. */
interface Moments {
  weight: number;
  total: number;
  squares: number;
}

function add(moments: Moments, value: number, weight: number): void {
  moments.weight += weight;
  moments.total += weight * value;
  moments.squares += weight * value ** 2;
}

function estimateOf({ weight, total, squares }: Moments): Estimate {
  const value = total / weight;
  return { value, standardError: Math.sqrt(Math.max(0, squares / weight - value ** 2) / weight) };
}

/** In the order of classes; undefined unless there is one for each. */
export function scoreColumns({ scores }: MulticlassColumns, classes: readonly string[]): ArrayLike<number>[] | undefined {
  if (scores === undefined) return undefined;
  return classes.map((name) => {
    const column = scores.get(name);
    if (column === undefined) throw new RangeError(`scores: expected a column for class ${name}, got ${[...scores.keys()].join(", ") || "none"}`);
    return column;
  });
}

/** The class of each row by its number; undefined where the row has none. */
export function predictedClasses(columns: MulticlassColumns, classes: readonly string[], rows: number): (number | undefined)[] | undefined {
  const { predictions } = columns;
  if (predictions !== undefined) {
    const index = new Map(classes.map((name, i) => [name, i]));
    return Array.from({ length: rows }, (_, row) => {
      const label = labelOf(predictions[row]);
      return label === undefined ? undefined : (index.get(label) ?? none);
    });
  }
  const scores = scoreColumns(columns, classes);
  if (scores === undefined) return undefined;
  return Array.from({ length: rows }, (_, row) => {
    let best: number | undefined;
    for (const [i, column] of scores.entries()) {
      if (!Number.isFinite(column[row])) return undefined;
      if (best === undefined || (column[row] as number) > (scores[best]?.[row] as number)) best = i;
    }
    return best;
  });
}

function macroBand(bands: readonly Banded[]): Banded {
  const mean = (of: (band: Banded) => number) => bands.reduce((total, band) => total + of(band), 0) / bands.length;
  return { value: mean((band) => band.value), lower: mean((band) => band.lower), upper: mean((band) => band.upper) };
}
