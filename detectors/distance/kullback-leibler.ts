/**
 * Kullback-Leibler divergence of p from q, in nats: what it costs on average to describe p's rows by q's ratios.
 *
 * Not a metric: the other way round it is another number. Infinite where p has rows in a cell that q has never seen;
 * Jensen-Shannon is the measure that stays finite there. Source: S. Kullback and R. Leibler, On Information and Sufficiency (1951).
 */
import { totals } from "./cells.ts";

/** Counts or weights over the same cells; 0 where a side has no rows. @throws RangeError for unlike or negative cells. */
export function kullbackLeibler(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [n, m] = totals("kullbackLeibler", p, q);
  if (n === 0 || m === 0) return 0;
  let sum = 0;
  for (let cell = 0; cell < p.length; cell += 1) {
    const a = (p[cell] as number) / n;
    if (a > 0) sum += a * Math.log(a / ((q[cell] as number) / m));
  }
  return Math.max(0, sum);
}
