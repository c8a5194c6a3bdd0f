/**
 * What probabilities lose against what happened: logarithmic loss and Brier's score, with the standard error of their mean.
 *
 * Answers are probabilities of being positive, 0 and 1 where they are known; then these are `logLoss` and `brier` of
 * classification.ts. Where they are not known, the loss of either answer counts as much as that answer is likely.
 */
import type { Estimate } from "./banded.ts";
import type { ScoredRows } from "./ranking.ts";

/** A certain error counts as one of 1e-15, to stay finite. */
export const logarithmic = (likelihood: number): number => -Math.log(Math.max(1e-15, likelihood));
export const quadratic = (likelihood: number): number => (1 - likelihood) ** 2;

export function isProbability(scores: ArrayLike<number>): boolean {
  for (let row = 0; row < scores.length; row += 1) if (!((scores[row] as number) >= 0 && (scores[row] as number) <= 1)) return false;
  return true;
}

/** Undefined without rows, or with a score that is no probability. */
export function meanLoss({ scores, likelihoods, weights }: ScoredRows, loss: (likelihood: number) => number): Estimate | undefined {
  let rows = 0;
  let total = 0;
  let squares = 0;
  for (let row = 0; row < scores.length; row += 1) {
    const score = scores[row] as number;
    if (!(score >= 0 && score <= 1)) return undefined;
    const weight = weights === undefined ? 1 : (weights[row] as number);
    const likelihood = likelihoods[row] as number;
    const asPositive = loss(score);
    const asNegative = loss(1 - score);
    rows += weight;
    total += weight * (likelihood * asPositive + (1 - likelihood) * asNegative);
    squares += weight * (likelihood * asPositive ** 2 + (1 - likelihood) * asNegative ** 2);
  }
  if (!(rows > 0)) return undefined;
  const value = total / rows;
  return { value, standardError: Math.sqrt(Math.max(0, squares / rows - value ** 2) / rows) };
}
