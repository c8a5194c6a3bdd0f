/**
 * Histogram intersection: the share of rows that two histograms have in common, from 0 (no cell) to 1 (the same). A
 * likeness, not a distance; its complement is the total variation distance.
 *
 * Source: M. Swain and D. Ballard, Color Indexing (1991).
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 1 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function histogramIntersection(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("histogramIntersection", p, q);
  if (n === 0 || m === 0) return 1;
  let sum = 0;
  for (let cell = 0; cell < p.length; cell += 1) sum += Math.min((p[cell] as number) / n, (q[cell] as number) / m);
  return Math.min(1, sum);
}
