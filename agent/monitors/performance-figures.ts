/**
 * What is known of a model's performance from the rows of a window: realised, estimated, and the estimate put right by what
 * actuals there are. A figure without a meaning is absent; rows that make no sense give none, and nothing is ever thrown.
 */
import { correctedPerformance, estimatePerformance, realisedPerformance, type Performance, type PerformanceEstimator, type Problem, type Scores } from "../../detectors/performance/estimator.ts";
import { classesOf } from "../../detectors/performance/labels.ts";
import type { PerformanceColumns } from "./performance-window.ts";

/** What is known of the model beforehand. */
export interface Model {
  readonly problem?: Problem | undefined;
  /** The negative one first where there are two. */
  readonly classes?: readonly string[] | undefined;
  /** Whose the columns of scores are; undefined where there is one column. */
  readonly scoreClasses?: readonly string[] | undefined;
}

export interface Taken {
  readonly performance: Performance;
  /** How much work it was, in rows of one score: 2 microseconds each. */
  readonly work: number;
}

/** More classes than anybody has: numbers that a model predicts. */
const classesMax = 100;
/** Fewer actuals than this correct nothing: the band of what they say is as wide as can be. */
const knownMin = 30;
/** Of a row, as measured: a class without scores, and the trees of a regression. */
const classWork = 0.1;
const treesWork = 2;

export function realisedFigures(model: Model, columns: PerformanceColumns): Taken {
  const { predictions, actuals } = columns;
  const found = model.classes ?? classesOf(predictions, actuals);
  const problem = model.problem ?? problemOf(found);
  const work = actuals.length * Math.max(columns.scores.length, problem === "multiclass" ? found.length * classWork : 0);
  if (problem !== "regression" && found.length > classesMax) return { performance: {}, work };
  const classes = problem === "binary" ? twoOf(found) : found;
  const scores = hasNumbers(columns) ? scoresOf(model, columns) : undefined;
  const performance = withoutRangeErrors(() => {
    if (problem === "regression") return realisedPerformance(problem, { scores, predictions, actuals });
    // Of many classes one column of scores says nothing.
    const useful = problem === "multiclass" && !(scores instanceof Map) ? undefined : scores;
    return realisedPerformance(problem, { scores: useful, predictions: given(predictions), actuals, classes });
  });
  return { performance, work };
}

export function estimatedFigures(estimator: PerformanceEstimator, model: Model, columns: PerformanceColumns): Taken {
  const performance = withoutRangeErrors(() => estimatePerformance(estimator, unanswered(estimator, model, columns)));
  return { performance, work: estimateWork(estimator, columns) };
}

/** Nothing while too few actuals are known. They must come from a random part of the rows. */
export function correctedFigures(estimator: PerformanceEstimator, model: Model, columns: PerformanceColumns): Taken {
  const { actuals } = columns;
  if (actuals.reduce<number>((known, actual) => known + (actual === undefined ? 0 : 1), 0) < knownMin) return { performance: {}, work: 0 };
  const performance = withoutRangeErrors(() => correctedPerformance(estimator, { ...unanswered(estimator, model, columns), actuals }).performance);
  return { performance, work: estimateWork(estimator, columns) };
}

function estimateWork(estimator: PerformanceEstimator, { scores, actuals }: PerformanceColumns): number {
  return actuals.length * (estimator.problem === "regression" ? treesWork : scores.length);
}

function unanswered(estimator: PerformanceEstimator, model: Model, columns: PerformanceColumns) {
  const names = estimator.problem === "regression" ? estimator.features : [];
  return {
    scores: scoresOf(model, columns),
    predictions: given(columns.predictions),
    features: new Map(names.map((name, i) => [name, columns.features[i] as Float64Array])),
  };
}

function scoresOf({ scoreClasses }: Model, { scores }: PerformanceColumns): Scores {
  return scoreClasses === undefined ? (scores[0] as Float64Array) : new Map(scoreClasses.map((name, i) => [name, scores[i] as Float64Array]));
}

/** Where no row has one, there are none. */
function given<Item>(column: readonly (Item | undefined)[]): readonly (Item | undefined)[] | undefined {
  return column.some((value) => value !== undefined) ? column : undefined;
}

function hasNumbers({ scores }: PerformanceColumns): boolean {
  return scores.some((column) => column.some(Number.isFinite));
}

/** By what the classes look like: 0 and 1, numbers with fractions or very many of them, anything else. */
function problemOf(classes: readonly string[]): Problem {
  if (classes.every((name) => name === "0" || name === "1")) return "binary";
  const numbers = classes.every((name) => Number.isFinite(Number(name)));
  return numbers && (classes.length > classesMax || classes.some((name) => !Number.isInteger(Number(name)))) ? "regression" : "multiclass";
}

function twoOf(classes: readonly string[]): readonly string[] {
  return classes.every((name) => name === "0" || name === "1") ? ["0", "1"] : classes;
}

/** What the data do not allow for has no figure. */
function withoutRangeErrors(measure: () => Performance): Performance {
  try {
    return measure();
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}
