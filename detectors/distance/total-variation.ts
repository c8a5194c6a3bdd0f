/**
 * Total variation distance: the share of rows that would have to move for one histogram to become the other, from 0 to 1.
 *
 * It is the histogram intersection's complement, 1 less the ratios that both sides share. A metric.
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 0 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("totalVariation", p, q);
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let cell = 0; cell < p.length; cell += 1) sum += Math.abs((p[cell] as number) / n - (q[cell] as number) / m);
  return Math.min(1, sum / 2);
}
