/**
 * Performance when a few answers have trickled in: the estimate over all rows, put right by the rows whose answers are known
 * (prediction-powered.ts). For figures that are means over rows: accuracy, logarithmic loss, Brier's score; absolute and
 * squared errors and what is made of them. Ranking figures and ratios (ROC AUC, precision, ...) are not among them.
 */
import type { Banded, Performance } from "./banded.ts";
import { decided, type BinaryEstimator } from "./binary-estimator.ts";
import { likelihoodsOf } from "./calibrator.ts";
import { checkLengths, named } from "./columns.ts";
import { labelOf, numberOf, type Label } from "./labels.ts";
import { classLikelihoods, type MulticlassEstimator } from "./multiclass-estimator.ts";
import { predictedClasses, type MulticlassColumns } from "./multiclass-performance.ts";
import { knownMin, predictionPowered } from "./prediction-powered.ts";
import { isProbability, logarithmic, quadratic } from "./probability-scores.ts";
import { expectedLosses, type RegressionEstimator } from "./regression-estimator.ts";
import { absoluteLoss, squaredLogLoss, squaredLoss, type Loss } from "./regression.ts";
import { mapped } from "./sequence-bands.ts";

export interface PartlyAnswered<Scores> {
  readonly scores: Scores;
  readonly predictions?: ArrayLike<Label> | undefined;
  readonly features?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  /** One for each row: null, undefined, NaN or an empty text where it is not known yet. */
  readonly actuals: ArrayLike<Label>;
}

/** By metric; and what a person should know about it. */
export interface Corrected {
  readonly performance: Performance;
  readonly notes: readonly string[];
}

/** Fewer answers say little more than that there are few. */
const fewAnswers = 50;

export function correctBinary(estimator: BinaryEstimator, { scores, predictions, actuals }: PartlyAnswered<ArrayLike<number>>): Corrected {
  checkLengths({ actuals, scores, predictions });
  const [, positive] = estimator.classes;
  const likelihoods = likelihoodsOf(scores, estimator.calibration);
  const answers = Array.from(actuals, (actual) => labelOf(actual));
  const predicted = predictions ?? decided(estimator, scores);
  const figures: Record<string, Banded> = {};
  const add = (name: string, losses: (row: number) => readonly [asPositive: number, asNegative: number], most: number): void => {
    const estimates = Float64Array.from(likelihoods, (likelihood, row) => {
      const [asPositive, asNegative] = losses(row);
      return likelihood * asPositive + (1 - likelihood) * asNegative;
    });
    const known = answers.map((answer, row) => (answer === undefined ? undefined : losses(row)[answer === positive ? 0 : 1]));
    const figure = correct(estimates, known, 0, most);
    if (figure !== undefined) figures[name] = figure;
  };
  if (predicted !== undefined) {
    add("accuracy", (row) => {
      const label = labelOf(predicted[row]);
      return label === undefined ? [Number.NaN, Number.NaN] : label === positive ? [1, 0] : [0, 1];
    }, 1);
  }
  if (isProbability(Float64Array.from(scores).filter(Number.isFinite))) {
    for (const [name, loss, most] of [["log_loss", logarithmic, Infinity], ["brier", quadratic, 1]] as const) {
      add(name, (row) => [loss(scores[row] as number), loss(1 - (scores[row] as number))], most);
    }
  }
  return { performance: figures, notes: notesOn(answers.filter((answer) => answer !== undefined).length) };
}

export function correctMulticlass(estimator: MulticlassEstimator, columns: PartlyAnswered<ReadonlyMap<string, ArrayLike<number>>>): Corrected {
  checkLengths({ actuals: columns.actuals, predictions: columns.predictions, ...named("score of", columns.scores) });
  const { classes } = estimator;
  const table: MulticlassColumns = { scores: columns.scores, predictions: columns.predictions };
  const likelihoods = classLikelihoods(estimator, table) ?? [];
  const predicted = predictedClasses(table, classes, columns.actuals.length) ?? [];
  const answers = Array.from(columns.actuals, (actual) => labelOf(actual));
  const estimates = Float64Array.from(predicted, (at, row) => (at === undefined ? Number.NaN : (likelihoods[at]?.[row] ?? 0)));
  const known = answers.map((answer, row) => (answer === undefined ? undefined : Number(classes[predicted[row] ?? -1] === answer)));
  const accuracy = correct(estimates, known, 0, 1);
  return { performance: accuracy ? { accuracy } : {}, notes: notesOn(answers.filter((answer) => answer !== undefined).length) };
}

export function correctRegression(estimator: RegressionEstimator, columns: PartlyAnswered<ArrayLike<number>>): Corrected {
  const { scores, features } = columns;
  checkLengths({ actuals: columns.actuals, scores });
  const expected = expectedLosses(estimator, { predictions: scores, features });
  const actuals = Float64Array.from(columns.actuals, numberOf);
  const figures: Record<string, Banded> = {};
  const lossOf = (estimates: Float64Array | undefined, loss: Loss): Banded | undefined => {
    const known = Array.from(actuals, (actual, row) => (Number.isFinite(actual) ? loss(scores[row] as number, actual) : undefined));
    return estimates && correct(estimates, known, 0, Infinity);
  };
  const absolute = lossOf(expected.absolute, absoluteLoss);
  const squared = lossOf(expected.squared, squaredLoss);
  const squaredLog = lossOf(expected.squared_log, squaredLogLoss);
  if (absolute !== undefined) figures["mae"] = absolute;
  if (squared !== undefined) Object.assign(figures, { mse: squared, rmse: mapped(squared, Math.sqrt) });
  if (squaredLog !== undefined) figures["rmsle"] = mapped(squaredLog, Math.sqrt);
  return { performance: figures, notes: notesOn(actuals.filter(Number.isFinite).length) };
}

/** Rows without an estimate are left out; undefined where too few of the others are known. */
function correct(estimates: Float64Array, known: readonly (number | undefined)[], least: number, most: number): Banded | undefined {
  const rows = [...estimates.keys()].filter((row) => Number.isFinite(estimates[row]));
  const answered = rows.filter((row) => Number.isFinite(known[row]));
  const open = rows.filter((row) => !Number.isFinite(known[row]));
  const take = (chosen: readonly number[]) => Float64Array.from(chosen, (row) => estimates[row] as number);
  const figure = predictionPowered(
    { estimates: take(open), knownEstimates: take(answered), known: answered.map((row) => known[row] as number) },
    { least, most },
  );
  return figure && { value: figure.value, lower: figure.lower, upper: figure.upper };
}

function notesOn(answers: number): string[] {
  if (answers < knownMin) return [`${answers} answers are too few to correct an estimate; it takes ${knownMin} at least.`];
  return answers < fewAnswers ? [`Only ${answers} answers are known: the bands are wide, and hold only roughly.`] : [];
}
