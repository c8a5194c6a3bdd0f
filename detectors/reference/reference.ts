/**
 * What normal looked like: for each feature a histogram over fixed cells, made once from the reference data.
 *
 * Whatever a feature sends, it falls into exactly one cell: nulls, NaN, values of the wrong type and values never seen
 * before have cells of their own. So a window of traffic is a vector of counts over the same cells, two windows merge by
 * addition, and every measure of drift is a function of two such vectors. Plain JSON throughout.
 */
import { evenCuts } from "./even-cuts.ts";
import { advance, uniform } from "../random.ts";
import { categoricalExtras, numericExtras, referenceFormat, referenceProblems } from "./reference-format.ts";

/** What a feature may send. */
export type Value = number | string | boolean | null | undefined;

export interface NumericReference {
  readonly kind: "numeric";
  readonly name: string;
  /** Where one cell ends and the next begins, ascending: a value at an edge lies in the cell below it. */
  readonly edges: readonly number[];
  /** Rows per cell: one cell more than edges, then `under, over, null, nan, infinite, wrongType`. */
  readonly counts: readonly number[];
  readonly rows: number;
  /** Of the finite values, as are the three that follow. */
  readonly mean: number;
  readonly standardDeviation: number;
  readonly min: number;
  readonly max: number;
}

export interface CategoricalReference {
  readonly kind: "categorical";
  readonly name: string;
  /** In the order of their UTF-16 code units. Numbers and booleans are known by their text. */
  readonly values: readonly string[];
  /** Rows per cell: a cell per value, then `other, null, wrongType`. */
  readonly counts: readonly number[];
  /**
   * The part of `counts` that comes from the half of the rows that had no say in which values are known and which are
   * frequent. Ranks are taken among these alone, since a value's frequency flatters it in the rows that got it chosen.
   */
  readonly heldOut: readonly number[];
  readonly rows: number;
}

export type FeatureReference = NumericReference | CategoricalReference;

export interface Reference {
  readonly format: typeof referenceFormat;
  readonly model: string;
  readonly rows: number;
  readonly features: readonly FeatureReference[];
  /** The model's own output, where there is one number a row. */
  readonly score?: FeatureReference | undefined;
  /** What was realised on the reference, by name: `accuracy`, `roc_auc`, ... */
  readonly performance?: Readonly<Record<string, number>> | undefined;
}

export interface Column {
  readonly name: string;
  readonly values: readonly Value[];
  /** Where it is not given, what most of the values are. */
  readonly kind?: FeatureReference["kind"] | undefined;
}

/** So many lose little of what the values themselves would say, and their counts are half a kilobyte. */
const cellsDefault = 64;

/** Which half a row belongs to is thrown with this seed, so that the same data give the same reference. */
const halvesSeed = 20_150_101;

/**
 * The reference of one feature. Numbers: a cell per value where there are at most `cells` distinct ones, else about
 * `cells` intervals of equal weight. Categories: a cell for each of the `cells` most frequent.
 *
 * @throws RangeError, naming the feature, where there are no rows, or no finite number in a numeric feature.
 * Cost: sorts the values once.
 */
export function featureReference(
  name: string,
  values: readonly Value[],
  { kind = kindOf(values), cells = cellsDefault }: { kind?: FeatureReference["kind"]; cells?: number } = {},
): FeatureReference {
  if (values.length === 0) throw new RangeError(`reference: feature ${name} has no rows`);
  if (!Number.isInteger(cells) || cells < 1) throw new RangeError(`reference: cells must be 1 or more, got ${cells}`);
  return kind === "numeric" ? numericReference(name, values, cells) : categoricalReference(name, values, cells);
}

function kindOf(values: readonly Value[]): FeatureReference["kind"] {
  let balance = 0;
  for (const value of values) {
    if (typeof value === "number") balance += 1;
    else if (value !== null && value !== undefined) balance -= 1;
  }
  return balance > 0 ? "numeric" : "categorical";
}

function numericReference(name: string, values: readonly Value[], cells: number): NumericReference {
  // Plus zero, which makes 0 of -0: JSON does not know -0.
  const finite = Float64Array.from(values.filter((value) => Number.isFinite(value)) as number[], (value) => value + 0).sort();
  if (finite.length === 0) throw new RangeError(`reference: feature ${name} has no finite number`);

  const distinct: number[] = [];
  const counts: number[] = [];
  for (const value of finite) {
    if (value !== distinct.at(-1)) {
      distinct.push(value);
      counts.push(0);
    }
    counts[counts.length - 1] = (counts.at(-1) as number) + 1;
  }
  const cuts = distinct.length <= cells ? [...distinct.keys()].slice(0, -1) : evenCuts(counts, cells);
  // Halfway between neighbours, so that the rounding of a value to single precision never changes its cell.
  const edges = cuts.map((cut) => between(distinct[cut] as number, distinct[cut + 1] as number));

  const cut: NumericReference = { kind: "numeric", name, edges, counts: [], rows: values.length, ...moments(finite) };
  return { ...cut, counts: countCells(cut, values) };
}

/** A number at or above `low` and below `high`, about halfway. */
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}

