/**
 * Maximum mean discrepancy in constant time: do the latest rows come from where the reference's came from? A Gaussian kernel
 * is the mean of products of random waves, so the mean of a cloud of rows in the kernel's space is the mean of some hundred
 * cosines, and the distance of two clouds that of two short vectors.
 *
 * The latest rows are weighted by age, so the distance follows the traffic. It is a measure for people: its values hang
 * together from row to row, so no rank of it is independent, and it carries no promise.
 *
 * Sources: A. Gretton et al., A Kernel Two-Sample Test, JMLR 13 (2012); A. Rahimi and B. Recht, Random Features for
 * Large-Scale Kernel Machines, NIPS 2007.
 */
import { normalQuantile } from "../special/normal.ts";
import { advance, uniform } from "../random.ts";
import { rowAt, rowCount, type Rows } from "./rows.ts";

export interface RandomFeatures {
  readonly features: number;
  /** Writes the waves at `row`. Nothing is allocated. Cost: inputs x features. */
  map(row: ArrayLike<number>, into: Float64Array): void;
}

/** @param bandwidth the distance at which two rows count as half alike and more: see medianDistance. */
export function randomFeatures({ inputs, features = 64, bandwidth, seed }: { inputs: number; features?: number; bandwidth: number; seed: number }): RandomFeatures {
  if (!Number.isInteger(inputs) || inputs < 1) throw new RangeError(`randomFeatures: inputs must be a whole number above 0, got ${inputs}`);
  if (!Number.isInteger(features) || features < 2 || features % 2 === 1) throw new RangeError(`randomFeatures: features must be an even number above 0, got ${features}`);
  if (!(bandwidth > 0 && bandwidth < Infinity)) throw new RangeError(`randomFeatures: bandwidth must be above 0, got ${bandwidth}`);
  let chance = seed | 0;
  const frequencies = Float64Array.from({ length: (inputs * features) / 2 }, () => {
    chance = advance(chance);
    return normalQuantile((uniform(chance) * (2 ** 32 - 1) + 0.5) / 2 ** 32) / bandwidth;
  });
  const scale = Math.sqrt(2 / features);
  return {
    features,
    map(row, into) {
      if (row.length !== inputs || into.length !== features) throw new RangeError(`randomFeatures: expected ${inputs} numbers into ${features}, got ${row.length} into ${into.length}`);
      for (let wave = 0; wave < features / 2; wave += 1) {
        let phase = 0;
        for (let i = 0, at = wave * inputs; i < inputs; i += 1, at += 1) phase += (frequencies[at] as number) * (row[i] as number);
        into[2 * wave] = scale * Math.cos(phase);
        into[2 * wave + 1] = scale * Math.sin(phase);
      }
    },
  };
}

/** The median distance between rows that lie side by side in random order: the usual bandwidth. At least a tiny positive number. */
export function medianDistance(rows: Rows, seed: number): number {
  const count = rowCount(rows);
  let chance = seed | 0;
  const draw = (): Float64Array => {
    chance = advance(chance);
    return rowAt(rows, Math.floor(uniform(chance) * count));
  };
  const distances = Float64Array.from({ length: 500 }, () => {
    const [a, b] = [draw(), draw()];
    return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0));
  }).sort();
  return Math.max(distances[250] as number, Number.EPSILON);
}

export interface MeanDiscrepancyState {
  /** The mean of the latest rows' waves, and one row's. */
  readonly mean: Float64Array;
  readonly waves: Float64Array;
  /** The sum of the weights, and of their squares. */
  weight: number;
  squares: number;
}

export interface MeanDiscrepancy {
  start(): MeanDiscrepancyState;
  /** Consumes `state`. */
  step(state: MeanDiscrepancyState, row: ArrayLike<number>): MeanDiscrepancyState;
  /**
   * The square of the distance without what it is by chance, so about 0 while nothing has changed, below it at times; at
   * most 2. Undefined before the second row.
   */
  read(state: MeanDiscrepancyState): number | undefined;
}

/** @param memory rows after which a row counts for 1/e. */
export function meanDiscrepancy(reference: Rows, waves: RandomFeatures, { memory = 500 }: { memory?: number } = {}): MeanDiscrepancy {
  if (!(memory >= 1)) throw new RangeError(`meanDiscrepancy: memory must be 1 or more, got ${memory}`);
  const count = rowCount(reference);
  const known = new Float64Array(waves.features);
  const one = new Float64Array(waves.features);
  for (let row = 0; row < count; row += 1) {
    waves.map(rowAt(reference, row), one);
    for (let i = 0; i < known.length; i += 1) known[i]! += (one[i] as number) / count;
  }
  // The waves of one row are of length 1, so their variance is 1 less the square of their mean's length.
  const variance = 1 - known.reduce((sum, value) => sum + value * value, 0);
  const keep = Math.exp(-1 / memory);

  return {
    start: () => ({ mean: new Float64Array(waves.features), waves: new Float64Array(waves.features), weight: 0, squares: 0 }),
    step(state, row) {
      waves.map(row, state.waves);
      state.weight = keep * state.weight + 1;
      state.squares = keep * keep * state.squares + 1;
      for (let i = 0; i < known.length; i += 1) state.mean[i]! += ((state.waves[i] as number) - (state.mean[i] as number)) / state.weight;
      return state;
    },
    read({ mean, weight, squares }) {
      if (weight <= 1) return undefined;
      let square = 0;
      for (let i = 0; i < known.length; i += 1) square += ((mean[i] as number) - (known[i] as number)) ** 2;
      return square - variance * (squares / weight ** 2 + 1 / count);
    },
  };
}
