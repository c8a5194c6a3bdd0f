/**
 * Anderson-Darling test of two samples: the squared gap between their distribution functions, weighted so that the tails
 * count as much as the middle. Ties take the mean of their ranks.
 *
 * The statistic is standardised: about 0 on average while nothing has changed. Its probability is interpolated between seven
 * critical values, and so lies in [0.001, 0.25]: 0.25 says "that or more", 0.001 "that or less". Cost: O(n log n).
 * Source: F. Scholz and M. Stephens, K-Sample Anderson-Darling Tests (1987), equations 5 and 7, table 1.
 */
import { sortedSample } from "../distance/empirical-distribution.ts";
import type { TestResult } from "./test-result.ts";

/** @throws RangeError for an empty sample, for fewer than four values together, and for one that is not a finite number. */
export function andersonDarling(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const [sortedA, sortedB] = [sortedSample("andersonDarling", a), sortedSample("andersonDarling", b)];
  const rows = a.length + b.length;
  if (rows < 4) throw new RangeError(`andersonDarling: expected at least four values together, got ${rows}`);
  const statistic = (weightedSquares(sortedA, sortedB) - 1) / standardDeviation(a.length, b.length);
  return { statistic, p: probability(statistic) };
}

function weightedSquares(a: Float64Array, b: Float64Array): number {
  const rows = a.length + b.length;
  let sum = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    const [fromA, fromB] = [i, j];
    while (a[i] === value) i += 1;
    while (b[j] === value) j += 1;
    const tied = i + j - fromA - fromB;
    const below = (fromA + fromB + i + j) / 2;
    const weight = below * (rows - below) - (rows * tied) / 4;
    if (weight <= 0) continue; // every value is the same
    const gapA = (rows * (fromA + i)) / 2 - a.length * below;
    const gapB = (rows * (fromB + j)) / 2 - b.length * below;
    sum += ((gapA * gapA) / a.length + (gapB * gapB) / b.length) * (tied / (rows * weight));
  }
  return (sum * (rows - 1)) / rows;
}

function standardDeviation(n: number, m: number): number {
  const rows = n + m;
  const inverses = 1 / n + 1 / m;
  let h = 0;
  for (let k = 1; k < rows; k += 1) h += 1 / k;
  let g = 0; // the sum of 1 / ((rows - i) j) over 0 < i < j < rows
  let above = h;
  for (let i = 1; i < rows - 1; i += 1) {
    above -= 1 / i;
    g += above / (rows - i);
  }
  const a = 4 * g - 6 + (10 - 6 * g) * inverses;
  const b = 12 * g - 22 + 8 * h + (2 * g - 14 * h - 4) * inverses;
  const c = 36 * h + 4 + (2 * h - 6) * inverses;
  return Math.sqrt((((a * rows + b) * rows + c) * rows + 24) / ((rows - 1) * (rows - 2) * (rows - 3)));
}

/** The critical values of 0.25 and 0.001 for two samples, and the parabola fitted to the logarithms of all seven. */
const criticalValues = { least: 0.325, greatest: 6.546 };
const parabola = [-1.077770279820484, -1.0082265644652515, 0.01819809457411147] as const;

function probability(statistic: number): number {
  if (statistic < criticalValues.least) return 0.25;
  if (statistic > criticalValues.greatest) return 0.001;
  const [constant, linear, square] = parabola;
  return Math.exp(constant + statistic * (linear + statistic * square));
}