/** Of ascending values. */
function moments(values: Float64Array): Pick<NumericReference, "mean" | "standardDeviation" | "min" | "max"> {
  const min = values[0] as number;
  const max = values.at(-1) as number;
  const largest = Math.max(Math.abs(min), Math.abs(max));
  const scale = largest > 1e150 ? largest : 1; // for values whose squares would not be finite
  let sum = 0;
  for (const value of values) sum += value / scale;
  // Rounding must not carry the mean of a constant away from the constant.
  const mean = Math.min(max, Math.max(min, (sum / values.length) * scale));
  let squares = 0;
  for (const value of values) squares += (value / scale - mean / scale) ** 2;
  return { mean, standardDeviation: Math.sqrt(squares / values.length) * scale, min, max };
}

function categoricalReference(name: string, values: readonly Value[], cells: number): CategoricalReference {
  const drawn: Value[] = [];
  const heldOut: Value[] = [];
  let chance = halvesSeed;
  for (const value of values) {
    chance = advance(chance);
    (uniform(chance) < 0.5 ? drawn : heldOut).push(value);
  }

  const all = frequencies(values);
  let known = [...all.keys()];
  if (known.length > cells) {
    const frequency = frequencies(drawn);
    known = [...frequency.keys()].sort(
      (a, b) => (frequency.get(b) as number) - (frequency.get(a) as number) || (a < b ? -1 : 1),
    );
    known.length = Math.min(known.length, cells);
  }
  known.sort();

  const cut: CategoricalReference = { kind: "categorical", name, values: known, counts: [], heldOut: [], rows: values.length };
  return { ...cut, counts: countCells(cut, values), heldOut: countCells(cut, heldOut) };
}

function frequencies(values: readonly Value[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const value of values) {
    const category = categoryOf(value);
    if (category !== undefined) found.set(category, (found.get(category) ?? 0) + 1);
  }
  return found;
}

function categoryOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "boolean" || Number.isFinite(value) ? String(value) : undefined;
}

function countCells(reference: FeatureReference, values: readonly Value[]): number[] {
  const counts = Array.from({ length: cellCount(reference) }, () => 0);
  for (const value of values) counts[cellOf(reference, value)]! += 1;
  return counts;
}

/**
 * The reference of a model.
 *
 * @throws RangeError where there are no features, two of one name, or columns of different lengths; and as `featureReference`.
 */
export function buildReference({ model, features, score, performance, cells = cellsDefault }: {
  readonly model: string;
  readonly features: readonly Column[];
  readonly score?: Column | undefined;
  readonly performance?: Readonly<Record<string, number>> | undefined;
  readonly cells?: number;
}): Reference {
  const first = features[0];
  if (first === undefined) throw new RangeError("reference: no features");
  const names = new Set<string>();
  for (const { name, values } of score === undefined ? features : [...features, score]) {
    if (names.has(name)) throw new RangeError(`reference: two features are named ${name}`);
    names.add(name);
    if (values.length !== first.values.length) {
      throw new RangeError(`reference: feature ${name} has ${values.length} rows, ${first.name} has ${first.values.length}`);
    }
  }
  const made = ({ name, values, kind = kindOf(values) }: Column) => featureReference(name, values, { kind, cells });
  return {
    format: referenceFormat,
    model,
    rows: first.values.length,
    features: features.map(made),
    ...(score !== undefined && { score: made(score) }),
    ...(performance !== undefined && { performance }),
  };
}

/** How many cells a feature has, its extra ones included. */
export function cellCount(reference: FeatureReference): number {
  return reference.kind === "numeric"
    ? reference.edges.length + 1 + numericExtras.length
    : reference.values.length + categoricalExtras.length;
}

/** The cell that a value falls into. Never throws, whatever arrives. Cost: a binary search. */
export function cellOf(reference: FeatureReference, value: Value): number {
  return reference.kind === "numeric" ? numericCell(reference, value) : categoricalCell(reference, value);
}

/** A tensor in single precision sends the least and the greatest value a little off from what they are in the reference. */
const singlePrecision = 2 ** -23;

function numericCell({ edges, min, max }: NumericReference, value: Value): number {
  const under = edges.length + 1;
  if (value === null || value === undefined) return under + 2;
  if (typeof value !== "number") return under + 5;
  if (Number.isNaN(value)) return under + 3;
  if (value === Infinity || value === -Infinity) return under + 4;
  if (value < min - singlePrecision * Math.abs(min)) return under;
  if (value > max + singlePrecision * Math.abs(max)) return under + 1;
  return firstFrom(edges, value);
}

function categoricalCell({ values }: CategoricalReference, value: Value): number {
  const other = values.length;
  if (value === null || value === undefined) return other + 1;
  const category = categoryOf(value);
  if (category === undefined) return other + 2;
  const found = firstFrom(values, category);
  return values[found] === category ? found : other;
}

/** The index of the first item that is not below the one sought; the length where all are. */
function firstFrom<Item extends number | string>(sorted: readonly Item[], sought: Item): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Item) < sought) low = middle + 1;
    else high = middle;
  }
  return low;
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

const problemsMax = 20;

/** A reference as it comes from a file. @throws Error with the path of each thing that is wrong, at most twenty of them. */
export function parseReference(value: unknown): Reference {
  const problems = referenceProblems(value);
  if (problems.length === 0) return value as Reference;
  const more = problems.length > problemsMax ? [`and ${problems.length - problemsMax} more`] : [];
  throw new Error(`reference: ${[...problems.slice(0, problemsMax), ...more].join("; ")}`);
}
