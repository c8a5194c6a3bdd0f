/**
 * Evidence that a rate is above a bound: what a bet on all greater rates, in the proportions of a beta distribution, has won
 * after so many successes. Where the rate is the bound's or less, at each trial given all before it, the bet gains nothing on
 * average, so it is ever worth 1/alpha with probability alpha at most, however often one looks (Ville's inequality).
 *
 * Successes may be fractions, which is how a batch of events becomes one trial: of a share x between 0 and 1 whose mean is
 * the bound's or less the bet wins no more than of zeros and ones, because a^x b^(1-x) lies below x a + (1 - x) b.
 *
 * Source: H. Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41
 * (1970); the closed form is the beta-binomial's with its prior cut off at the bound (S. Howard et al., Time-uniform,
 * nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49 (2021), proposition 7).
 */
import { logBeta, logBetaSurvival } from "../special/beta.ts";

/** The bet's proportions: those of a beta distribution with these shapes, as far as it lies above the bound. */
export interface RatePrior {
  readonly a: number;
  readonly b: number;
}

/** All rates alike. */
export const evenPrior: RatePrior = { a: 1, b: 1 };

/**
 * Natural logarithm of the evidence.
 *
 * @param bound above 0 and below 1.
 * @param successes, failures 0 or more, fractions allowed.
 * Cost: some microseconds, as the square root of the trials.
 */
export function evidenceAbove(bound: number, successes: number, failures: number, { a, b }: RatePrior = evenPrior): number {
  if (!(bound > 0 && bound < 1)) throw new RangeError(`evidenceAbove: the bound must be above 0 and below 1, got ${bound}`);
  if (!(successes >= 0 && failures >= 0 && successes + failures < Infinity)) {
    throw new RangeError(`evidenceAbove: successes and failures must be 0 or more, got ${successes} and ${failures}`);
  }
  if (successes + failures === 0) return 0;
  const won = logBeta(a + successes, b + failures) + logBetaSurvival(bound, a + successes, b + failures);
  return won - logBeta(a, b) - logBetaSurvival(bound, a, b) - successes * Math.log(bound) - failures * Math.log1p(-bound);
}

/** The same for a rate below the bound. */
export function evidenceBelow(bound: number, successes: number, failures: number, { a, b }: RatePrior = evenPrior): number {
  return evidenceAbove(1 - bound, failures, successes, { a: b, b: a });
}
