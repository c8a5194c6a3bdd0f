/**
 * Two-sample Cramer-von Mises test: the mean square of the gap between two distribution functions. It weighs the whole
 * range where Kolmogorov-Smirnov sees the worst point.
 *
 * Exact for up to 20 values a sample, by counting on the lattice of n by m steps (Y. Xiao, A. Gordon and A. Yakovlev, A C++
 * program for the Cramer-von Mises two-sample test, 2007); beyond, the limit distribution with the statistic's own mean and
 * variance (T. Anderson, On the distribution of the two-sample Cramer-von Mises criterion, 1962). Ties take mean ranks.
 * Cost: O(n log n), and for the exact count a tenth of a second at worst, at 19 against 20 values.
 */
import { sortedSample } from "../distance/empirical-distribution.ts";
import { logChoose } from "../special/binomial.ts";
import { cramerVonMisesSurvival } from "../special/cramer-von-mises.ts";
import { pooledRanks } from "./pooled-ranks.ts";
import { separationProbability } from "./separation.ts";
import type { TestResult } from "./test-result.ts";

const exactValuesMax = 20;

/** @throws RangeError for an empty sample and for a value that is not a finite number. */
export function cramerVonMises(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const [sortedA, sortedB] = [sortedSample("cramerVonMises", a), sortedSample("cramerVonMises", b)];
  const ranks = pooledRanks(sortedA, sortedB);
  const [n, m] = [a.length, b.length];
  const rows = n + m;
  const products = n * m;
  const ranksSquared = n * squaresFromOrder(ranks.a) + m * squaresFromOrder(ranks.b);
  const statistic = ranksSquared / (products * rows) - (4 * products - 1) / (6 * rows);
  if (Math.max(n, m) <= exactValuesMax) return { statistic, p: exactProbability(statistic, n, m) };

  const mean = (1 + 1 / rows) / 6;
  const variance = ((rows + 1) * (4 * products * rows - 3 * (n * n + m * m) - 2 * products)) / (45 * rows * rows * 4 * products);
  const p = cramerVonMisesSurvival(1 / 6 + (statistic - mean) / Math.sqrt(45 * variance));
  return { statistic, p: Math.max(p, separationProbability(n, m)) };
}

function squaresFromOrder(ranks: Float64Array): number {
  return ranks.reduce((sum, rank, index) => sum + (rank - index - 1) ** 2, 0);
}

/** How many paths there are of each sum of squared gaps, sums ascending. */
interface Tally {
  readonly sums: Float64Array;
  readonly paths: Float64Array;
}

/** In units of 1 / lcm(n, m) gaps are whole numbers, and so are the sums of their squares along a path. */
function exactProbability(statistic: number, n: number, m: number): number {
  const common = (n * m) / greatestCommonDivisor(n, m);
  const [stepA, stepB] = [common / n, common / m];
  const column: Tally[] = [];
  for (let i = 0; i <= n; i += 1) {
    for (let j = 0; j <= m; j += 1) {
      const square = (i * stepA - j * stepB) ** 2;
      const arrived = i + j === 0 ? { sums: Float64Array.of(0), paths: Float64Array.of(1) } : merged(column[j], column[j - 1]);
      column[j] = { sums: arrived.sums.map((sum) => sum + square), paths: arrived.paths };
    }
  }
  const { sums, paths } = column[m] as Tally;
  // The orders at least as far out; ties can carry the statistic past the farthest, which then is the one that counts.
  const reached = (statistic * common * common * (n + m) ** 2) / (n * m) - 1e-6 * common;
  const sought = Math.min(reached, sums.at(-1) as number);
  const far = paths.reduce((count, path, index) => ((sums[index] as number) >= sought ? count + path : count), 0);
  return Math.min(1, far * Math.exp(-logChoose(n + m, n)));
}

function merged(a: Tally = nothing, b: Tally = nothing): Tally {
  const sums = new Float64Array(a.sums.length + b.sums.length);
  const paths = new Float64Array(sums.length);
  let length = 0;
  let i = 0;
  let j = 0;
  while (i < a.sums.length || j < b.sums.length) {
    const [left, right] = [a.sums[i] ?? Infinity, b.sums[j] ?? Infinity];
    sums[length] = Math.min(left, right);
    if (left <= right) paths[length]! += a.paths[i++] as number;
    if (right <= left) paths[length]! += b.paths[j++] as number;
    length += 1;
  }
  return { sums: sums.subarray(0, length), paths: paths.subarray(0, length) };
}

const nothing: Tally = { sums: new Float64Array(0), paths: new Float64Array(0) };

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
