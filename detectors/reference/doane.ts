/**
 * Bins of equal width over the range of the data, as many as Doane's rule asks for: log2 of the rows, and more where the
 * data are skewed. Other tools take their distances over such bins; ours are the cells.
 *
 * The same number of bins, and each value in the same bin, as numpy's `histogram(values, bins="doane")` for floating-point
 * numbers (numpy 2 widens the bins of integer types to 1 at least, which this does not).
 * Source: D. P. Doane, Aesthetic frequency classifications, The American Statistician 30 (1976).
 */
import type { Histogram } from "./feature-reference.ts";

/** @param skewness of the finite values; undefined where they are all the same. */
export function doaneBins({ count, min, max, skewness }: {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly skewness: number | undefined;
}): number {
  if (count < 3 || !(max > min) || skewness === undefined) return 1;
  const skewnessError = Math.sqrt((6 * (count - 2)) / ((count + 1) * (count + 3)));
  const bins = 1 + Math.log2(count) + Math.log2(1 + Math.abs(skewness) / skewnessError);
  const range = max / 2 - min / 2; // halves, since the whole may not be finite; their ratio is the same
  return Math.ceil(range / (range / bins));
}

/** Empty bins over the range. A single value lies in the middle of a bin of width 1. */
export function emptyHistogram(min: number, max: number, bins: number): Histogram {
  const constant = min === max;
  return { low: constant ? min - 0.5 : min, high: constant ? max + 0.5 : max, counts: Array.from({ length: bins }, () => 0) };
}

/** The bin of a value: from its lower edge to below its upper, the last with its upper; undefined outside them all. */
export function binOf({ low, high, counts }: Histogram, value: number): number | undefined {
  if (!(value >= low && value <= high)) return undefined;
  const bins = counts.length;
  // Halves, as above.
  const halfWidth = (high / 2 - low / 2) / bins;
  if (halfWidth === 0) return bins - 1;
  const edge = (bin: number) => low + 2 * (bin * halfWidth);
  let bin = Math.min(bins - 1, Math.floor((value / 2 - low / 2) / halfWidth));
  // Where rounding has carried the value across an edge.
  if (bin > 0 && value < edge(bin)) bin -= 1;
  else if (bin < bins - 1 && value >= edge(bin + 1)) bin += 1;
  return bin;
}
