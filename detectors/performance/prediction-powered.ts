/**
 * Prediction-powered mean: what a few known values and many estimated ones say together.
 *
 * The mean of the estimates over all rows is precise but may be wrong; the mean over the few rows whose value is known is right
 * but imprecise. The known rows show how wrong the estimates are, and that is taken off. How far the estimates are trusted,
 * `lambda` from 0 (not at all) to 1, is chosen so that the error is least; so with useless estimates this is the mean of
 * the known values, and never much worse.
 *
 * Valid if the rows with known values are a random part of all. If answers come first, or only, for some kind of row, the
 * result is as biased as those rows are. The band is Student's, for samples that are small but not tiny.
 *
 * Source: A. Angelopoulos, J. Duchi and T. Zrnic, PPI++: Efficient Prediction-Powered Inference, arXiv 2311.01453.
 */
import { missProbability, type Banded } from "./banded.ts";
import { studentQuantile } from "../special/student.ts";

export interface PartlyKnown {
  /** Estimates of the rows whose value is not known. */
  readonly estimates: ArrayLike<number>;
  /** Estimates of the rows whose value is known, and their values, in the same order. */
  readonly knownEstimates: ArrayLike<number>;
  readonly known: ArrayLike<number>;
}

export interface PredictionPowered extends Banded {
  /** How far the estimates were trusted, 0 to 1. */
  readonly lambda: number;
}

/** Fewer known values leave no spread to estimate. */
export const knownMin = 3;

/**
 * @param range the least and the greatest value there can be, where there are such.
 * @returns undefined with fewer than three known values. @throws RangeError for columns of unequal length, and numbers that are not finite.
 */
export function predictionPowered(
  { estimates, knownEstimates, known }: PartlyKnown,
  { least = -Infinity, most = Infinity }: { readonly least?: number; readonly most?: number } = {},
): PredictionPowered | undefined {
  if (knownEstimates.length !== known.length) {
    throw new RangeError(`predictionPowered: expected an estimate for each known value, got ${knownEstimates.length} for ${known.length}`);
  }
  const n = known.length;
  const more = estimates.length;
  const [unknown, paired, values] = [moments(estimates, estimates), moments(knownEstimates, known), moments(known, known)];
  if (n < knownMin) return undefined;

  // Cov / ((1 + n/N) Var), the variance of estimates being taken over all rows.
  const all = (unknown.variance * Math.max(0, more - 1) + paired.variance * (n - 1)) / Math.max(1, more + n - 2);
  const lambda = more < 2 || !(all > 0) ? 0 : Math.min(1, Math.max(0, paired.covariance / ((1 + n / more) * all)));
  const value = values.mean + lambda * (unknown.mean - paired.mean);
  const residual = values.variance - 2 * lambda * paired.covariance + lambda ** 2 * paired.variance;
  const variance = Math.max(0, residual) / n + (lambda === 0 ? 0 : (lambda ** 2 * unknown.variance) / more);
  // Values that are all alike show no spread; one that differs may be the next.
  const error = most - least < Infinity ? Math.max(Math.sqrt(variance), (most - least) / (n + 1)) : Math.sqrt(variance);
  const reach = studentQuantile(1 - missProbability / 2, n - (lambda === 0 ? 1 : 2)) * error;
  const within = Math.min(most, Math.max(least, value));
  return { value: within, lower: Math.max(least, value - reach), upper: Math.min(most, value + reach), lambda };
}

/** With n - 1; zeros with fewer than two rows. */
function moments(a: ArrayLike<number>, b: ArrayLike<number>) {
  let [mean, meanB, squares, products] = [0, 0, 0, 0];
  for (let row = 0; row < a.length; row += 1) {
    const [x, y] = [a[row] as number, b[row] as number];
    if (!Number.isFinite(x) || !Number.isFinite(y)) throw new RangeError(`predictionPowered: row ${row}: expected finite numbers, got ${x} and ${y}`);
    const step = x - mean;
    mean += step / (row + 1);
    meanB += (y - meanB) / (row + 1);
    squares += step * (x - mean);
    products += step * (y - meanB);
  }
  const degrees = Math.max(1, a.length - 1);
  return { mean, variance: squares / degrees, covariance: products / degrees };
}
