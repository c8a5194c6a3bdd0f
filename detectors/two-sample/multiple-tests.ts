/**
 * Many tests at once, say one a feature: adjusted p-values, in the order of the tests, which are compared with the level
 * that one test alone would have been compared with. Cost: O(k log k).
 */

/**
 * Holm's: at a level of 0.05 the chance of even one false finding is at most 0.05, however the tests depend on each other.
 * Source: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure (1979). @throws RangeError for one not in [0, 1].
 */
export function holm(p: ArrayLike<number>): number[] {
  const order = ascending("holm", p);
  const adjusted: number[] = Array.from(p);
  let least = 0;
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, (order.length - rank) * (p[index] as number)));
    adjusted[index] = least;
  }
  return adjusted;
}

/**
 * Benjamini and Hochberg's: at a level of 0.05 about 5 percent of the findings are false ones, for tests that are
 * independent or depend positively. Source: Y. Benjamini and Y. Hochberg, Controlling the False Discovery Rate (1995).
 * @throws RangeError for one not in [0, 1].
 */
export function benjaminiHochberg(p: ArrayLike<number>): number[] {
  const order = ascending("benjaminiHochberg", p);
  const adjusted: number[] = Array.from(p);
  let most = 1;
  for (const [fromLast, index] of order.toReversed().entries()) {
    most = Math.min(most, (order.length / (order.length - fromLast)) * (p[index] as number));
    adjusted[index] = most;
  }
  return adjusted;
}

/** The indices of the values in ascending order. */
function ascending(name: string, p: ArrayLike<number>): number[] {
  const values = Array.from(p);
  for (const value of values) if (!(value >= 0 && value <= 1)) throw new RangeError(`${name}: expected probabilities in [0, 1], got ${value}`);
  return values.map((_, index) => index).sort((i, j) => (values[i] as number) - (values[j] as number));
}
