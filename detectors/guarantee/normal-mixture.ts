/**
 * Normal mixture: the boundary for sums whose deviations have tails no heavier than the normal distribution's, among them
 * those of values in a range, by Hoeffding's inequality (v is then count * (high - low)^2 / 4).
 *
 * Source: Howard et al. (mixture.ts), propositions 5 and 6; H. Robbins, Annals of Mathematical Statistics 41 (1970).
 */
import { normalCumulative } from "../special/normal.ts";
import { checkAlpha } from "./interval.ts";
import { checkVariance, mixtureBound, mixturePrecision, type Mixture, type MixtureTuning } from "./mixture.ts";

/** Cost: the two-sided boundary is a closed form; the one-sided one takes 50 microseconds. */
export function normalMixture(tuning: MixtureTuning): Mixture {
  const rho = mixturePrecision(tuning);

  function twoSided(s: number, v: number): number {
    return (s * s) / (2 * (v + rho)) - Math.log1p(v / rho) / 2;
  }

  function oneSided(s: number, v: number): number {
    return Math.log(2) + twoSided(s, v) + Math.log(normalCumulative(s / Math.sqrt(v + rho)));
  }

  if (tuning.sides !== 2) {
    return { logEvidence: oneSided, bound: (v, alpha) => mixtureBound(oneSided, v, alpha) };
  }
  return {
    logEvidence: twoSided,
    bound(v, alpha) {
      checkAlpha("normalMixture", alpha);
      checkVariance(v);
      return Math.sqrt((v + rho) * (Math.log1p(v / rho) + 2 * Math.log(1 / alpha)));
    },
  };
}
