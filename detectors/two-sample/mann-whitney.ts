/**
 * Mann-Whitney U test (Wilcoxon's rank sum), two-sided: does a value of one sample exceed one of the other more often than
 * not? The statistic is U of the first sample: of all pairs, those in which it is greater, ties counting half.
 *
 * Exact where there are no ties, one sample has eight values at most and there are no more than 10,000 pairs; else normal,
 * corrected for ties and continuity. Cost: O(n log n), and at most some 0.1 s for the exact count.
 * Source: H. Mann and D. Whitney, On a Test of Whether one of Two Random Variables is Stochastically Larger (1947).
 */
import { sortedSample } from "../distance/empirical-distribution.ts";
import { logChoose } from "../special/binomial.ts";
import { normalSurvival } from "../special/normal.ts";
import { pooledRanks } from "./pooled-ranks.ts";
import type { TestResult } from "./test-result.ts";

const exactValuesMax = 8;
const exactPairsMax = 10_000;

/** @throws RangeError for an empty sample and for a value that is not a finite number. */
export function mannWhitney(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const ranks = pooledRanks(sortedSample("mannWhitney", a), sortedSample("mannWhitney", b));
  const [n, m] = [a.length, b.length];
  const pairs = n * m;
  const statistic = ranks.a.reduce((sum, rank) => sum + rank, 0) - (n * (n + 1)) / 2;
  const greater = Math.max(statistic, pairs - statistic);
  if (ranks.ties === 0 && Math.min(n, m) <= exactValuesMax && pairs <= exactPairsMax) {
    return { statistic, p: Math.min(1, 2 * exactTail(pairs - greater, Math.min(n, m), Math.max(n, m))) };
  }
  const rows = n + m;
  const variance = (pairs / 12) * (rows + 1 - ranks.ties / (rows * (rows - 1)));
  if (variance <= 0) return { statistic, p: 1 }; // every value is the same
  return { statistic, p: Math.min(1, 2 * normalSurvival((greater - pairs / 2 - 0.5) / Math.sqrt(variance))) };
}

/** P(U <= u): of the ways to order `few` and `many` values, those in which the few win `u` pairs or fewer. */
function exactTail(u: number, few: number, many: number): number {
  // ways[i][k]: in how many orders of i of the few, with the many that have joined so far, the few win k pairs.
  const ways = Array.from({ length: few + 1 }, () => Float64Array.from({ length: u + 1 }, (_, k) => (k === 0 ? 1 : 0)));
  for (let joined = 1; joined <= many; joined += 1) {
    for (let i = 1; i <= few; i += 1) {
      const [all, fewer] = [ways[i] as Float64Array, ways[i - 1] as Float64Array];
      for (let k = joined; k <= u; k += 1) all[k]! += fewer[k - joined] as number;
    }
  }
  const sum = (ways[few] as Float64Array).reduce((total, count) => total + count, 0);
  return sum * Math.exp(-logChoose(few + many, few));
}
