/**
 * The chi-square distribution, for tests and for thresholds that come from sampling theory: a gamma variable of shape
 * `degrees` / 2 and scale 2. The quantile by bisection. simple-statistics has only a table of it.
 */
import { lowerGamma, upperGamma } from "./gamma.ts";

/** The probability that a chi-square variable with `degrees` of freedom is at most `x`. */
export function chiSquareCumulative(x: number, degrees: number): number {
  if (!(degrees > 0)) throw new RangeError(`chiSquareCumulative: degrees must be above 0, got ${degrees}`);
  return lowerGamma(degrees / 2, x / 2);
}

/** The probability that it is above `x`: it keeps its digits where it is small. */
export function chiSquareSurvival(x: number, degrees: number): number {
  if (!(degrees > 0)) throw new RangeError(`chiSquareSurvival: degrees must be above 0, got ${degrees}`);
  return upperGamma(degrees / 2, x / 2);
}

/** The x that a chi-square variable with `degrees` of freedom stays at or below with `probability`, which lies in [0, 1). */
export function chiSquareQuantile(probability: number, degrees: number): number {
  if (!(probability >= 0 && probability < 1)) throw new RangeError(`chiSquareQuantile: probability must be in [0, 1), got ${probability}`);
  if (probability === 0) return 0;
  let low = 0;
  let high = degrees;
  while (chiSquareCumulative(high, degrees) < probability) {
    low = high;
    high *= 2;
  }
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return high;
    if (chiSquareCumulative(middle, degrees) < probability) low = middle;
    else high = middle;
  }
}
