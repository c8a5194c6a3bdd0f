/**
 * Maximum mean discrepancy (MMD), squared: how far the means of two samples lie apart once a Gaussian kernel has turned
 * each row into a function. It sees every kind of change, in one dimension or many.
 *
 * The unbiased estimate leaves a row's likeness to itself out; it is 0 on average while nothing has changed, and so can be
 * negative. The biased one is 0 or more. Cost: O((n + m)^2 d) time, O((n + m) d) memory.
 * Source: A. Gretton et al., A Kernel Two-Sample Test (2012), equations 3 and 5.
 */
import { type Points, pooledPoints, squaredDistance } from "./points.ts";

/**
 * @param sigma the kernel's width, exp(-|x - y|^2 / (2 sigma^2)), in the rows' unit.
 * @throws RangeError for an empty sample (fewer than two rows where unbiased), unlike rows, and a width not above 0.
 */
export function mmd(a: Points, b: Points, sigma: number, estimator: "unbiased" | "biased" = "unbiased"): number {
  if (!(sigma > 0 && sigma < Infinity)) throw new RangeError(`mmd: expected a sigma above 0, got ${sigma}`);
  const points = pooledPoints("mmd", a, b);
  const [n, m] = points.sizes;
  if (estimator === "unbiased" && Math.min(n, m) < 2) {
    throw new RangeError(`mmd: expected two rows or more a sample for the unbiased estimate, got ${n} and ${m}`);
  }
  let withinA = 0;
  let withinB = 0;
  let between = 0;
  for (let i = 0; i < n + m; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const likeness = gaussianKernel(squaredDistance(points, i, j), sigma);
      if (i < n) withinA += likeness;
      else if (j >= n) withinB += likeness;
      else between += likeness;
    }
  }
  return meanDiscrepancy(withinA, withinB, between, n, m, estimator);
}

/** The likeness of two rows, from 1 where they are the same down to 0. */
export function gaussianKernel(squared: number, sigma: number): number {
  return Math.exp(-squared / sigma / sigma / 2);
}

/** From the sums of the kernel over pairs: two of a, two of b, one of each; the kernel of a row with itself being 1. */
export function meanDiscrepancy(
  withinA: number,
  withinB: number,
  between: number,
  n: number,
  m: number,
  estimator: "unbiased" | "biased",
): number {
  const cross = (2 * between) / (n * m);
  if (estimator === "unbiased") return (2 * withinA) / (n * (n - 1)) + (2 * withinB) / (m * (m - 1)) - cross;
  return Math.max(0, (2 * withinA + n) / (n * n) + (2 * withinB + m) / (m * m) - cross);
}
