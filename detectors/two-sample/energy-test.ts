/**
 * Energy test: has anything about the joint distribution of these features changed? Needs no width to be chosen, unlike
 * MMD. The statistic is the energy distance, its probability by permutation. Features should be in like units.
 * Cost: see permutation-test.ts. Source: G. Szekely and M. Rizzo, Testing for equal distributions in high dimension (2004).
 */
import { type Points, pooledPoints, squaredDistance } from "../distance/points.ts";
import { checkPermutations, type Permutations, permutationTest } from "./permutation-test.ts";
import type { TestResult } from "./test-result.ts";

/** @throws RangeError for an empty sample, more than 2,000 rows together, unlike rows and bad options. */
export function energyTest(a: Points, b: Points, options: Permutations = {}): TestResult {
  const checked = checkPermutations("energyTest", a.length + b.length, options);
  const points = pooledPoints("energyTest", a, b);
  const [n, m] = points.sizes;
  const distance = (i: number, j: number): number => {
    const found = Math.sqrt(squaredDistance(points, i, j));
    if (found === Infinity) throw new RangeError(`energyTest: expected rows at finite distances, got ${found}`);
    return found;
  };
  return permutationTest(
    points.sizes,
    distance,
    (withinA, withinB, between) => Math.sqrt(Math.max(0, (2 * between) / (n * m) - (2 * withinA) / (n * n) - (2 * withinB) / (m * m))),
    checked,
  );
}
