/**
 * How often two classes were told apart: the four counts of predictions against answers, and the rates made of them.
 *
 * Answers are probabilities of being positive, 0 and 1 where they are known, so the counts need not be whole. The standard
 * errors are those of independent rows: of a rate, the binomial one; of F1, by the delta method.
 */
import type { Estimate } from "./banded.ts";

export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** @param predicted the share of an entry's rows that were predicted as positive: 0 or 1 for a row. */
export function confusion(predicted: ArrayLike<number>, likelihoods: ArrayLike<number>, weights?: ArrayLike<number>): Confusion {
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  let trueNegatives = 0;
  for (let row = 0; row < likelihoods.length; row += 1) {
    const weight = weights === undefined ? 1 : (weights[row] as number);
    const yes = weight * (predicted[row] as number);
    const no = weight - yes;
    const likelihood = likelihoods[row] as number;
    truePositives += yes * likelihood;
    falsePositives += yes * (1 - likelihood);
    falseNegatives += no * likelihood;
    trueNegatives += no * (1 - likelihood);
  }
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

export const rateNames = ["accuracy", "precision", "recall", "specificity", "f1"] as const;
export type RateName = (typeof rateNames)[number];

/** A rate is so many successes of so many trials. F1 is none itself, but `2q/(1+q)` of one, that of Jaccard. */
export function trials(name: RateName, cells: Confusion): { readonly successes: number; readonly of: number } {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = cells;
  switch (name) {
    case "accuracy":
      return { successes: truePositives + trueNegatives, of: truePositives + falsePositives + falseNegatives + trueNegatives };
    case "precision":
      return { successes: truePositives, of: truePositives + falsePositives };
    case "recall":
      return { successes: truePositives, of: truePositives + falseNegatives };
    case "specificity":
      return { successes: trueNegatives, of: trueNegatives + falsePositives };
    case "f1":
      return { successes: truePositives, of: truePositives + falsePositives + falseNegatives };
  }
}

/** From Jaccard's rate to F1; the same order, the same ends. */
export function f1OfJaccard(jaccard: number): number {
  return (2 * jaccard) / (1 + jaccard);
}

/** Undefined where there is nothing to take the rate of. */
export function rate(name: RateName, cells: Confusion): Estimate | undefined {
  const { successes, of } = trials(name, cells);
  if (!(of > 0)) return undefined;
  const share = Math.min(1, successes / of);
  // Never less than the error of one row, so that a rate of exactly 0 or 1 has a band too.
  const error = Math.max(Math.sqrt((share * (1 - share)) / of), 1 / (of + 1));
  if (name !== "f1") return { value: share, standardError: error };
  return { value: f1OfJaccard(share), standardError: (2 * error) / (1 + share) ** 2 };
}
