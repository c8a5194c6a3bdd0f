/**
 * Some hundred raw values of one feature, sorted out once: what is missing, what is a number, what is text. The rules that
 * look for a cause read this and the feature's reference, nothing else.
 */
import { cellOf, type CategoricalReference, type FeatureReference, type NumericReference, type Value } from "../reference/reference.ts";

export interface Sample {
  readonly rows: number;
  /** Finite, ascending. */
  readonly numbers: readonly number[];
  /** Null, undefined or NaN. */
  readonly missing: number;
  readonly texts: readonly string[];
  /** What stands there, as text (finite numbers and booleans too), and how often. */
  readonly categories: ReadonlyMap<string, number>;
}

export function sampleOf(values: readonly Value[]): Sample {
  const numbers: number[] = [];
  const texts: string[] = [];
  const categories = new Map<string, number>();
  let missing = 0;
  for (const value of values) {
    if (value === null || value === undefined || Number.isNaN(value)) {
      missing += 1;
      continue;
    }
    if (value === Infinity || value === -Infinity) continue;
    if (typeof value === "string") texts.push(value);
    else if (typeof value === "number") numbers.push(value);
    const category = String(value);
    categories.set(category, (categories.get(category) ?? 0) + 1);
  }
  return { rows: values.length, numbers: numbers.sort((a, b) => a - b), missing, texts, categories };
}

/**
 * The ratios of the reference's finite values that lie below a number, and at or below it, as finely as its cells tell:
 * within a cell in proportion, of whole numbers number by number.
 */
export function cumulative(reference: NumericReference, value: number): { readonly below: number; readonly upTo: number } {
  const { edges, counts, min, max } = reference;
  if (value < min) return { below: 0, upTo: 0 };
  if (value > max) return { below: 1, upTo: 1 };
  let total = 0;
  for (let cell = 0; cell <= edges.length; cell += 1) total += counts[cell] as number;
  const at = cellOf(reference, value);
  let before = 0;
  for (let cell = 0; cell < at; cell += 1) before += counts[cell] as number;
  const [low, high] = [edges[at - 1] ?? min, edges[at] ?? max];

  const [below, upTo] = isWhole(reference)
    ? within(value - (at === 0 ? min : Math.floor(low) + 1), Math.floor(high) - (at === 0 ? min : Math.floor(low) + 1) + 1, 1)
    : within(value - low, high - low, 0);
  const count = counts[at] as number;
  return { below: (before + below * count) / total, upTo: (before + upTo * count) / total };
}

/** Where a step of `width` begins and ends in a cell of `length`, both as a ratio of it; a cell without length is one value. */
function within(from: number, length: number, width: number): readonly [number, number] {
  return length > 0 ? [from / length, (from + width) / length] : [0, 1];
}

function isWhole({ integer, edges, min, max }: NumericReference): boolean {
  return integer ?? (Number.isInteger(min) && Number.isInteger(max) && edges.every((edge) => Number.isInteger(2 * edge)));
}

/**
 * How far numbers lie from the reference: the greatest difference of the two cumulative ratios (Kolmogorov and Smirnov) at
 * the edges of cells, where the reference is known exactly. 0 to 1. Cost: O(cells + numbers).
 */
export function distanceOfNumbers(reference: NumericReference, ascending: readonly number[]): number {
  const { edges, counts } = reference;
  let total = 0;
  for (let cell = 0; cell <= edges.length; cell += 1) total += counts[cell] as number;
  let [greatest, below, next] = [0, 0, 0];
  const compare = (ratio: number) => {
    greatest = Math.max(greatest, Math.abs(ratio - next / ascending.length));
  };
  while (next < ascending.length && (ascending[next] as number) < reference.min) next += 1;
  compare(0);
  for (const [cell, edge] of edges.entries()) {
    below += counts[cell] as number;
    while (next < ascending.length && (ascending[next] as number) <= edge) next += 1;
    compare(below / total);
  }
  while (next < ascending.length && (ascending[next] as number) <= reference.max) next += 1;
  compare(1);
  return greatest;
}

/** Half the sum of differences between what each category has in the reference and in the sample. 0 to 1. */
export function distanceOfCategories(reference: CategoricalReference, { categories }: Sample): number {
  const known = reference.counts.slice(0, reference.values.length);
  const total = known.reduce((sum, count) => sum + count, 0);
  const rows = [...categories.values()].reduce((sum, count) => sum + count, 0);
  if (rows === 0 || total === 0) return 1;
  let apart = 0;
  let seen = 0;
  for (const [cell, value] of reference.values.entries()) {
    const now = categories.get(value) ?? 0;
    seen += now;
    apart += Math.abs((known[cell] as number) / total - now / rows);
  }
  return (apart + (rows - seen) / rows) / 2;
}

/** Between a feature and a sample, whatever they are; 1 where they are not of one kind. */
export function distance(reference: FeatureReference, sample: Sample): number {
  if (reference.kind === "categorical") return distanceOfCategories(reference, sample);
  return sample.numbers.length === 0 || sample.numbers.length < (sample.rows - sample.missing) / 2 ? 1 : distanceOfNumbers(reference, sample.numbers);
}

/** What `distance` is at most by chance, in all but about one of ten thousand samples of `rows` values. */
export function chanceDistance(reference: FeatureReference, rows: number): number {
  // Kolmogorov's limit at 1e-4 is 2.23; of categories about one standard deviation each, on both sides.
  if (reference.kind === "numeric") return 2.23 * Math.sqrt(1 / rows + 1 / reference.rows);
  const total = reference.rows;
  const spread = reference.counts.reduce((sum, count) => sum + Math.sqrt((count / total) * (1 - count / total)), 0);
  return 0.5 * (0.8 * spread + 3.7) * Math.sqrt(1 / rows + 1 / total);
}
