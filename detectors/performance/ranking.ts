/**
 * How well a score puts positives above negatives: area under the receiver operating characteristic, and average precision,
 * each with its standard error.
 *
 * Each row bears the probability that it is positive. Where the answers are known these are 0 and 1, the figures are the
 * usual ones, and the error of the area is DeLong's. Where they are not, a calibrated probability counts as that much of a
 * positive and the rest as a negative: the estimate of NannyML (confidence-based performance estimation). Rows of equal
 * score count half against each other, in either case, so their order does not matter.
 *
 * Sources: E. DeLong, D. DeLong and D. Clarke-Pearson, Biometrics 44 (1988), by its influence functions; the error of
 * average precision by the delta method. Cost: a sort.
 */
import type { Estimate } from "./banded.ts";
import { missProbability, standardErrors } from "./banded.ts";

export interface ScoredRows {
  /** Higher is more positive; all finite. */
  readonly scores: ArrayLike<number>;
  /** The probability that a row is positive. */
  readonly likelihoods: ArrayLike<number>;
  /** How many rows an entry stands for; 1 where there are none. */
  readonly weights?: ArrayLike<number> | undefined;
}

/** Rows of equal score, highest first. */
interface Ties {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  /** Of rows that may be either: their probability times its complement, summed. */
  readonly doubts: Float64Array;
}

export interface Ranking {
  readonly rocAuc: Estimate;
  readonly averagePrecision: Estimate;
}

/** Undefined where there are no positives or no negatives. */
export function ranking(rows: ScoredRows): Ranking | undefined {
  const ties = tiesOf(rows);
  const positives = sum(ties.positives);
  const negatives = sum(ties.negatives);
  if (!(positives > 0 && negatives > 0)) return undefined;
  return { rocAuc: rocAuc(ties, positives, negatives), averagePrecision: averagePrecision(ties, positives) };
}

function tiesOf({ scores, likelihoods, weights }: ScoredRows): Ties {
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => (scores[b] as number) - (scores[a] as number));
  const positives = new Float64Array(order.length);
  const negatives = new Float64Array(order.length);
  const doubts = new Float64Array(order.length);
  let ties = -1;
  let last = Number.NaN;
  for (const row of order) {
    const score = scores[row] as number;
    if (score !== last) ties += 1;
    last = score;
    const weight = weights === undefined ? 1 : (weights[row] as number);
    const likelihood = likelihoods[row] as number;
    positives[ties]! += weight * likelihood;
    negatives[ties]! += weight * (1 - likelihood);
    doubts[ties]! += weight * likelihood * (1 - likelihood);
  }
  const distinct = ties + 1;
  return { positives: positives.subarray(0, distinct), negatives: negatives.subarray(0, distinct), doubts: doubts.subarray(0, distinct) };
}

function rocAuc(ties: Ties, positives: number, negatives: number): Estimate {
  let above = 0;
  let right = 0;
  for (let i = 0; i < ties.positives.length; i += 1) {
    right += (ties.negatives[i] as number) * (above + (ties.positives[i] as number) / 2);
    above += ties.positives[i] as number;
  }
  const value = Math.min(1, right / (positives * negatives));

  // How far each positive's share of negatives below it, and each negative's share of positives above it, lies from the area.
  let positivesAbove = 0;
  let negativesAbove = 0;
  let ofPositives = 0;
  let ofNegatives = 0;
  for (let i = 0; i < ties.positives.length; i += 1) {
    const positive = ties.positives[i] as number;
    const negative = ties.negatives[i] as number;
    ofPositives += positive * (1 - (negativesAbove + negative / 2) / negatives - value) ** 2;
    ofNegatives += negative * ((positivesAbove + positive / 2) / positives - value) ** 2;
    positivesAbove += positive;
    negativesAbove += negative;
  }
  const variance = ofPositives / (positives * Math.max(1, positives - 1)) + ofNegatives / (negatives * Math.max(1, negatives - 1));
  return { value, standardError: Math.max(Math.sqrt(variance), leastError(value, Math.min(positives, negatives))) };
}

/** Rows in perfect order have no spread; what they prove is what as many independent pairs, all of them right, would. */
function leastError(value: number, pairs: number): number {
  return value === 0 || value === 1 || pairs <= 1 ? (1 - (missProbability / 2) ** (1 / Math.max(1, pairs))) / standardErrors : 0;
}

/** The mean over the positives of the precision at their score, as scikit-learn has it. */
function averagePrecision(ties: Ties, positives: number): Estimate {
  const { length } = ties.positives;
  const precisions = new Float64Array(length);
  const predicted = new Float64Array(length);
  let total = 0;
  let found = 0;
  let all = 0;
  for (let i = 0; i < length; i += 1) {
    const here = ties.positives[i] as number;
    found += here;
    all += here + (ties.negatives[i] as number);
    predicted[i] = all;
    // A row that is positive is wholly so: as seen from it, what is in doubt about itself is one of those found.
    precisions[i] = here > 0 ? (found + (ties.doubts[i] as number) / here) / all : 0;
    total += here * (precisions[i] as number);
  }
  const value = total / positives;

  // One row more: adds its own precision where it is positive, and moves the precision of all positives at or below it.
  let raises = 0;
  let lowers = 0;
  let squares = 0;
  for (let i = length - 1; i >= 0; i -= 1) {
    const here = ties.positives[i] as number;
    const at = precisions[i] as number;
    if (here > 0) {
      raises += here / (predicted[i] as number);
      lowers += (here * at) / (predicted[i] as number);
    }
    squares += here * (at - value + raises - lowers) ** 2 + (ties.negatives[i] as number) * lowers ** 2;
  }
  return { value, standardError: Math.sqrt(squares) / positives };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
