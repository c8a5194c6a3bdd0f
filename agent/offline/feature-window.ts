/**
 * One feature's values within one chunk of a replay: counts over the reference's cells, its moments, and a bounded sample of
 * the numbers themselves for exact tests, so that a chunk of any length costs the same memory.
 */
import { cellCount, cellOf } from "../../detectors/reference/cells.ts";
import { binOf } from "../../detectors/reference/doane.ts";
import { moments, type MomentsState } from "../../detectors/reference/moments.ts";
import { reservoir, type ReservoirState } from "../../detectors/reference/reservoir.ts";
import type { FeatureReference, Value } from "../../detectors/reference/reference.ts";

/** All the numbers of a chunk up to this length, and a random choice of those of a longer one. */
export const sampleRowsMax = 10_000;

export interface FeatureWindow {
  rows: number;
  /** Over the cells of the reference. */
  readonly counts: Uint32Array;
  /** Over the bins of the reference's histogram, where it has one, and one more for what lies outside them. */
  readonly bins: Uint32Array | undefined;
  readonly moments: MomentsState;
  min: number;
  max: number;
  readonly numbers: ReservoirState;
  /** The last values as they came, of any kind: they tell why a feature looks different. */
  latest: readonly Value[];
}

const latestMax = 500;

const sample = reservoir({ capacity: sampleRowsMax, seed: 20_160_101 });

/** The finite numbers held, ascending. */
export function numbersOf({ numbers }: FeatureWindow): Float64Array {
  return sample.sample(numbers).slice().sort();
}

export function startWindow(reference: FeatureReference): FeatureWindow {
  const histogram = reference.kind === "numeric" ? reference.histogram : undefined;
  return {
    rows: 0,
    counts: new Uint32Array(cellCount(reference)),
    bins: histogram && new Uint32Array(histogram.counts.length + 1),
    moments: moments.start(),
    min: Infinity,
    max: -Infinity,
    numbers: sample.start(),
    latest: [],
  };
}

/** Takes in the values from index `from` to below `to`. */
export function addValues(reference: FeatureReference, window: FeatureWindow, values: readonly Value[], from: number, to: number): void {
  const { counts, bins } = window;
  const histogram = reference.kind === "numeric" ? reference.histogram : undefined;
  window.rows += to - from;
  window.latest = [...window.latest, ...values.slice(Math.max(from, to - latestMax), to)].slice(-latestMax);
  for (let row = from; row < to; row += 1) {
    const value = values[row];
    counts[cellOf(reference, value)]! += 1;
    if (reference.kind !== "numeric" || typeof value !== "number" || !Number.isFinite(value)) continue;
    moments.step(window.moments, value);
    sample.step(window.numbers, value);
    if (value < window.min) window.min = value;
    if (value > window.max) window.max = value;
    if (histogram !== undefined && bins !== undefined) bins[binOf(histogram, value) ?? histogram.counts.length]! += 1;
  }
}
