/**
 * Polynomial stitching: a boundary in closed form that grows as slowly as any can, like sqrt(v log log v). For sums whose
 * deviations have tails no heavier than a gamma variable's of scale `c`; c = 0 is the normal, and c below 0 lighter still.
 *
 * Time is cut into epochs, each `eta` times as long as the one before; a straight boundary is laid over each at its share
 * of alpha, and the curve through their ends is above them all.
 *
 * Source: Howard et al. (mixture.ts), theorem 1.
 */
import { checkAlpha } from "./interval.ts";
import { zeta } from "./zeta.ts";

export interface StitchingOptions {
  readonly alpha: number;
  /** Before this v the boundary stays level. */
  readonly vMin: number;
  readonly c?: number;
  /** How fast the epochs' shares of alpha fall: as k^-s. */
  readonly s?: number;
  readonly eta?: number;
}

/** The boundary at `v`, crossed upwards with probability alpha at most. Cost: O(1). */
export function polynomialStitching(v: number, { alpha, vMin, c = 0, s = 1.4, eta = 2 }: StitchingOptions): number {
  checkAlpha("polynomialStitching", alpha);
  if (!(v >= 0 && v < Infinity && vMin > 0 && vMin < Infinity)) throw new RangeError(`polynomialStitching: v must be 0 or more and vMin above 0, got ${v} and ${vMin}`);
  if (!Number.isFinite(c)) throw new RangeError(`polynomialStitching: c must be a number, got ${c}`);
  checkEpochs("polynomialStitching", s, eta);
  const time = Math.max(v, vMin);
  const weight = s * Math.log(Math.log((eta * time) / vMin)) + Math.log(zeta(s) / (alpha * Math.log(eta) ** s));
  return stitched(time, weight, c, eta);
}

/** The curve over epochs `eta` apart, where an epoch's logarithm of 1 over its share of alpha is `weight`. */
export function stitched(v: number, weight: number, c: number, eta: number): number {
  const spread = (eta ** 0.25 + eta ** -0.25) / Math.SQRT2;
  const tail = ((Math.sqrt(eta) + 1) / 2) * c * weight;
  return Math.sqrt(spread ** 2 * v * weight + tail ** 2) + tail;
}

export function checkEpochs(name: string, s: number, eta: number): void {
  if (!(s > 1 && s < Infinity && eta > 1 && eta < Infinity)) throw new RangeError(`${name}: s and eta must be above 1, got ${s} and ${eta}`);
}
