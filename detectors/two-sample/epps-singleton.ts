/**
 * Epps-Singleton test: do two samples have the same characteristic function? It sees changes of spread and shape that
 * Kolmogorov-Smirnov misses, and is at home with discrete values too.
 *
 * The functions are compared at 0.4 and 0.8 over half the pooled interquartile range (over the standard deviation where
 * that range is 0); the statistic has about a chi-square distribution with four degrees of freedom, with a correction below
 * 25 values a sample. Cost: O(n log n). Samples without any spread: see separation.ts.
 * Source: T. Epps and K. Singleton, An omnibus test for the two-sample problem using the empirical characteristic function (1986).
 */
import { sortedSample } from "../distance/empirical-distribution.ts";
import { eigenOf } from "../multivariate/eigen.ts";
import { chiSquareSurvival } from "../special/chi-square.ts";
import { separation } from "./separation.ts";
import type { TestResult } from "./test-result.ts";

const points = [0.4, 0.8] as const;
const valuesMin = 5;
const valuesMany = 25;
/** Eigenvalues below this share of the greatest are rounding: the samples do not vary in that direction. */
const negligible = 1e-12;

/** @throws RangeError for fewer than five values a sample and for one that is not a finite number. */
export function eppsSingleton(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  const [n, m] = [a.length, b.length];
  if (n < valuesMin || m < valuesMin) throw new RangeError(`eppsSingleton: expected five values or more a sample, got ${n} and ${m}`);
  const [sortedA, sortedB] = [sortedSample("eppsSingleton", a), sortedSample("eppsSingleton", b)];
  const [leastA, leastB] = [sortedA[0] as number, sortedB[0] as number];
  if (leastA === sortedA.at(-1) && leastB === sortedB.at(-1)) return separation(Number(leastA !== leastB), n, m);

  const scale = pooledScale(sortedA, sortedB);
  if (!Number.isFinite(scale.unit)) throw new RangeError("eppsSingleton: expected values whose squares are finite, got larger ones");
  const [wavesA, wavesB] = [waves(sortedA, scale), waves(sortedB, scale)];
  const rows = n + m;
  const covariance = wavesA.covariance.map((cell, index) => (rows / n) * cell + (rows / m) * (wavesB.covariance[index] as number));
  const difference = wavesA.means.map((mean, index) => mean - (wavesB.means[index] as number));
  const { squares, rank } = standardised(difference, covariance);
  const correction = Math.max(n, m) < valuesMany ? 1 + rows ** -0.45 + 10.1 * (n ** -1.7 + m ** -1.7) : 1;
  const statistic = (rows * squares) / correction;
  return { statistic, p: chiSquareSurvival(statistic, Math.max(1, rank)) };
}

/** The difference's squared length in units of the covariance, over the directions in which there is any. */
function standardised(difference: Float64Array, covariance: Float64Array): { readonly squares: number; readonly rank: number } {
  const { values, vectors } = eigenOf(covariance, difference.length);
  const rank = values.filter((value) => value > (values[0] as number) * negligible).length;
  const squares = vectors.slice(0, rank).map((vector, direction) => {
    const along = vector.reduce((sum, component, index) => sum + component * (difference[index] as number), 0);
    return (along * along) / (values[direction] as number);
  });
  return { squares: squares.reduce((sum, square) => sum + square, 0), rank };
}

interface Scale {
  readonly centre: number;
  readonly unit: number;
}

/** The unit is half the interquartile range; the centre, which changes nothing, keeps the digits of values far from 0. */
function pooledScale(a: Float64Array, b: Float64Array): Scale {
  const pooled = new Float64Array(a.length + b.length);
  pooled.set(a);
  pooled.set(b, a.length);
  pooled.sort();
  const centre = quantile(pooled, 0.5);
  const unit = (quantile(pooled, 0.75) - quantile(pooled, 0.25)) / 2;
  if (unit > 0) return { centre, unit };
  const squares = pooled.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { centre, unit: Math.sqrt(squares / pooled.length) };
}

/** Between the two nearest values, in proportion. */
function quantile(sorted: Float64Array, ratio: number): number {
  const at = ratio * (sorted.length - 1);
  const below = sorted[Math.floor(at)] as number;
  return below + (at % 1) * ((sorted[Math.ceil(at)] as number) - below);
}

interface Waves {
  readonly means: Float64Array;
  /** Row by row. */
  readonly covariance: Float64Array;
}

/** The sample as cosines and sines at the two points: their means, and how they vary together. */
function waves(sample: Float64Array, { centre, unit }: Scale): Waves {
  const columns = points.flatMap((point) => {
    const phases = sample.map((value) => (point * (value - centre)) / unit);
    return [phases.map(Math.cos), phases.map(Math.sin)];
  });
  const means = Float64Array.from(columns, (column) => column.reduce((sum, value) => sum + value, 0) / sample.length);
  const covariance = columns.flatMap((left, i) =>
    columns.map((right, j) => {
      const [meanLeft, meanRight] = [means[i] as number, means[j] as number];
      return left.reduce((sum, value, index) => sum + (value - meanLeft) * ((right[index] as number) - meanRight), 0) / sample.length;
    }),
  );
  return { means, covariance: Float64Array.from(covariance) };
}
