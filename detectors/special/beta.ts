/**
 * The beta distribution, the regularised incomplete beta function: what binomial rates, Student's t and F rest on.
 *
 * By a continued fraction on the side of the mean where it converges fast: A. Didonato and A. Morris, Significant Digit
 * Computation of the Incomplete Beta Function Ratios (1992), their equation 9. Right to 1e-12 for shapes from 0.5 to a
 * million. Cost: O(sqrt(a + b)) at worst.
 */
import { deviance, stirlingError } from "./stirling.ts";

/** P(X <= x) for shapes `a` and `b`. @throws RangeError unless both shapes are above 0 and finite. */
export function betaCumulative(x: number, a: number, b: number): number {
  return betaTail(x, 1 - x, a, b);
}

/** P(X > x). It keeps its digits where it is small. */
export function betaSurvival(x: number, a: number, b: number): number {
  return betaTail(1 - x, x, b, a);
}

/** ln P(X > x), which keeps its digits where the probability itself is too small for a number. */
export function logBetaSurvival(x: number, a: number, b: number): number {
  check("logBetaSurvival", a, b);
  if (!(x >= 0 && x < 1)) throw new RangeError(`logBetaSurvival: expected a number from 0 to below 1, got ${x}`);
  if (x === 0) return 0;
  const y = 1 - x;
  if (y * (a + b + 2) >= b + 1) return Math.log1p(-fractionTail(x, y, a, b));
  const [factor, exponent] = density(y, x, b, a);
  return Math.log(factor / fraction(y, x, b, a)) + exponent;
}

/** P(X <= x) where the caller knows `y`, that is 1 - x, better than a subtraction would. */
export function betaTail(x: number, y: number, a: number, b: number): number {
  check("betaCumulative", a, b);
  if (Number.isNaN(x)) throw new RangeError("betaCumulative: expected a number, got NaN");
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  return x * (a + b + 2) < a + 1 ? fractionTail(x, y, a, b) : 1 - fractionTail(y, x, b, a);
}

/** ln B(a, b). */
export function logBeta(a: number, b: number): number {
  check("logBeta", a, b);
  const [small, large] = a < b ? [a, b] : [b, a];
  const errors = stirlingError(small) + stirlingError(large) - stirlingError(small + large);
  const logs = (small - 0.5) * Math.log(small / (small + large)) - large * Math.log1p(small / large) - 0.5 * Math.log(large);
  return 0.5 * Math.log(2 * Math.PI) + logs + errors;
}

/** The x with P(X <= x) = `probability`, which lies in [0, 1]; by bisection, to the last bit. */
export function betaQuantile(probability: number, a: number, b: number): number {
  check("betaQuantile", a, b);
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`betaQuantile: expected a probability in [0, 1], got ${probability}`);
  if (probability === 0 || probability === 1) return probability;
  let low = 0;
  let high = 1;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return high;
    if (betaCumulative(middle, a, b) < probability) low = middle;
    else high = middle;
  }
}

function fractionTail(x: number, y: number, a: number, b: number): number {
  const [factor, exponent] = density(x, y, a, b);
  return (factor * Math.exp(exponent)) / fraction(x, y, a, b);
}

/** x^a y^b / B(a, b), as a factor and the logarithm of another. */
function density(x: number, y: number, a: number, b: number): [factor: number, exponent: number] {
  const n = a + b;
  return [Math.sqrt((a * b) / (2 * Math.PI * n)), stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y)];
}

/** By Lentz's way down a continued fraction. */
function fraction(x: number, y: number, a: number, b: number): number {
  const n = a + b;
  const excess = a * y - b * x + 1;
  let c = (a * excess) / (a + 1);
  let d = 0;
  let value = c;
  let factor: number;
  let m = 0;
  do {
    m += 1;
    const at = a + 2 * m;
    const numerator = ((a + m - 1) / (at - 1)) * ((n + m - 1) / (at - 1)) * m * (b - m) * x * x;
    const addend = m + (m * (b - m) * x) / (at - 1) + ((a + m) / (at + 1)) * (excess + m * (1 + y));
    d = 1 / (addend + numerator * d);
    c = addend + numerator / c;
    factor = c * d;
    value *= factor;
  } while (Math.abs(factor - 1) > 2 * Number.EPSILON);
  return value;
}

function check(name: string, a: number, b: number): void {
  if (!(a > 0 && a < Infinity && b > 0 && b < Infinity)) throw new RangeError(`${name}: expected shapes above 0, got ${a} and ${b}`);
}
