/**
 * Gamma-exponential mixture: the boundary for sums whose deviations have tails no heavier than an exponential variable's,
 * of scale `c`. Empirical-Bernstein intervals rest on it (mean-sequence.ts).
 *
 * Source: Howard et al. (mixture.ts), proposition 9, here in parts that keep their digits for large v.
 */
import { lowerGamma } from "../special/gamma.ts";
import { deviance, stirlingError } from "../special/stirling.ts";
import { mixtureBound, mixturePrecision, type Mixture, type MixtureTuning } from "./mixture.ts";

/** One-sided. Cost: a boundary takes 20 to 40 microseconds, more for v above a million. */
export function gammaExponential({ c, ...tuning }: Omit<MixtureTuning, "sides"> & { readonly c: number }): Mixture {
  if (!(c > 0 && c < Infinity)) throw new RangeError(`gammaExponential: c must be above 0, got ${c}`);
  const shape = mixturePrecision(tuning) / c ** 2;
  const whole = logLowerPart(shape, shape);

  /** `s` is above -v/c - rho/c, below which the evidence is none. */
  function logEvidence(s: number, v: number): number {
    const at = v / c ** 2 + shape;
    return s / c + at > 0 ? logLowerPart(at, s / c + at) - whole : -Infinity;
  }
  return { logEvidence, bound: (v, alpha) => mixtureBound(logEvidence, v, alpha) };
}

/** The logarithm of Γ(a) P(a, x) x^-a e^x, with P the regularised lower incomplete gamma function. */
function logLowerPart(a: number, x: number): number {
  return Math.log((2 * Math.PI) / a) / 2 + stirlingError(a) + deviance(a, x) + Math.log(lowerGamma(a, x));
}
