/**
 * Jensen-Shannon distance: how far two histograms are from each other, from 0 (the same) to 1 (no cell in common).
 *
 * The square root of the divergence to base 2, which is the average of each side's Kullback-Leibler divergence from their
 * mixture. A metric, and finite whatever is empty. Source: J. Lin, Divergence measures based on the Shannon entropy (1991).
 */
import { totals } from "./cells.ts";

/**
 * @param p counts or ratios per cell; only their proportions matter. @param q the same cells.
 * 0 where a side has no rows. @throws RangeError where they have not the same cells, or one that is negative or not finite.
 */
export function jensenShannonDistance(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [pSum, qSum] = totals("jensenShannonDistance", p, q);
  if (pSum === 0 || qSum === 0) return 0;

  let divergence = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    const a = (p[cell] as number) / pSum;
    const b = (q[cell] as number) / qSum;
    const mixture = (a + b) / 2;
    if (a > 0) divergence += (a / 2) * Math.log2(a / mixture);
    if (b > 0) divergence += (b / 2) * Math.log2(b / mixture);
  }
  return Math.sqrt(Math.min(1, Math.max(0, divergence)));
}
