/**
 * Confidence sequence of one quantile: an interval for every count so far, all of which hold together with probability
 * 1 - alpha, whatever the distribution. For exported latencies' p50, p95 and p99.
 *
 * Each value lies at or below the q-quantile with probability q; so how many do is a count of successes, and a confidence
 * sequence of its rate says between which two of the sorted values the quantile lies. It needs their number and a look-up
 * of sorted values, nothing else: a sample, or a sketch, whose own error then comes on top.
 *
 * Source: S. Howard and A. Ramdas, Sequential estimation of quantiles, Bernoulli 28 (2022), theorem 1, with the beta-binomial
 * mixture. Values must be independent.
 */
import { checkAlpha, type Interval } from "./interval.ts";
import { evidenceAgainstRate, ratePrior, type RateTuning } from "./rate-sequence.ts";

/** What `quantileSketch` of reference/quantiles.ts answers, of one state. */
export interface SortedValues {
  readonly count: number;
  /** The value of rank q (count - 1), from 0, of the sorted values; where that is not whole, one at either side or between. */
  quantile(q: number): number | undefined;
}

/** Infinite where there are too few values to know. Cost: 10 microseconds and two look-ups. */
export function quantileSequence(values: SortedValues, q: number, alpha: number, tuning: RateTuning = {}): Interval {
  const { count } = values;
  const { lower, upper } = quantileRanks(count, q, alpha, tuning);
  // Rounding may make of a whole rank one a little below; a lower end may take the value before its own, an upper end not.
  return {
    lower: lower === 0 ? -Infinity : (values.quantile(count === 1 ? 0 : (lower - 1) / (count - 1)) ?? -Infinity),
    upper: upper > count ? Infinity : (values.quantile(count === 1 ? 1 : Math.min(1, (upper - 0.5) / (count - 1))) ?? Infinity),
  };
}

/**
 * Between which of `n` sorted values the q-quantile lies: ranks from 1, ends included; 0 is below them all, n + 1 above.
 * Cost: 10 microseconds.
 */
export function quantileRanks(n: number, q: number, alpha: number, tuning: RateTuning = {}): Interval {
  checkAlpha("quantileSequence", alpha);
  if (!(q > 0 && q < 1)) throw new RangeError(`quantileSequence: q must be between 0 and 1, got ${q}`);
  if (!(Number.isInteger(n) && n >= 0)) throw new RangeError(`quantileSequence: expected a whole number of values, got ${n}`);
  const prior = ratePrior(tuning);
  const threshold = Math.log(1 / alpha);
  return { lower: leastCount(n, q, threshold, prior), upper: n - leastCount(n, 1 - q, threshold, prior) + 1 };
}

/** The least number of successes among `n` that is no proof against a rate of `p`. */
function leastCount(n: number, p: number, threshold: number, prior: number): number {
  let low = -1;
  let high = Math.floor(n * p);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (evidenceAgainstRate(p, middle, n, prior) >= threshold) low = middle;
    else high = middle;
  }
  return high;
}
