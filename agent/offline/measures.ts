/**
 * How far a chunk of one feature lies from the reference: every measure and test that applies, by name. One that does not
 * apply is absent, never 0.
 *
 * Distances between histograms (`jensen_shannon`, `hellinger`, `kl`, `total_variation`, `l_infinity`) are taken over a cell
 * per value where the reference has few, and over its bins of equal width and one for all outside where it has many, as
 * other tools do. `psi` is over the reference's cells of equal weight. `wasserstein` is in standard deviations of the
 * reference, `energy` in the root of the feature's unit. Tests compare the chunk's numbers with the reference's sample; `ks`
 * of a feature with few values uses all rows of both.
 */
import { energyDistance } from "../../detectors/distance/energy-distance.ts";
import { hellinger } from "../../detectors/distance/hellinger.ts";
import { jensenShannonDistance } from "../../detectors/distance/jensen-shannon.ts";
import { kullbackLeibler } from "../../detectors/distance/kullback-leibler.ts";
import { lInfinity } from "../../detectors/distance/l-infinity.ts";
import { psi } from "../../detectors/distance/population-stability-index.ts";
import { totalVariation } from "../../detectors/distance/total-variation.ts";
import { wasserstein1 } from "../../detectors/distance/wasserstein.ts";
import { cellOf } from "../../detectors/reference/cells.ts";
import { moments } from "../../detectors/reference/moments.ts";
import type { FeatureReference, Histogram, NumericReference } from "../../detectors/reference/reference.ts";
import { andersonDarling } from "../../detectors/two-sample/anderson-darling.ts";
import { chiSquareTest } from "../../detectors/two-sample/chi-square-test.ts";
import { cramersV } from "../../detectors/two-sample/cramers-v.ts";
import { cramerVonMises } from "../../detectors/two-sample/cramer-von-mises.ts";
import { eppsSingleton } from "../../detectors/two-sample/epps-singleton.ts";
import { gTest } from "../../detectors/two-sample/g-test.ts";
import { kolmogorovSmirnov, kolmogorovSmirnovOfCells } from "../../detectors/two-sample/kolmogorov-smirnov.ts";
import { mannWhitney } from "../../detectors/two-sample/mann-whitney.ts";
import { welch } from "../../detectors/two-sample/welch.ts";
import { numbersOf, type FeatureWindow } from "./feature-window.ts";

export type Measures = Readonly<Record<string, number>>;

/** Fewer numbers on a side say nothing that a test could find. */
const testRowsMin = 8;

/** Cost: sorts the chunk's sample a few times. */
export function measuresOf(reference: FeatureReference, window: FeatureWindow): Measures {
  const found: Record<string, number> = {};
  const put = (name: string, measure: () => number | undefined): void => {
    const value = defined(measure);
    if (value !== undefined && Number.isFinite(value)) found[name] = value;
  };
  if (window.rows === 0) return found;
  const cells = comparedCells(reference, window);
  put("psi", () => psi(reference.counts, window.counts));
  put("jensen_shannon", () => jensenShannonDistance(cells.reference, cells.window));
  put("hellinger", () => hellinger(cells.reference, cells.window));
  put("kl", () => kullbackLeibler(cells.reference, cells.window));
  put("total_variation", () => totalVariation(cells.reference, cells.window));
  put("l_infinity", () => lInfinity(cells.reference, cells.window));
  if (reference.kind === "numeric") putNumeric(reference, window, put);
  else put("unseen_ratio", () => (window.counts[reference.values.length] as number) / window.rows);
  if (reference.kind === "categorical" || hasCellPerValue(reference)) {
    const table = filledColumns(reference.counts, window.counts);
    put("chi2_p", () => chiSquareTest(table).p);
    put("g_p", () => gTest(table).p);
    put("cramers_v", () => cramersV(table));
  }
  const extras = reference.kind === "numeric" ? reference.edges.length + 3 : reference.values.length + 1;
  put("null_ratio", () => (window.counts[extras] as number) / window.rows);
  put("wrong_type_ratio", () => (window.counts.at(-1) as number) / window.rows);
  return found;
}

/** A ratio of equal values that changes no rank to speak of. */
const tiedMax = 0.05;

type Put = (name: string, measure: () => number | undefined) => void;

