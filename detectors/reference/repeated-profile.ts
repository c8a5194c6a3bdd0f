/**
 * Do several profiles over the same places share a mean that is not zero? The profiles are independent of each other; the
 * places within one may depend on each other in any way, and be more than there are profiles.
 *
 * The product of two different profiles is on average the square of what they share, so the mean of all such products
 * estimates that without bias. Whether it is chance is asked of F, the squared length of the mean profile over that of the
 * deviations. Its degrees of freedom come from the traces of the deviations' covariance and of its square; the latter's
 * estimate is taken halfway between the unbiased one and the sample's own, which is too large: with few profiles the
 * unbiased one alone is so uncertain that dependence between the places passed for a mean.
 *
 * Sources: E. Brunner, H. Dette and A. Munk, Box-type approximations in nonparametric factorial designs, JASA 92 (1997);
 * Z. Bai and H. Saranadasa, Effect of high dimension, Statistica Sinica 6 (1996), for the unbiased trace.
 * Cost: O(profiles^2 x places).
 */
import { betaCumulative } from "../special/beta.ts";

export interface RepeatedProfile {
  /** The squared length of the profile that they share; below 0 by chance. */
  readonly variance: number;
  /** The probability of such an F where they share none. */
  readonly p: number;
}

/** @throws RangeError where there are fewer than two profiles, or not all of a length. */
export function repeatedProfile(profiles: readonly Float64Array[]): RepeatedProfile {
  const n = profiles.length;
  const places = profiles[0]?.length ?? 0;
  if (n < 2 || profiles.some(({ length }) => length !== places)) throw new RangeError("repeatedProfile: expected two or more profiles of equal lengths");
  const mean = new Float64Array(places);
  for (const profile of profiles) for (let i = 0; i < places; i += 1) mean[i]! += (profile[i] as number) / n;
  const deviations = profiles.map((profile) => profile.map((value, i) => value - (mean[i] as number)));

  const meanSquared = product(mean, mean);
  const squares = profiles.reduce((sum, profile) => sum + product(profile, profile), 0);
  const variance = (n * n * meanSquared - squares) / (n * (n - 1));

  let [trace, ofSquare] = [0, 0];
  for (const [i, a] of deviations.entries()) {
    trace += product(a, a) / (n - 1);
    for (const b of deviations.slice(0, i)) ofSquare += 2 * (product(a, b) / (n - 1)) ** 2;
    ofSquare += (product(a, a) / (n - 1)) ** 2;
  }
  if (trace === 0) return { variance, p: meanSquared > 0 ? 0 : 1 };
  const degrees = Math.min(places, trace ** 2 / carefulTrace(ofSquare, trace, n - 1));
  const f = (n * meanSquared) / trace;
  return { variance, p: betaCumulative((n - 1) / (n - 1 + f), (degrees * (n - 1)) / 2, degrees / 2) };
}

/** Of the covariance's square, from the sample's and so many degrees of freedom. */
function carefulTrace(ofSquare: number, trace: number, left: number): number {
  if (left === 1) return ofSquare;
  return (left ** 2 / ((left + 2) * (left - 1))) * (ofSquare - trace ** 2 / left) + trace ** 2 / (2 * left);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
