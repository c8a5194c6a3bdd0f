/**
 * Student's t distribution with any number of degrees of freedom above 0, whole or not. Through the incomplete beta
 * function (Abramowitz and Stegun 26.5.27), so that its tails keep their digits.
 */
import { betaQuantile, betaTail } from "./beta.ts";

/** P(T > t). */
export function studentSurvival(t: number, degrees: number): number {
  check("studentSurvival", degrees);
  if (Number.isNaN(t)) throw new RangeError("studentSurvival: expected a number, got NaN");
  const square = t * t;
  const tail = square === Infinity ? 0 : betaTail(degrees / (degrees + square), square / (degrees + square), degrees / 2, 0.5) / 2;
  return t > 0 ? tail : 1 - tail;
}

/** The t with P(T <= t) = `probability`, which lies in [0, 1]; infinite at its ends. */
export function studentQuantile(probability: number, degrees: number): number {
  check("studentQuantile", degrees);
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`studentQuantile: expected a probability in [0, 1], got ${probability}`);
  const tail = Math.min(probability, 1 - probability);
  const sign = probability < 0.5 ? -1 : 1;
  if (tail === 0) return sign * Infinity;
  // Of x and 1 - x the smaller one is sought, since the larger one has no digits left for the other.
  if (tail < 0.25) {
    const x = betaQuantile(2 * tail, degrees / 2, 0.5);
    return sign * Math.sqrt((degrees * (1 - x)) / x);
  }
  const y = betaQuantile(1 - 2 * tail, 0.5, degrees / 2);
  return sign * Math.sqrt((degrees * y) / (1 - y));
}

function check(name: string, degrees: number): void {
  if (!(degrees > 0 && degrees < Infinity)) throw new RangeError(`${name}: expected degrees above 0, got ${degrees}`);
}
