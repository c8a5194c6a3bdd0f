/**
 * Two-sample Kolmogorov-Smirnov test: the greatest gap between two distribution functions, two-sided.
 *
 * Its exact probability is the share of paths on the lattice of n by m steps that come as far from the diagonal, taken cell
 * by cell in a way that never subtracts (T. Viehmann, Numerically more stable computation of the p-values for the two-sample
 * Kolmogorov-Smirnov test, 2021): O(n m) time, O(m) memory. Beyond a million cells Kolmogorov's distribution for
 * nm / (n + m) draws stands in. With ties the probability is too great, never too small.
 */
import { empiricalDistribution, walkGaps } from "../distance/empirical-distribution.ts";
import { totals } from "../distance/cells.ts";
import { kolmogorovSurvival } from "../special/kolmogorov.ts";
import { separationProbability } from "./separation.ts";
import type { TestResult } from "./test-result.ts";

export type KolmogorovSmirnovMethod = "exact" | "asymptotic" | "auto";

/** `auto` is exact up to this many products n m: a few milliseconds. */
const exactProductsMax = 1_000_000;

/** @throws RangeError for an empty sample and for a value that is not a finite number. */
export function kolmogorovSmirnov(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { method = "auto" }: { readonly method?: KolmogorovSmirnovMethod } = {},
): TestResult {
  let statistic = 0;
  const see = (gap: number) => (statistic = Math.max(statistic, Math.abs(gap)));
  walkGaps(empiricalDistribution("kolmogorovSmirnov", a), empiricalDistribution("kolmogorovSmirnov", b), see);
  return { statistic, p: kolmogorovSmirnovProbability(statistic, a.length, b.length, method) };
}

/**
 * From counts over the same cells in ascending order. The gap is seen at the cells' edges only, so the statistic is a
 * lower bound of the samples' own, and `p` an upper one. No rows on a side are no gap.
 */
export function kolmogorovSmirnovOfCells(p: ArrayLike<number>, q: ArrayLike<number>): TestResult {
  const [n, m] = totals("kolmogorovSmirnovOfCells", p, q);
  if (n === 0 || m === 0) return { statistic: 0, p: 1 };
  let statistic = 0;
  let pBefore = 0;
  let qBefore = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    pBefore += p[cell] as number;
    qBefore += q[cell] as number;
    statistic = Math.max(statistic, Math.abs(pBefore / n - qBefore / m));
  }
  const method = Number.isInteger(n) && Number.isInteger(m) ? "auto" : "asymptotic";
  return { statistic, p: kolmogorovSmirnovProbability(statistic, n, m, method) };
}

/** The chance of a gap of `statistic` or more between samples of `n` and `m` from one continuous distribution. */
export function kolmogorovSmirnovProbability(statistic: number, n: number, m: number, method: KolmogorovSmirnovMethod): number {
  if (method === "asymptotic" || (method === "auto" && n * m > exactProductsMax)) {
    const p = kolmogorovSurvival(statistic, Math.max(1, Math.round((n * m) / (n + m))));
    return Math.max(p, separationProbability(n, m));
  }
  return n < m ? exactProbability(statistic, m, n) : exactProbability(statistic, n, m);
}

function exactProbability(statistic: number, n: number, m: number): number {
  // Gaps are whole multiples of 1 / (n m); half of one makes up for the statistic's rounding.
  const far = statistic * n * m - 0.5;
  if (far < 0) return 1;
  // outside[j]: of all paths to the point (i, j), the share that has come as far as the statistic on its way.
  const outside = new Float64Array(m + 1);
  for (let i = 0; i <= n; i += 1) {
    for (let j = 0; j <= m; j += 1) {
      if (Math.abs(i * m - j * n) >= far) outside[j] = 1;
      else if (i + j === 0) outside[j] = 0;
      else outside[j] = (i * (outside[j] as number) + (j === 0 ? 0 : j * (outside[j - 1] as number))) / (i + j);
    }
  }
  return outside[m] as number;
}
