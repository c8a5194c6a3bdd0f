/**
 * What one feature may send, read off its reference for checking value by value: the range with its tolerance, the known
 * categories, whether missing values are normal, and the value that stands in for one that is wrong.
 *
 * What the reference shows itself is no violation: nulls where it has nulls, unknown categories where it has more than it
 * could list. A sample never shows the very ends of a range, therefore the tolerance.
 */
import { schemaOf, violationCount } from "../../detectors/quality/schema.ts";
import { singlePrecision } from "../../detectors/reference/cells.ts";
import type { CategoricalReference, FeatureReference, NumericReference } from "../../detectors/reference/reference.ts";

interface Expected {
  readonly name: string;
  /** Nulls and NaN are normal. */
  readonly missing: boolean;
  /** In words, for whoever sent something else. */
  readonly words: string;
}

export type Expectation =
  | (Expected & {
      readonly kind: "numeric";
      /** Beyond these it is a violation. */
      readonly low: number;
      readonly high: number;
      /** To these it is clipped. */
      readonly min: number;
      readonly max: number;
      readonly infinite: boolean;
      /** The median. */
      readonly fill: number;
    })
  | (Expected & {
      readonly kind: "categorical";
      /** undefined: there are more than could be listed, so any text will do. */
      readonly categories: ReadonlySet<string> | undefined;
      /** The most frequent category. */
      readonly fill: string;
    });

/** @param tolerance share of the range by which a number may lie outside it on either side; of the number itself where there is but one. */
export function expectationOf(reference: FeatureReference, tolerance: number): Expectation {
  const { name } = reference;
  const missing = violationCount(reference, "missing") > 0;
  if (reference.kind === "categorical") {
    const { categories = [], complete } = schemaOf(reference);
    const words = complete === true ? `one of ${listed(categories)}` : "a category";
    return { kind: "categorical", name, missing, words, categories: complete === true ? new Set(categories) : undefined, fill: modeOf(reference) };
  }
  const { min, max, integer } = reference;
  const slack = tolerance * (max > min ? max - min : Math.abs(max));
  const low = min - Math.max(slack, singlePrecision * Math.abs(min));
  const high = max + Math.max(slack, singlePrecision * Math.abs(max));
  const words = `a number from ${short(low)} to ${short(high)}`;
  return { kind: "numeric", name, missing, words, low, high, min, max, infinite: violationCount(reference, "infinite") > 0, fill: medianOf(reference, integer === true) };
}

function modeOf({ values, counts }: CategoricalReference): string {
  let most = 0;
  for (let i = 1; i < values.length; i += 1) if (counts[i]! > counts[most]!) most = i;
  return values[most] ?? "";
}

/** The lower median of the sample, which is a value that was seen; without a sample, from the cells. */
function medianOf({ sample, edges, counts, min, max }: NumericReference, whole: boolean): number {
  if (sample !== undefined && sample.length > 0) return sample[(sample.length - 1) >>> 1] as number;
  const cells = counts.slice(0, edges.length + 1);
  const half = cells.reduce((sum, count) => sum + count, 0) / 2;
  let below = 0;
  let cell = 0;
  while (cell < edges.length && below + cells[cell]! < half) below += cells[cell++]!;
  const [from, to] = [edges[cell - 1] ?? min, edges[cell] ?? max];
  const median = from + (to - from) * (cells[cell]! > 0 ? (half - below) / cells[cell]! : 0.5);
  return whole ? Math.min(max, Math.max(min, Math.round(median))) : median;
}

const listedMax = 5;

function listed(categories: readonly string[]): string {
  const shown = categories.slice(0, listedMax).map((category) => JSON.stringify(category.slice(0, 40))).join(", ");
  return categories.length > listedMax ? `${shown} and ${categories.length - listedMax} more` : shown;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
