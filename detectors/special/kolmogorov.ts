/**
 * Kolmogorov's distribution: how far the distribution function of `n` draws strays from the true one, at its worst.
 *
 * In the upper tail twice the one-sided probability, whose sum is exact (Smirnov 1944); elsewhere Durbin's matrix for up
 * to some hundred draws (G. Marsaglia, W. Tsang and J. Wang, Evaluating Kolmogorov's Distribution, 2003) and W. Pelz and
 * I. Good's expansion (1976) for more; who does what follows R. Simard and P. L'Ecuyer, Computing the Two-Sided
 * Kolmogorov-Smirnov Distribution (2011). Six digits up to 100,000 draws, three beyond. Cost: O(n) in the upper
 * tail, some 15 ms at most; bounded elsewhere.
 */
import { binomialDensity } from "./binomial.ts";

/** The probability that the greatest gap of `n` draws is `gap` or more; `n` a whole number from 1. */
export function kolmogorovSurvival(gap: number, n: number): number {
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`kolmogorovSurvival: expected a whole number of draws, got ${n}`);
  if (Number.isNaN(gap)) throw new RangeError("kolmogorovSurvival: expected a number, got NaN");
  if (gap >= 1) return 0;
  if (n * gap <= 0.5) return 1;
  if (n * gap * gap >= 2.2) return Math.min(1, 2 * oneSidedSurvival(gap, n));
  const small = n <= 140 || (n <= 500 && n * gap ** 1.5 <= 1.4);
  return 1 - (small ? matrixCumulative(gap, n) : expandedCumulative(gap * Math.sqrt(n), n));
}

function oneSidedSurvival(gap: number, n: number): number {
  // Smirnov's own expansion, right to three digits here; the sum would take too long.
  if (n > 100_000) return Math.exp(-((6 * n * gap + 1) ** 2) / (18 * n));
  let sum = 0;
  for (let j = 0; j <= Math.floor(n * (1 - gap)); j += 1) {
    const at = gap + j / n;
    sum += binomialDensity(j, n, at, (n - n * gap - j) / n) / at;
  }
  return gap * sum;
}

function matrixCumulative(gap: number, n: number): number {
  const k = Math.floor(n * gap) + 1;
  const size = 2 * k - 1;
  const h = k - n * gap;
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column <= Math.min(size - 1, row + 1); column += 1) {
      let cell = 1;
      if (column === 0) cell -= h ** (row + 1);
      if (row === size - 1) cell -= h ** (size - column);
      if (column === 0 && row === size - 1) cell += Math.max(0, 2 * h - 1) ** size;
      for (let factor = 2; factor <= row - column + 1; factor += 1) cell /= factor;
      matrix[row * size + column] = cell;
    }
  }
  let cumulative = power(matrix, size, n)[(k - 1) * size + k - 1] as number;
  for (let factor = 1; factor <= n; factor += 1) cumulative *= factor / n;
  return cumulative;
}

function power(matrix: Float64Array, size: number, exponent: number): Float64Array {
  if (exponent === 1) return matrix;
  const half = power(matrix, size, Math.floor(exponent / 2));
  const whole = product(half, half, size);
  return exponent % 2 === 1 ? product(whole, matrix, size) : whole;
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const found = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let middle = 0; middle < size; middle += 1) {
      const factor = a[row * size + middle] as number;
      for (let column = 0; column < size; column += 1) {
        found[row * size + column]! += factor * (b[middle * size + column] as number);
      }
    }
  }
  return found;
}

/** The limit for many draws, z being the gap times the root of n, with its corrections up to n^(-3/2). */
function expandedCumulative(z: number, n: number): number {
  const z2 = z * z;
  let limit = 0;
  let first = 0;
  let second = 0;
  let third = 0;
  for (let k = 0; k < 20; k += 1) {
    const half = (Math.PI * (k + 0.5)) ** 2;
    const atHalf = 2 * Math.exp(-half / (2 * z2));
    const whole = (Math.PI * (k + 1)) ** 2;
    const atWhole = 2 * Math.exp(-whole / (2 * z2));
    limit += atHalf;
    first += (half - z2) * atHalf;
    second +=
      ((6 * z2 ** 3 + 2 * z2 ** 2 + (2 * z2 ** 2 - 5 * z2) * half + (1 - 2 * z2) * half ** 2) * atHalf) / (72 * z2 ** 3) -
      (whole * atWhole) / (36 * z2);
    third +=
      ((half ** 3 * (5 - 30 * z2) + half ** 2 * (-60 * z2 + 212 * z2 ** 2) + half * (135 * z2 ** 2 - 96 * z2 ** 3) - 30 * z2 ** 3 - 90 * z2 ** 4) *
        atHalf) /
        (6480 * z2 ** 4) +
      ((3 * z2 * whole - whole ** 2) * atWhole) / (216 * z2 ** 2);
  }
  const root = Math.sqrt(n);
  const sum = limit / z + first / (6 * z2 ** 2 * root) + second / (z * n) + third / (z2 * n * root);
  return Math.min(1, Math.max(0, Math.sqrt(Math.PI / 2) * sum));
}
