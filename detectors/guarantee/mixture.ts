/**
 * What mixtures are: boundaries that a sum of deviations never crosses, with probability 1 - alpha, however long one looks.
 *
 * S is a sum of deviations from what is expected, V a measure of how much it has varied ("intrinsic time"). A mixture of
 * exp(l S - psi(l) V) over many l, with a psi that the deviations' tails ask for, is a bet on S growing; on average it gains
 * nothing, so it reaches 1/alpha with probability alpha at most, and the S at which it would is the boundary. By their tails
 * mixtures are named: normal, gamma-exponential, gamma-Poisson, beta-binomial, each in its own file.
 *
 * Source: S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence
 * sequences, Annals of Statistics 49 (2021).
 */
import { checkAlpha } from "./interval.ts";

export interface Mixture {
  /** Natural logarithm of the mixture at deviation `s` and variance process `v`, which is 0 or more. */
  logEvidence(s: number, v: number): number;
  /** The boundary of S at `v`, crossed with probability alpha at most, upwards (two-sided mixtures: either way). */
  bound(v: number, alpha: number): number;
}

/** Any values give a valid boundary; these say where it is tightest. */
export interface MixtureTuning {
  /** The V at which the boundary is tightest, for `alphaOpt`. Far from it, it is wider by a little. */
  readonly vOpt: number;
  readonly alphaOpt?: number;
  /** A two-sided boundary holds for S and for -S together. */
  readonly sides?: 1 | 2;
}

/** The mixture's spread that makes the boundary tightest at `vOpt`. */
export function mixturePrecision({ vOpt, alphaOpt = 0.05, sides = 1 }: MixtureTuning): number {
  if (!(vOpt > 0 && vOpt < Infinity)) throw new RangeError(`mixture: vOpt must be above 0, got ${vOpt}`);
  checkAlpha("mixture", alphaOpt);
  // Half of a two-sided alpha on each side. From about a half on, alpha asks for no tuning.
  const log = 2 * Math.log(1 / (sides === 1 ? Math.min(2 * alphaOpt, 0.9) : alphaOpt));
  return vOpt / (log + Math.log1p(log));
}

/** The boundary of a mixture without a closed form: by bisection, about 50 evaluations. `sMax` is the largest S there can be. */
export function mixtureBound(logEvidence: Mixture["logEvidence"], v: number, alpha: number, sMax: number = Infinity): number {
  checkAlpha("mixture", alpha);
  checkVariance(v);
  const threshold = Math.log(1 / alpha);
  let low = 0;
  let high = Math.min(1 + Math.sqrt(v), sMax);
  while (logEvidence(high, v) < threshold) {
    if (high === sMax) return sMax;
    low = high;
    high = Math.min(2 * high, sMax);
  }
  while (high - low > 1e-14 * high) {
    const middle = (low + high) / 2;
    if (logEvidence(middle, v) < threshold) low = middle;
    else high = middle;
  }
  return high;
}

export function checkVariance(v: number): void {
  if (!(v >= 0 && v < Infinity)) throw new RangeError(`mixture: v must be 0 or more, got ${v}`);
}
