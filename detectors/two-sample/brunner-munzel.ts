/**
 * Brunner-Munzel test, two-sided: does a value of one sample exceed one of the other more often than not, whatever their
 * spreads? Where Mann-Whitney takes both distributions to have the same shape, this one does not.
 *
 * The statistic is positive where the second sample is the greater one; Student's t with Satterthwaite's degrees of freedom,
 * which asks for some ten values a sample. Cost: O(n log n). Samples that do not overlap: see separation.ts.
 * Source: E. Brunner and U. Munzel, The Nonparametric Behrens-Fisher Problem (2000).
 */
import { sortedSample } from "../distance/empirical-distribution.ts";
import { studentSurvival } from "../special/student.ts";
import { pooledRanks } from "./pooled-ranks.ts";
import { separation } from "./separation.ts";
import type { TestResult } from "./test-result.ts";

/** @throws RangeError for fewer than two values a sample and for one that is not a finite number. */
export function brunnerMunzel(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const [n, m] = [a.length, b.length];
  if (n < 2 || m < 2) throw new RangeError(`brunnerMunzel: expected two values or more a sample, got ${n} and ${m}`);
  const [sortedA, sortedB] = [sortedSample("brunnerMunzel", a), sortedSample("brunnerMunzel", b)];
  const ranks = pooledRanks(sortedA, sortedB);
  const difference = mean(ranks.b) - mean(ranks.a);
  const spreadA = n * placementVariance(ranks.a, sortedA);
  const spreadB = m * placementVariance(ranks.b, sortedB);
  const spread = spreadA + spreadB;
  if (spread === 0) return separation(Math.sign(difference), n, m);

  const statistic = (n * m * difference) / ((n + m) * Math.sqrt(spread));
  const degrees = spread ** 2 / (spreadA ** 2 / (n - 1) + spreadB ** 2 / (m - 1));
  return { statistic, p: 2 * studentSurvival(Math.abs(statistic), degrees) };
}

/** Variance of each value's placement: its rank among all less its rank in its own sample. */
function placementVariance(ranks: Float64Array, sorted: Float64Array): number {
  const own = pooledRanks(sorted, new Float64Array(0)).a;
  const placements = ranks.map((rank, index) => rank - (own[index] as number));
  const centre = mean(placements);
  return placements.reduce((sum, placement) => sum + (placement - centre) ** 2, 0) / (ranks.length - 1);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
