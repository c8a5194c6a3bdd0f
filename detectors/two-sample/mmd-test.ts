/**
 * Test of two samples by their maximum mean discrepancy: has anything about the joint distribution of these features
 * changed? The statistic is the unbiased estimate of distance/maximum-mean-discrepancy.ts, its probability by permutation.
 * Cost: see permutation-test.ts. Source: A. Gretton et al., A Kernel Two-Sample Test (2012).
 */
import { gaussianKernel, meanDiscrepancy } from "../distance/maximum-mean-discrepancy.ts";
import { type Points, pooledPoints, type PooledPoints, squaredDistance } from "../distance/points.ts";
import { checkPermutations, type Permutations, permutationTest } from "./permutation-test.ts";
import type { TestResult } from "./test-result.ts";

export interface MmdTestOptions extends Permutations {
  /** The kernel's width. By default the median distance of two rows, which is as good a guess as any. */
  readonly sigma?: number;
}

/** @throws RangeError for fewer than two rows a sample or more than 2,000 together, unlike rows and bad options. */
export function mmdTest(a: Points, b: Points, { sigma, ...options }: MmdTestOptions = {}): TestResult {
  const checked = checkPermutations("mmdTest", a.length + b.length, options);
  const points = pooledPoints("mmdTest", a, b);
  const [n, m] = points.sizes;
  if (Math.min(n, m) < 2) throw new RangeError(`mmdTest: expected two rows or more a sample, got ${n} and ${m}`);
  const width = sigma ?? medianDistance(points);
  if (!(width > 0 && width < Infinity)) throw new RangeError(`mmdTest: expected a sigma above 0, got ${width}`);
  return permutationTest(
    points.sizes,
    (i, j) => gaussianKernel(squaredDistance(points, i, j), width),
    (withinA, withinB, between) => meanDiscrepancy(withinA, withinB, between, n, m, "unbiased"),
    checked,
  );
}

/** Of two rows that differ; 1 where none do. */
function medianDistance(points: PooledPoints): number {
  const rows = points.sizes[0] + points.sizes[1];
  const squares = new Float64Array((rows * (rows - 1)) / 2);
  let pair = 0;
  for (let i = 0; i < rows; i += 1) for (let j = 0; j < i; j += 1) squares[pair++] = squaredDistance(points, i, j);
  const apart = squares.filter((square) => square > 0).sort();
  return Math.sqrt(apart[apart.length >>> 1] ?? 1);
}
