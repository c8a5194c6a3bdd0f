/**
 * Binomial densities and coefficients that keep their digits for any number of trials.
 * Source: C. Loader, Fast and Accurate Computation of Binomial Probabilities (2000).
 */
import { logBeta } from "./beta.ts";
import { deviance, stirlingError } from "./stirling.ts";

/** The probability of `k` successes in `n` trials, each with probability `p` or else `q`, that is 1 - p. */
export function binomialDensity(k: number, n: number, p: number, q = 1 - p): number {
  if (k === 0) return q < p ? q ** n : Math.exp(n * Math.log1p(-p));
  if (k === n) return p < q ? p ** n : Math.exp(n * Math.log1p(-q));
  if (p <= 0 || q <= 0) return 0;
  const rest = n - k;
  const errors = stirlingError(n) - stirlingError(k) - stirlingError(rest);
  return Math.sqrt(n / (2 * Math.PI * k * rest)) * Math.exp(errors - deviance(k, n * p) - deviance(rest, n * q));
}

/** The logarithm of the number of ways to choose `k` of `n`. */
export function logChoose(n: number, k: number): number {
  return k === 0 || k === n ? 0 : -logBeta(k + 1, n - k + 1) - Math.log(n + 1);
}