function putNumeric(reference: NumericReference, window: FeatureWindow, put: Put): void {
  const { edges, standardDeviation, sample = [] } = reference;
  const under = edges.length + 1;
  const ratio = (cell: number) => (window.counts[cell] as number) / window.rows;
  put("out_of_range_ratio", () => ratio(under) + ratio(under + 1));
  put("nan_ratio", () => ratio(under + 3));
  put("infinite_ratio", () => ratio(under + 4));

  const numbers = numbersOf(window);
  if (numbers.length === 0) return;
  put("mean", () => moments.mean(window.moments));
  put("standard_deviation", () => Math.sqrt(moments.variance(window.moments) ?? NaN));
  put("min", () => window.min);
  put("max", () => window.max);
  put("median", () => numbers[numbers.length >>> 1]);

  const { values, weights } = weighted(reference);
  if (standardDeviation > 0 && values.length > 0) put("wasserstein", () => wasserstein1(values, numbers, weights) / standardDeviation);
  if (sample.length < testRowsMin || numbers.length < testRowsMin) return;
  put("energy", () => energyDistance(sample, numbers));
  const ks = hasCellPerValue(reference)
    ? () => kolmogorovSmirnovOfCells(inOrder(reference.counts, edges.length), inOrder(window.counts, edges.length))
    : () => kolmogorovSmirnov(sample, numbers);
  put("ks", () => ks().statistic);
  put("ks_p", () => ks().p);
  // Its distribution is that of values without ties: with them it rejects what is the same.
  put("cvm_p", () => (tiedRatio(numbers) > tiedMax ? undefined : cramerVonMises(sample, numbers).p));
  put("ad_p", () => andersonDarling(sample, numbers).p);
  put("mann_whitney_p", () => mannWhitney(sample, numbers).p);
  put("welch_p", () => welch(sample, numbers).p);
  put("epps_singleton_p", () => eppsSingleton(sample, numbers).p);
}

/** Of ascending numbers, how many are equal to the one before. */
function tiedRatio(ascending: ArrayLike<number>): number {
  let tied = 0;
  for (let i = 1; i < ascending.length; i += 1) if (ascending[i] === ascending[i - 1]) tied += 1;
  return tied / ascending.length;
}

/** undefined where a measure refuses what it is given, such as a test on values that are all the same. */
function defined(measure: () => number | undefined): number | undefined {
  try {
    return measure();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Is each of the reference's values a cell of its own? */
export function hasCellPerValue({ distinct, edges }: NumericReference): boolean {
  return distinct === edges.length + 1;
}

interface Compared {
  readonly reference: ArrayLike<number>;
  readonly window: ArrayLike<number>;
}

/** The counts that distances between histograms are taken over. */
export function comparedCells(reference: FeatureReference, window: FeatureWindow): Compared {
  const { counts, bins } = window;
  if (!isComparedByBins(reference) || bins === undefined) return { reference: reference.counts, window: counts };
  return { reference: comparedReference(reference), window: [...bins, ...counts.subarray(counts.length - extraCells)] };
}

/** The reference's side of them: its cells; or its bins, one for numbers outside them all, and those for what is no finite number. */
export function comparedReference(reference: FeatureReference): readonly number[] {
  if (!isComparedByBins(reference)) return reference.counts;
  return [...reference.histogram.counts, 0, ...reference.counts.slice(-extraCells)];
}

/** Null, NaN, infinite, wrong type. */
const extraCells = 4;

/** Has it too many values for a cell each? */
export function isComparedByBins(reference: FeatureReference): reference is NumericReference & { readonly histogram: Histogram } {
  return reference.kind === "numeric" && reference.histogram !== undefined && !hasCellPerValue(reference);
}

/** Under, the feature's own cells, over: the order of the numbers in them. */
function inOrder(counts: ArrayLike<number>, edges: number): number[] {
  const own = Array.from({ length: edges + 1 }, (_, cell) => counts[cell] as number);
  return [counts[edges + 1] as number, ...own, counts[edges + 2] as number];
}

function filledColumns(a: ArrayLike<number>, b: ArrayLike<number>): readonly (readonly number[])[] {
  const filled = Array.from({ length: a.length }, (_, cell) => cell).filter((cell) => (a[cell] as number) > 0 || (b[cell] as number) > 0);
  return [filled.map((cell) => a[cell] as number), filled.map((cell) => b[cell] as number)];
}

/**
 * Points that stand for the reference's numbers, with the rows that each stands for: the values themselves where each is a
 * cell of its own; else the sample's, weighted so that each cell has all its rows and only the places within it are the
 * sample's; the middle of a cell that no point of the sample lies in.
 */
function weighted(reference: NumericReference): { readonly values: readonly number[]; readonly weights: readonly number[] } {
  const { sample = [], counts, edges, min, max } = reference;
  const own = counts.slice(0, edges.length + 1);
  if (hasCellPerValue(reference)) return { values: cellValues(reference), weights: own };
  const points = own.map((): number[] => []);
  for (const value of sample) points[cellOf(reference, value)]?.push(value);
  const filled = points.map((held, cell) => (held.length > 0 ? held : [((edges[cell - 1] ?? min) + (edges[cell] ?? max)) / 2]));
  return { values: filled.flat(), weights: filled.flatMap((held, cell) => held.map(() => (own[cell] as number) / held.length)) };
}

/** An edge lies halfway between two values. */
function cellValues({ edges, min }: NumericReference): readonly number[] {
  const values = [min];
  for (const [cell, edge] of edges.entries()) values.push(2 * edge - (values[cell] as number));
  return values;
}
