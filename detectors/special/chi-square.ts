/**
 * The chi-square distribution, for thresholds that come from sampling theory. simple-statistics has only a table of it.
 *
 * The regularised lower incomplete gamma function by its series where x is small and by its continued fraction where x is
 * large (Abramowitz and Stegun 6.5.29 and 6.5.31); the quantile by bisection.
 */
import { gammaln } from "simple-statistics";

/** The probability that a chi-square variable with `degrees` of freedom is at most `x`. */
export function chiSquareCumulative(x: number, degrees: number): number {
  if (!(degrees > 0)) throw new RangeError(`chiSquareCumulative: degrees must be above 0, got ${degrees}`);
  if (!(x > 0)) return 0;
  return lowerGamma(degrees / 2, x / 2);
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

const precision = 1e-15;
const termsMax = 10_000;

function lowerGamma(a: number, x: number): number {
  const front = Math.exp(a * Math.log(x) - x - gammaln(a));
  if (x < a + 1) {
    let term = 1 / a;
    let series = term;
    for (let n = 1; n < termsMax && term > series * precision; n += 1) {
      term *= x / (a + n);
      series += term;
    }
    return front * series;
  }
  // Lentz's way to go down a continued fraction.
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < termsMax; n += 1) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (b + numerator * d);
    c = b + numerator / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < precision) break;
  }
  return 1 - front * fraction;
}
