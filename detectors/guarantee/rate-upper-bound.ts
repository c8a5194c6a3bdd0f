/**
 * Upper confidence bound of a rate that was counted in a reference: the baseline that an e-detector can be promised with.
 *
 * Clopper and Pearson's exact bound: whatever the rate, it is above it with the asked confidence or more. Wilson's bound, a
 * little simpler, is as wide or wider for small rates (at 99 %: 0.136 for both of 50 in 500; 0.011 against 0.009 of 0 in
 * 500) and falls short of its confidence for rates near 1. With this baseline a false alarm comes within t values with
 * probability t/A + 1 - confidence at most. The price is delay: what lies between the rate and its bound can not be seen
 * (detectable-rise.ts says how much that is). A rise from 10 % to 15 %, at A = 100,000 and 99 %, is found after 830 values
 * with a reference of 10,000, 1,350 with 2,000, and with 500 in half the cases not within 5,000; while the average of those
 * 500 for a baseline would raise 12 times the false alarms that A allows.
 *
 * Source: C. Clopper and E. Pearson, Biometrika 26 (1934).
 */
import { betaQuantile } from "../special/beta.ts";

/**
 * @param successes of `n` independent trials; the rate is that of successes, whatever they are called.
 * @returns 0 to 1; 1 where all succeeded or there were none.
 */
export function rateUpperBound(successes: number, n: number, confidence: number): number {
  check("rateUpperBound", successes, n, confidence);
  return successes === n ? 1 : betaQuantile(confidence, successes + 1, n - successes);
}

/** The same from below, for an alarm on a fall. */
export function rateLowerBound(successes: number, n: number, confidence: number): number {
  check("rateLowerBound", successes, n, confidence);
  return successes === 0 ? 0 : betaQuantile(1 - confidence, successes, n - successes + 1);
}

function check(name: string, successes: number, n: number, confidence: number): void {
  if (!(Number.isInteger(n) && Number.isInteger(successes) && successes >= 0 && n >= successes)) {
    throw new RangeError(`${name}: expected whole numbers of successes among trials, got ${successes} of ${n}`);
  }
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`${name}: confidence must be between 0 and 1, got ${confidence}`);
}
