/**
 * Kuiper's distribution: how far the distribution function of `n` draws strays from the true one upwards and downwards
 * together, V.
 *
 * Exact in Stephens' closed forms for V below 3 / n and above a half, else by Kuiper's expansion, whose error is of the order
 * of 1 / n. Cost: O(n) at worst. Sources: N. Kuiper, Tests concerning random points on a circle (1960); M. Stephens, The
 * goodness-of-fit statistic V_N: distribution and significance points (1965).
 */
import { logChoose } from "./binomial.ts";

/** The probability that `n` draws have a V of `v` or more; `n` a whole number from 1. */
export function kuiperSurvival(v: number, n: number): number {
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`kuiperSurvival: expected a whole number of draws, got ${n}`);
  if (Number.isNaN(v)) throw new RangeError("kuiperSurvival: expected a number, got NaN");
  if (v >= 1) return 0;
  if (v <= 1 / n) return 1;
  const p = v < 3 / n ? 1 - lowerTail(v, n) : v >= (n % 2 === 0 ? 1 / 2 : (n - 1) / (2 * n)) ? upperTail(v, n) : expansion(v, n);
  return Math.min(1, Math.max(0, p));
}

/** P(V < v) for v up to 3 / n. */
function lowerTail(v: number, n: number): number {
  if (v < 2 / n) return falling(v - 1 / n, n) * n;
  const k = (n * v - 1) / 2;
  const r = Math.sqrt(k * k - (n * v - 2) ** 2 / 2);
  const [s, t] = [k + r, k - r];
  return (falling(s / n, n) * (1 - t) - falling(t / n, n) * (1 - s)) * (n / (s - t));
}

/** (n - 1)! x^(n - 1), factor by factor, none of which is large. */
function falling(x: number, n: number): number {
  let product = 1;
  for (let factor = 1; factor < n && product !== 0; factor += 1) product *= factor * x;
  return product;
}

/** Exact for v of about a half and more. */
function upperTail(v: number, n: number): number {
  const slope = 3 - 2 / n;
  let sum = 0;
  for (let t = 0; t < n * (1 - v); t += 1) {
    const y = v + t / n;
    const shape = y ** 3 * n - y * y * t * slope + (y * t * (t - 1) * slope) / n - (t * (t - 1) * (t - 2)) / (n * n);
    sum += shape * Math.exp(logChoose(n, t) + (t - 3) * Math.log(y) + (n - t - 1) * Math.log1p(-y));
  }
  return sum;
}

function expansion(v: number, n: number): number {
  const square = v * v * n;
  if (square < 0.1) return 1;
  let limit = 0;
  let correction = 0;
  for (let k = 1; k <= 20; k += 1) {
    const term = Math.exp(-2 * k * k * square);
    limit += 2 * (4 * k * k * square - 1) * term;
    correction += k * k * (4 * k * k * square - 3) * term;
  }
  return limit - ((8 * v) / 3) * correction;
}
