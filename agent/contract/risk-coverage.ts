/**
 * How right a classifier is on the answers that it is surest of: for each threshold on its confidence the share of answers at
 * or above it (coverage) and how many of these are right (accuracy; the risk is what is left to 1). A constant threshold of
 * 0.7 means something else for every model; the share of right answers that people can accept means the same.
 *
 * The curve is made from what the reference's estimator keeps: the mean score of each bin, the probability of the positive
 * class there, calibrated against true answers, and from the reference's scores how many rows a bin holds. An answer is right
 * with the probability of the class that the model decides for, by its own threshold where it has one.
 *
 * Source: R. El-Yaniv and Y. Wiener, On the foundations of noise-free selective classification, JMLR 11 (2010); Y. Geifman and
 * R. El-Yaniv, Selective classification for deep neural networks, 2017, who bound the risk of the threshold chosen, too.
 */
import type { BinaryEstimator } from "../../detectors/performance/binary-estimator.ts";
import type { NumericReference, Reference } from "../../detectors/reference/reference.ts";

export interface CoveragePoint {
  /** Answers with at least this confidence. */
  readonly threshold: number;
  /** Their share of all. */
  readonly coverage: number;
  /** The share of them that is right. */
  readonly accuracy: number;
}

export interface Scored {
  /** The probability that the answer is right. */
  readonly confidence: number;
  /** How many rows there are of it. */
  readonly weight: number;
}

/** By falling threshold, so by rising coverage; ends at 1. Rows of one confidence are one point. Empty without rows. */
export function riskCoverage(scored: readonly Scored[]): readonly CoveragePoint[] {
  const sorted = scored.filter(({ weight }) => weight > 0).sort((a, b) => b.confidence - a.confidence);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const points: CoveragePoint[] = [];
  let rows = 0;
  let right = 0;
  for (const [i, { confidence, weight }] of sorted.entries()) {
    rows += weight;
    right += weight * confidence;
    if (sorted[i + 1]?.confidence !== confidence) points.push({ threshold: confidence, coverage: Math.min(1, rows / total), accuracy: Math.min(1, right / rows) });
  }
  return points;
}

/** One-sided, 95 %. */
const z = 1.6449;

/**
 * The point of the widest coverage whose accuracy is at least so high even at the lower end of Wilson's interval, given how
 * many rows the curve was made of; undefined where there is none.
 */
export function pointFor(curve: readonly CoveragePoint[], accuracyMin: number, rows: number): CoveragePoint | undefined {
  return curve.findLast(({ coverage, accuracy }) => wilsonLower(accuracy, coverage * rows) >= accuracyMin);
}

function wilsonLower(share: number, rows: number): number {
  const centre = share + (z * z) / (2 * rows);
  const margin = z * Math.sqrt((share * (1 - share)) / rows + (z * z) / (4 * rows * rows));
  return (centre - margin) / (1 + (z * z) / rows);
}

/** The reference's rows by how sure the model was of them. */
export function scoredRows({ bins, threshold }: BinaryEstimator, score: Reference["score"]): readonly Scored[] {
  const { edges, scores, likelihoods } = bins;
  const below = score?.kind === "numeric" ? shareBelow(score) : undefined;
  return scores.map((at, bin) => {
    const likelihood = likelihoods[bin] as number;
    const positive = threshold === undefined ? likelihood >= 0.5 : at >= threshold;
    const upper = bin < edges.length ? edges[bin] as number : Infinity;
    const lower = bin > 0 ? edges[bin - 1] as number : -Infinity;
    // The bins were cut for equal weight, should nothing else be known.
    return { confidence: positive ? likelihood : 1 - likelihood, weight: below === undefined ? 1 : below(upper) - below(lower) };
  });
}

/** The share of the reference's finite values at or below a value: exact at the edges of its cells, even within a cell. */
function shareBelow({ edges, counts, min, max }: NumericReference): (value: number) => number {
  const ends = [...edges, max];
  const cumulated: number[] = [];
  for (let cell = 0; cell < ends.length; cell += 1) cumulated.push((cumulated[cell - 1] ?? 0) + (counts[cell] as number));
  const total = cumulated.at(-1) as number;
  return (value) => {
    if (value >= max || total === 0) return 1;
    if (value < min) return 0;
    const cell = ends.findIndex((end) => value <= end);
    const [from, to] = [ends[cell - 1] ?? min, ends[cell] as number];
    const within = to > from ? (value - from) / (to - from) : 1;
    return ((cumulated[cell - 1] ?? 0) + within * (counts[cell] as number)) / total;
  };
}
