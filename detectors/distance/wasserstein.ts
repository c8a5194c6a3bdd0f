/**
 * Wasserstein-1 or earth mover's distance: how far, on average, rows must be moved for one distribution to become the
 * other. In the values' own unit; divide by the reference's standard deviation to compare features.
 *
 * In one dimension the area between the two distribution functions. Source: S. Vallender, Calculation of the Wasserstein
 * Distance Between Probability Distributions on the Line (1974).
 */
import { totals } from "./cells.ts";
import { empiricalDistribution, walkGaps } from "./empirical-distribution.ts";

/**
 * Between two samples, each value counting once or by its weight. Cost: O(n log n).
 * @throws RangeError for an empty sample, a value that is not finite, and weights that are negative or sum to 0.
 */
export function wasserstein1(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  weightsA?: ArrayLike<number>,
  weightsB?: ArrayLike<number>,
): number {
  let area = 0;
  const add = (gap: number, from: number, to: number) => (area += Math.abs(gap) * (to - from));
  walkGaps(empiricalDistribution("wasserstein1", a, weightsA), empiricalDistribution("wasserstein1", b, weightsB), add);
  return area;
}

/**
 * Between two histograms whose cells lie at `positions`, ascending, say their means or middles; right to half a cell's
 * width. 0 where a side has no rows. @throws RangeError for unlike or negative cells and for positions that do not ascend.
 */
export function wassersteinOfCells(positions: ArrayLike<number>, p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("wassersteinOfCells", p, q);
  if (positions.length !== p.length) {
    throw new RangeError(`wassersteinOfCells: expected a position a cell, got ${positions.length} for ${p.length}`);
  }
  let area = 0;
  let pBefore = 0;
  let qBefore = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    const width = cell === 0 ? 0 : (positions[cell] as number) - (positions[cell - 1] as number);
    if (!(width >= 0 && Number.isFinite(positions[cell]))) {
      throw new RangeError(`wassersteinOfCells: expected finite positions in ascending order, got ${positions[cell]} at ${cell}`);
    }
    if (n > 0 && m > 0) area += Math.abs(pBefore / n - qBefore / m) * width;
    pBefore += p[cell] as number;
    qBefore += q[cell] as number;
  }
  return area;
}
