/**
 * Kuiper's test: the greatest gap upwards and the greatest gap downwards between two distribution functions, added up.
 * It sees a change of spread as well as one of place, and does not mind where a circle, say the hours of a day, is cut.
 *
 * Its probability is that of one sample of nm / (n + m) draws. Cost: O(n log n).
 * Source: N. Kuiper, Tests concerning random points on a circle (1960).
 */
import { empiricalDistribution, walkGaps } from "../distance/empirical-distribution.ts";
import { logChoose } from "../special/binomial.ts";
import { kuiperSurvival } from "../special/kuiper.ts";
import type { TestResult } from "./test-result.ts";

/** @throws RangeError for an empty sample and for a value that is not a finite number. */
export function kuiper(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  let up = 0;
  let down = 0;
  walkGaps(empiricalDistribution("kuiper", a), empiricalDistribution("kuiper", b), (gap) => {
    up = Math.max(up, gap);
    down = Math.max(down, -gap);
  });
  const statistic = up + down;
  const [n, m] = [a.length, b.length];
  const p = kuiperSurvival(statistic, Math.max(1, Math.round((n * m) / (n + m))));
  // Nothing is less likely than samples that lie wholly apart on a circle, which may be cut at any of n + m places.
  return { statistic, p: Math.max(p, Math.min(1, (n + m) * Math.exp(-logChoose(n + m, n)))) };
}
