/**
 * Hellinger distance: how far two histograms are from each other, from 0 (the same) to 1 (no cell in common). A metric.
 *
 * The Euclidean distance of the square roots of the ratios, over the square root of 2.
 * Source: E. Hellinger, Neue Begründung der Theorie quadratischer Formen (1909).
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 0 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function hellinger(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("hellinger", p, q);
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    const difference = Math.sqrt((p[cell] as number) / n) - Math.sqrt((q[cell] as number) / m);
    sum += difference * difference;
  }
  return Math.min(1, Math.sqrt(sum / 2));
}
