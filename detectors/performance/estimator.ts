/**
 * The door to performance: what is known of a model's performance from its answers (realised), and what can be said before
 * they are there (estimated), for classifiers with two or many classes and for models that predict a number.
 *
 * An estimator is made once from the reference and is plain JSON. Figures bear the names of scikit-learn's metrics, each
 * with a band that is meant to miss in 0.27 % (banded.ts); one that has no meaning is absent, never NaN.
 */
import type { Performance } from "./banded.ts";
import { buildBinary, estimateBinary, type BinaryEstimator } from "./binary-estimator.ts";
import { realisedBinary } from "./binary-performance.ts";
import { correctBinary, correctMulticlass, correctRegression, type Corrected } from "./corrected-performance.ts";
import { binaryClasses, classesOf, numberOf, type Label } from "./labels.ts";
import { buildMulticlass, estimateMulticlass, type MulticlassEstimator } from "./multiclass-estimator.ts";
import { realisedMulticlass } from "./multiclass-performance.ts";
import { buildRegression, estimateRegression, type RegressionEstimator } from "./regression-estimator.ts";
import { realisedRegression } from "./regression-performance.ts";

export type { Banded, Performance } from "./banded.ts";
export type { Label } from "./labels.ts";
export { estimatorProblems } from "./estimator-format.ts";

export type Problem = "binary" | "multiclass" | "regression";

export type PerformanceEstimator = BinaryEstimator | MulticlassEstimator | RegressionEstimator;

/** Two classes: the probability (or any score) of the positive one. Regression: what is predicted. Many: a column per class. */
export type Scores = ArrayLike<number> | ReadonlyMap<string, ArrayLike<number>>;

export interface ReferenceColumns {
  /** Where it is not given: by the scores and the answers. */
  readonly problem?: Problem | undefined;
  /** Of two classes, the negative one first; else those of the answers (labels.ts says in which order). */
  readonly classes?: readonly string[] | undefined;
  readonly scores: Scores;
  readonly predictions?: ArrayLike<Label> | undefined;
  readonly actuals: ArrayLike<Label>;
  /** For regression; NaN where a value is missing. */
  readonly features?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  /** Rows of the chunks whose figures are kept for thresholds; a tenth of the rows where it is not given. */
  readonly chunkRows?: number | undefined;
}

/** @throws RangeError, naming the column, where the rows do not allow for an estimator: with one class, or too few. */
export function buildEstimator(columns: ReferenceColumns): { estimator: PerformanceEstimator; notes: readonly string[] } {
  const { scores, predictions, actuals, features, classes, chunkRows } = columns;
  switch (columns.problem ?? problemOf(scores, actuals)) {
    case "binary":
      return buildBinary({ scores: oneColumn(scores, classes), predictions, actuals, classes, chunkRows });
    case "multiclass":
      return buildMulticlass({ scores: columnPerClass(scores), predictions, actuals, classes, chunkRows });
    case "regression":
      return buildRegression({ predictions: oneColumn(scores), actuals, features, chunkRows });
  }
}

export interface UnansweredColumns {
  readonly scores: Scores;
  readonly predictions?: ArrayLike<Label> | undefined;
  readonly features?: ReadonlyMap<string, ArrayLike<number>> | undefined;
}

export function estimatePerformance(estimator: PerformanceEstimator, { scores, predictions, features }: UnansweredColumns): Performance {
  switch (estimator.problem) {
    case "binary":
      return estimateBinary(estimator, { scores: oneColumn(scores, estimator.classes), predictions });
    case "multiclass":
      return estimateMulticlass(estimator, { scores: columnPerClass(scores), predictions });
    case "regression":
      return estimateRegression(estimator, { predictions: oneColumn(scores), features });
  }
}

export interface AnsweredColumns {
  readonly scores?: Scores | undefined;
  readonly predictions?: ArrayLike<Label> | undefined;
  /** Without an answer: null, undefined, NaN or an empty text. */
  readonly actuals: ArrayLike<Label>;
  /** Those of the estimator, where there is one: the answers of a few rows need not show them all. */
  readonly classes?: readonly string[] | undefined;
}

/** @throws RangeError for columns of different lengths, and for more than two classes in a problem of two. */
export function realisedPerformance(problem: Problem, { scores, predictions, actuals, classes }: AnsweredColumns): Performance {
  switch (problem) {
    case "binary": {
      const found = classes ?? classesOf(actuals, predictions ?? []);
      if (found.length === 0) return {};
      return realisedBinary({ scores: scores && oneColumn(scores, classes), predictions }, actuals, twoClasses(actuals, found));
    }
    case "multiclass": {
      const columns = scores && columnPerClass(scores);
      const found = classes ?? classesOf(actuals, predictions ?? [], [...(columns?.keys() ?? [])]);
      return realisedMulticlass({ scores: columns, predictions }, actuals, found);
    }
    case "regression": {
      const predicted = scores === undefined ? predictions : oneColumn(scores);
      return predicted === undefined ? {} : realisedRegression(predicted, actuals);
    }
  }
}

/** The estimate, put right by what answers there are: they must come from a random part of the rows. */
export function correctedPerformance(estimator: PerformanceEstimator, columns: UnansweredColumns & Pick<AnsweredColumns, "actuals">): Corrected {
  switch (estimator.problem) {
    case "binary":
      return correctBinary(estimator, { ...columns, scores: oneColumn(columns.scores, estimator.classes) });
    case "multiclass":
      return correctMulticlass(estimator, { ...columns, scores: columnPerClass(columns.scores) });
    case "regression":
      return correctRegression(estimator, { ...columns, scores: oneColumn(columns.scores) });
  }
}

function problemOf(scores: Scores, actuals: ArrayLike<Label>): Problem {
  if (isPerClass(scores)) return "multiclass";
  const classes = classesOf(actuals);
  if (classes.length <= 2) return "binary";
  const numbers = classes.every((name) => Number.isFinite(numberOf(name)));
  if (!numbers) throw new RangeError(`scores: expected a column for each of ${classes.length} classes, got one`);
  return "regression";
}

function twoClasses(actuals: ArrayLike<Label>, found: readonly string[]): readonly [string, string] {
  return binaryClasses(actuals, found.every((name) => name === "0" || name === "1") ? ["0", "1"] : found);
}

function isPerClass(scores: Scores): scores is ReadonlyMap<string, ArrayLike<number>> {
  return scores instanceof Map;
}

/** Of a column per class, that of the positive one. */
function oneColumn(scores: Scores, classes?: readonly string[]): ArrayLike<number> {
  if (!isPerClass(scores)) return scores;
  const column = scores.get(classes?.at(-1) ?? "1");
  if (column === undefined) throw new RangeError(`scores: expected one column, got one for each of ${[...scores.keys()].join(", ") || "no classes"}`);
  return column;
}

function columnPerClass(scores: Scores): ReadonlyMap<string, ArrayLike<number>> {
  if (!isPerClass(scores)) throw new RangeError("scores: expected a column for each class, got one");
  return scores;
}
