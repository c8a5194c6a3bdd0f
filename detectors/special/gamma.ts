/**
 * The regularised incomplete gamma functions: the two tails of a gamma variable of shape `a` and scale 1.
 *
 * The lower one by its series where x is small, the upper one by its continued fraction where x is large (Abramowitz and
 * Stegun 6.5.29 and 6.5.31), so that a tail keeps its digits however small it is. Right to 1e-12 for shapes from 0.1 to a
 * million. Cost: O(sqrt(a)) near x = a, less elsewhere.
 */
import { deviance, stirlingError } from "./stirling.ts";

/** P(X <= x), from 0 at x = 0 to 1. @throws RangeError unless `a` is above 0 and finite. */
export function lowerGamma(a: number, x: number): number {
  check("lowerGamma", a, x);
  if (x <= 0) return 0;
  if (x === Infinity) return 1;
  return x < a + 1 ? seriesTail(a, x) : 1 - fractionTail(a, x);
}

/** P(X > x), from 1 at x = 0 to 0. @throws RangeError unless `a` is above 0 and finite. */
export function upperGamma(a: number, x: number): number {
  check("upperGamma", a, x);
  if (x <= 0) return 1;
  if (x === Infinity) return 0;
  return x < a + 1 ? 1 - seriesTail(a, x) : fractionTail(a, x);
}

/** x^a e^-x / Γ(a + 1). */
function front(a: number, x: number): number {
  return Math.exp(-stirlingError(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
}

function seriesTail(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > sum * Number.EPSILON; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return front(a, x) * sum;
}

/** By Lentz's way down a continued fraction. */
function fractionTail(a: number, x: number): number {
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  let factor: number;
  let n = 0;
  do {
    n += 1;
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (b + numerator * d);
    c = b + numerator / c;
    factor = c * d;
    fraction *= factor;
  } while (Math.abs(factor - 1) > 2 * Number.EPSILON);
  return a * front(a, x) * fraction;
}

function check(name: string, a: number, x: number): void {
  if (!(a > 0 && a < Infinity)) throw new RangeError(`${name}: expected a shape above 0, got ${a}`);
  if (Number.isNaN(x)) throw new RangeError(`${name}: expected a number, got NaN`);
}
