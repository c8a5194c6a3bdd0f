/**
 * Energy distance of two samples: the square root of 2 E|X - Y| - E|X - X'| - E|Y - Y'|. 0 only where they are the same.
 *
 * In one dimension the square root of twice the area between the distribution functions squared, so that no pairs need be
 * gone through. In the square root of the values' unit. Cost: O(n log n). Source: G. Szekely and M. Rizzo, Energy statistics (2013).
 */
import { empiricalDistribution, walkGaps } from "./empirical-distribution.ts";

/** @throws RangeError for an empty sample and for a value that is not a finite number. */
export function energyDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let area = 0;
  const add = (gap: number, from: number, to: number) => (area += gap * gap * (to - from));
  walkGaps(empiricalDistribution("energyDistance", a), empiricalDistribution("energyDistance", b), add);
  return Math.sqrt(2 * area);
}
