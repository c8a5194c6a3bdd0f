/**
 * Bhattacharyya distance: minus the logarithm of how much two histograms overlap, from 0 (the same) up.
 *
 * Infinite where they have no cell in common; read the Hellinger distance where that is in the way.
 * Source: A. Bhattacharyya, On a measure of divergence between two statistical populations (1943).
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 0 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function bhattacharyya(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("bhattacharyya", p, q);
  return n === 0 || m === 0 ? 0 : -Math.log(overlap(p, q, n, m));
}

/** The Bhattacharyya coefficient: the sum over cells of the geometric mean of the ratios, in [0, 1]. */
export function overlap(p: ArrayLike<number>, q: ArrayLike<number>, n: number, m: number): number {
  let sum = 0;
  for (let cell = 0; cell < p.length; cell += 1) sum += Math.sqrt(((p[cell] as number) / n) * ((q[cell] as number) / m));
  return Math.min(1, sum);
}
