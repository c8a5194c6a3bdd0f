/**
 * Is the model sure enough of its answer to give it? Below a threshold the question goes to the next rung or to a person, or
 * the answer goes out with a flag. Pure; the threshold is chosen once, each answer costs one look at its scores.
 *
 * Where the reference holds an estimator, confidence is the calibrated probability that the answer is right, else the score's
 * own word for it. A batch is as sure as its least sure row, since it gets one answer.
 */
import { likelihoodsOf } from "../../detectors/performance/calibrator.ts";
import type { Scores } from "../../detectors/performance/estimator.ts";
import { classLikelihoods } from "../../detectors/performance/multiclass-estimator.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import type { ConfidenceOptions } from "./options.ts";
import { pointFor, riskCoverage, scoredRows } from "./risk-coverage.ts";

export interface ConfidenceRule {
  readonly threshold: number;
  readonly below: ConfidenceOptions["below"];
  /** Of the reference: the share of answers that pass, and how many of them are right. Unknown for a constant and for many classes. */
  readonly coverage: number | undefined;
  readonly accuracy: number | undefined;
}

export type Chosen =
  | { readonly ok: true; readonly rule: ConfidenceRule }
  | {
      readonly ok: false;
      readonly reason:
        | "off"
        | "no-estimator" // an accuracy is asked for, and the reference was made without true answers
        | "regression" // the model predicts numbers, which are not right or wrong
        | "unreachable"; // not even the surest answers are so right
    };

/** Cost: one sort of at most a few hundred bins. */
export function confidenceRule({ accept: accepted, below }: ConfidenceOptions, reference?: Reference): Chosen {
  if (accepted === undefined) return { ok: false, reason: "off" };
  if ("confidence" in accepted) return { ok: true, rule: { threshold: accepted.confidence, below, coverage: undefined, accuracy: undefined } };
  const estimator = reference?.estimator;
  if (reference === undefined || estimator === undefined) return { ok: false, reason: "no-estimator" };
  if (estimator.problem === "regression") return { ok: false, reason: "regression" };
  // Nothing is kept of how the scores of many classes go together; but if each answer is right so probably, so many are.
  if (estimator.problem === "multiclass") return { ok: true, rule: { threshold: accepted.accuracy, below, coverage: undefined, accuracy: undefined } };
  const point = pointFor(riskCoverage(scoredRows(estimator, reference.score)), accepted.accuracy, reference.rows);
  return point === undefined ? { ok: false, reason: "unreachable" } : { ok: true, rule: { ...point, below } };
}

/**
 * How sure the model is of each row of an answer.
 *
 * @param scores the probability of the positive class (or a score that the estimator knows how to read), or a column for each class.
 * @returns from 0 to 1 a row; NaN where a score is missing or no probability.
 */
export function confidences(scores: Scores, estimator?: Reference["estimator"]): Float64Array {
  if (scores instanceof Map) {
    const columns = scores as ReadonlyMap<string, ArrayLike<number>>;
    if (estimator?.problem === "multiclass") return ofSurest([...columns.values()], classLikelihoods(estimator, { scores: columns }) ?? [...columns.values()], estimator.classes, [...columns.keys()]);
    const positive = estimator?.problem === "binary" ? columns.get(estimator.classes[1]) : undefined;
    return positive === undefined ? ofSurest([...columns.values()], [...columns.values()]) : confidences(positive, estimator);
  }
  const one = scores as ArrayLike<number>;
  const binary = estimator?.problem === "binary" ? estimator : undefined;
  const threshold = binary?.threshold;
  return likelihoodsOf(one, binary?.calibration).map((likelihood, row) => {
    const positive = threshold === undefined ? likelihood >= 0.5 : (one[row] as number) >= threshold;
    return positive ? likelihood : 1 - likelihood;
  });
}

/** The likelihood of the class with the greatest score, which is the one that the model answers with. */
function ofSurest(scores: readonly ArrayLike<number>[], likelihoods: readonly ArrayLike<number>[], order?: readonly string[], names?: readonly string[]): Float64Array {
  const placeOf = (column: number) => (order === undefined || names === undefined ? column : order.indexOf(names[column] as string));
  return Float64Array.from({ length: scores[0]?.length ?? 0 }, (_, row) => {
    let surest = 0;
    for (let column = 0; column < scores.length; column += 1) {
      const score = scores[column]![row] as number;
      if (!Number.isFinite(score)) return Number.NaN;
      if (score > (scores[surest]![row] as number)) surest = column;
    }
    const likelihood = likelihoods[placeOf(surest)]?.[row] ?? Number.NaN;
    return likelihood >= 0 && likelihood <= 1 ? likelihood : Number.NaN;
  });
}

export interface ConfidenceDecision {
  readonly decision: "answer" | ConfidenceOptions["below"];
  /** Of the least sure row; undefined where no row's could be told. */
  readonly confidence: number | undefined;
  /** The first rows below the threshold, at most 20, and how many there are. */
  readonly rows: readonly number[];
  readonly count: number;
}

const rowsMax = 20;

/** An answer whose confidence can not be told at all is given as it is; in a batch where others can, such a row is not sure. */
export function judgeConfidence(of: ArrayLike<number>, { threshold, below }: Pick<ConfidenceRule, "threshold" | "below">): ConfidenceDecision {
  let least: number | undefined;
  let count = 0;
  const rows: number[] = [];
  for (let row = 0; row < of.length; row += 1) {
    const confidence = of[row] as number;
    if (confidence < (least ?? Infinity)) least = confidence;
    if (confidence >= threshold) continue;
    count += 1;
    if (rows.length < rowsMax) rows.push(row);
  }
  if (least === undefined) return { decision: "answer", confidence: undefined, rows: [], count: 0 };
  return { decision: count > 0 ? below : "answer", confidence: least, rows, count };
}
