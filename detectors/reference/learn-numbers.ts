/**
 * What the first pass over a column keeps of its finite numbers: every distinct one with its count while they are few, an
 * estimate of how many there are when they are not, and a sample to cut cells from. Where the sample still holds all
 * numbers, or all distinct ones are held, the cells are those of the whole column. Memory: 2 MB a column at most.
 */
import { binOf, doaneBins, emptyHistogram } from "./doane.ts";
import { distinctCount, type DistinctState } from "./distinct-count.ts";
import { evenCuts } from "./even-cuts.ts";
import { countExactly, exactCounts, type ExactCounts } from "./exact-counts.ts";
import type { Histogram } from "./feature-reference.ts";
import { moments, type MomentsState } from "./moments.ts";
import { reservoir, type ReservoirState } from "./reservoir.ts";

export interface LearntNumbers {
  /** Undefined once there are too many distinct ones; then `distinct` counts them. */
  exact: ExactCounts<number> | undefined;
  distinct: DistinctState | undefined;
  readonly sample: ReservoirState;
  readonly moments: MomentsState;
  sum: number;
  min: number;
  max: number;
  whole: boolean;
  /** Whether each was above the one before it, or each below. */
  ascending: boolean;
  descending: boolean;
  last: number;
}

/** What is fixed once all numbers were seen. */
export interface CutNumbers {
  readonly edges: number[];
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly distinct: number;
  /** Empty. */
  readonly histogram: Histogram;
  /** Ascending. */
  readonly sample: number[];
}

/** Distinct values of a column that are held. */
export const heldMax = 16_384;
/** Values from which cells are cut where there are more distinct ones. */
const sampleMax = 100_000;
/** Values that the reference keeps. */
const keptMax = 1_000;

const cuttingSample = reservoir({ capacity: sampleMax, seed: 1 });
const keptSample = reservoir({ capacity: keptMax, seed: 2 });

export function startNumbers(): LearntNumbers {
  return {
    exact: exactCounts(),
    distinct: undefined,
    sample: cuttingSample.start(),
    moments: moments.start(),
    sum: 0,
    min: Infinity,
    max: -Infinity,
    whole: true,
    ascending: true,
    descending: true,
    last: Number.NaN,
  };
}

/** Consumes `state`. @param value finite. @param decides whether its row is in the half that decides on categories. */
export function learnNumber(state: LearntNumbers, value: number, decides: boolean): void {
  const number = value + 0; // makes 0 of -0, which JSON does not know
  if (state.exact !== undefined && !countExactly(state.exact, number, decides, heldMax)) {
    state.distinct = distinctCount.start();
    for (const held of state.exact.slots.keys()) distinctCount.step(state.distinct, held);
    state.exact = undefined;
  }
  if (state.distinct !== undefined) distinctCount.step(state.distinct, number);
  cuttingSample.step(state.sample, number);
  moments.step(state.moments, number);
  state.sum += number;
  if (number < state.min) state.min = number;
  if (number > state.max) state.max = number;
  state.whole &&= Number.isInteger(number);
  state.ascending &&= !(number <= state.last);
  state.descending &&= !(number >= state.last);
  state.last = number;
}

/** How many different ones there were. */
export function distinctNumbers({ exact, distinct }: LearntNumbers): number {
  return exact?.slots.size ?? distinctCount.estimate(distinct as DistinctState);
}

/** The distinct values, ascending, and how often each came: all of them where they are held, else those of the sample. */
export function weightedNumbers({ exact, sample }: LearntNumbers): { readonly values: Float64Array; readonly counts: Float64Array } {
  if (exact !== undefined) {
    const values = Float64Array.from(exact.slots.keys()).sort();
    return { values, counts: values.map((value) => exact.all[exact.slots.get(value) as number] as number) };
  }
  const sorted = cuttingSample.sample(sample).slice().sort();
  const values = new Float64Array(sorted.length);
  const counts = new Float64Array(sorted.length);
  let length = 0;
  for (const value of sorted) {
    if (length === 0 || value !== values[length - 1]) length += 1;
    values[length - 1] = value;
    counts[length - 1]! += 1;
  }
  return { values: values.subarray(0, length), counts: counts.subarray(0, length) };
}

/** @param state at least one number. @param cells how many there may be. Cost: sorts what is held. */
export function cutNumbers(state: LearntNumbers, cells: number): CutNumbers {
  const { min, max, sum, whole } = state;
  const { values, counts } = weightedNumbers(state);
  const cuts = values.length <= cells ? [...values.keys()].slice(0, -1) : evenCuts(counts, cells);
  const { count } = state.moments;
  // Rounding must not carry the mean of a constant away from the constant.
  const mean = Math.min(max, Math.max(min, Number.isFinite(sum) ? sum / count : state.moments.mean)) + 0;

  const kept = keptSample.start();
  for (const value of cuttingSample.sample(state.sample)) keptSample.step(kept, value);
  return {
    // Halfway between neighbours, so that the rounding of a value to single precision does not change its cell.
    edges: cuts.map((cut) => between(values[cut] as number, values[cut + 1] as number) + 0),
    mean,
    min,
    max,
    integer: whole,
    distinct: distinctNumbers(state),
    histogram: emptyHistogram(min, max, doaneBins({ count, min, max, skewness: moments.skewness(state.moments) })),
    sample: Array.from(keptSample.sample(kept).slice().sort()),
  };
}

/** A number at or above `low` and below `high`, about halfway. */
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle >= low && middle < high ? middle : low;
}

/** What the second pass counts of the finite numbers beside their cells. */
export interface CountedNumbers {
  readonly bins: Float64Array;
  squares: number;
}

export function startCounting({ histogram }: CutNumbers): CountedNumbers {
  return { bins: new Float64Array(histogram.counts.length), squares: 0 };
}

/** Consumes `state`. */
export function countNumber(state: CountedNumbers, cut: CutNumbers, value: number): void {
  const bin = binOf(cut.histogram, value);
  if (bin !== undefined) state.bins[bin]! += 1;
  const scale = scaleOf(cut);
  state.squares += (value / scale - cut.mean / scale) ** 2;
}

export function standardDeviation(state: CountedNumbers, cut: CutNumbers, count: number): number {
  return Math.sqrt(state.squares / count) * scaleOf(cut);
}

/** For values whose squares would not be finite. */
function scaleOf({ min, max }: CutNumbers): number {
  const largest = Math.max(Math.abs(min), Math.abs(max));
  return largest > 1e150 ? largest : 1;
}
