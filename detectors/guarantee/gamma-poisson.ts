/**
 * Gamma-Poisson mixture: the boundary for sums whose deviations have tails no heavier than a centred Poisson count's, in
 * units of `c`: increments that are at most `c` above what is expected.
 *
 * Source: Howard et al. (mixture.ts), proposition 10, here in parts that keep their digits for large v.
 */
import { upperGamma } from "../special/gamma.ts";
import { deviance, stirlingError } from "../special/stirling.ts";
import { mixtureBound, mixturePrecision, type Mixture, type MixtureTuning } from "./mixture.ts";

/** One-sided. Cost: a boundary takes 20 to 40 microseconds, more for v above a million. */
export function gammaPoisson({ c, ...tuning }: Omit<MixtureTuning, "sides"> & { readonly c: number }): Mixture {
  if (!(c > 0 && c < Infinity)) throw new RangeError(`gammaPoisson: c must be above 0, got ${c}`);
  const shape = mixturePrecision(tuning) / c ** 2;
  const whole = logUpperPart(shape, shape);

  /** `s` is above -v/c - rho/c, below which the evidence is none. */
  function logEvidence(s: number, v: number): number {
    const at = v / c ** 2 + shape;
    return s / c + at > 0 ? logUpperPart(s / c + at, at) - whole : -Infinity;
  }
  return { logEvidence, bound: (v, alpha) => mixtureBound(logEvidence, v, alpha) };
}

/** The logarithm of Γ(a) Q(a, x) x^-a e^x, with Q the regularised upper incomplete gamma function. */
function logUpperPart(a: number, x: number): number {
  return Math.log((2 * Math.PI) / a) / 2 + stirlingError(a) + deviance(a, x) + Math.log(upperGamma(a, x));
}
