/**
 * L-infinity distance: the greatest change of any one cell's ratio, from 0 to 1. Of many categories it names the one that
 * moved most, and says nothing of the others.
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 0 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function lInfinity(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("lInfinity", p, q);
  if (n === 0 || m === 0) return 0;
  let greatest = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    greatest = Math.max(greatest, Math.abs((p[cell] as number) / n - (q[cell] as number) / m));
  }
  return greatest;
}
