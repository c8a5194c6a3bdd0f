/**
 * The cells of a feature's reference: which one a value falls into, what it is called, how many there are.
 * The cells that a value of the feature itself can fall into come first, those for everything else after them.
 */
import type { CategoricalReference, FeatureReference, NumericReference, Value } from "./feature-reference.ts";
import { categoricalExtras, numericExtras } from "./reference-format.ts";

/** How many cells a feature has, its extra ones included. */
export function cellCount(reference: FeatureReference): number {
  return reference.kind === "numeric"
    ? reference.edges.length + 1 + numericExtras.length
    : reference.values.length + categoricalExtras.length;
}

/** The cell that a value falls into. Never throws, whatever arrives. Cost: a binary search, about 40 ns for a number. */
export function cellOf(reference: FeatureReference, value: Value): number {
  return reference.kind === "numeric" ? numericCell(reference, value) : categoricalCell(reference, value);
}

/** A tensor in single precision sends the least and the greatest value a little off from what they are in the reference. */
export const singlePrecision = 2 ** -23;

function numericCell({ edges, min, max }: NumericReference, value: Value): number {
  const low = min - singlePrecision * Math.abs(min);
  const high = max + singlePrecision * Math.abs(max);
  if (!(typeof value === "number" && value >= low && value <= high)) return edges.length + 1 + numericExtra(value, low);

  // Counts the edges below the value, half of those left at a time. Without a branch, since which way it went could not be foreseen.
  let below = 0;
  for (let left = edges.length; left > 0; ) {
    const half = (left + 1) >>> 1;
    below += Number((edges[below + half - 1] as number) < value) * half;
    left -= half;
  }
  return below;
}

/** The place in `numericExtras` of a value that lies in none of the feature's own cells. */
export function numericExtra(value: Value, low: number): number {
  if (value === null || value === undefined) return 2;
  if (typeof value !== "number") return 5;
  if (Number.isNaN(value)) return 3;
  if (value === Infinity || value === -Infinity) return 4;
  return value < low ? 0 : 1;
}

function categoricalCell({ values }: CategoricalReference, value: Value): number {
  const other = values.length;
  if (value === null || value === undefined) return other + 1;
  const category = categoryOf(value);
  if (category === undefined) return other + 2;
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as string) < category) low = middle + 1;
    else high = middle;
  }
  return values[low] === category ? low : other;
}

/** Numbers and booleans are known by their text; undefined where a value can be no category. */
export function categoryOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || Number.isFinite(value) ? String(value) : undefined;
}

/** A cell in words: "17 to 25", "over 95", "null", or the category itself. */
export function cellName(reference: FeatureReference, cell: number): string {
  if (reference.kind === "categorical") {
    return reference.values[cell] ?? categoricalExtras[cell - reference.values.length] ?? "unknown";
  }
  const { edges, min, max } = reference;
  const extra = numericExtras[cell - edges.length - 1];
  if (extra === "under") return `under ${short(min)}`;
  if (extra === "over") return `over ${short(max)}`;
  if (extra !== undefined) return extra;
  if (!(cell >= 0 && cell <= edges.length)) return "unknown";

  // Between whole numbers the edges lie at halves: name the numbers that a cell holds, not its edges.
  const whole = Number.isInteger(min) && Number.isInteger(max) && edges.every((edge) => Number.isInteger(2 * edge));
  const below = edges[cell - 1];
  const above = edges[cell];
  const low = below === undefined ? min : whole ? Math.floor(below) + 1 : below;
  const high = above === undefined ? max : whole ? Math.floor(above) : above;
  return low === high ? short(low) : `${short(low)} to ${short(high)}`;
}

function short(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));
}

/** The counts of both together: merging is addition. Throws a RangeError where they have not the same cells. */
export function mergeCounts(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  if (a.length !== b.length) throw new RangeError(`mergeCounts: ${a.length} cells and ${b.length} cells`);
  return Array.from(a, (count, cell) => count + (b[cell] as number));
}
