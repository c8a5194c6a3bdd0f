/**
 * A sample as its distribution function, and the walk along two of them that Kolmogorov-Smirnov, Kuiper, Wasserstein and
 * energy distance are all read from. Cost: a sort of each sample, then O(n + m); memory O(n + m).
 */

export interface EmpiricalDistribution {
  /** Ascending. */
  readonly values: Float64Array;
  /** The share of the sample's weight at or before each value, ending at 1. */
  readonly cumulative: Float64Array;
}

/** A copy in ascending order. @throws RangeError for an empty sample and for a value that is not a finite number. */
export function sortedSample(name: string, values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new RangeError(`${name}: expected at least one value a sample, got none`);
  const sorted = Float64Array.from(values);
  for (const value of sorted) if (!Number.isFinite(value)) throw new RangeError(`${name}: expected finite numbers, got ${value}`);
  return sorted.sort();
}

/** @throws RangeError as `sortedSample`, and for weights that are not one a value, negative, or without a finite sum above 0. */
export function empiricalDistribution(name: string, sample: ArrayLike<number>, weights?: ArrayLike<number>): EmpiricalDistribution {
  const values = sortedSample(name, sample);
  const cumulative = new Float64Array(values.length);
  if (weights === undefined) return { values, cumulative: cumulative.map((_, index) => (index + 1) / values.length) };

  if (weights.length !== sample.length) throw new RangeError(`${name}: expected a weight a value, got ${weights.length} for ${sample.length}`);
  const order = Array.from(values.keys()).sort((i, j) => (sample[i] as number) - (sample[j] as number));
  let sum = 0;
  for (const [rank, index] of order.entries()) {
    const weight = weights[index] as number;
    if (!(weight >= 0)) throw new RangeError(`${name}: expected weights of 0 or more, got ${weight}`);
    sum += weight;
    cumulative[rank] = sum;
  }
  if (!(sum > 0 && sum < Infinity)) throw new RangeError(`${name}: expected weights with a finite sum above 0, got ${sum}`);
  return { values, cumulative: cumulative.map((weight) => weight / sum) };
}

/** Calls `visit` for each stretch, from one value that occurs to the next, on which there is a gap F - G between them. */
export function walkGaps(a: EmpiricalDistribution, b: EmpiricalDistribution, visit: (gap: number, from: number, to: number) => void): void {
  let i = 0;
  let j = 0;
  let at = Math.min(a.values[0] as number, b.values[0] as number);
  while (i < a.values.length || j < b.values.length) {
    while (a.values[i] === at) i += 1;
    while (b.values[j] === at) j += 1;
    const next = Math.min(a.values[i] ?? Infinity, b.values[j] ?? Infinity);
    if (next === Infinity) return;
    const gap = (a.cumulative[i - 1] ?? 0) - (b.cumulative[j - 1] ?? 0);
    if (gap !== 0) visit(gap, at, next);
    at = next;
  }
}
