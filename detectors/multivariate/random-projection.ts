/**
 * A few numbers for a long vector, such as an embedding: its products with fixed random directions. If two clouds of
 * vectors differ, so do their shadows on nearly every direction (Cramer and Wold), and a shadow is a number that any
 * detector can watch.
 *
 * Source: D. Achlioptas, Database-friendly random projections, Journal of Computer and System Sciences 66 (2003): entries
 * of one sign or the other, here without zeros; lengths are kept on average.
 */
import { advance, uniform } from "../random.ts";

export interface RandomProjection {
  readonly outputs: number;
  /** Writes the shadows of `row` into `into`. Nothing is allocated. Cost: inputs x outputs additions. */
  project(row: ArrayLike<number>, into: Float64Array): void;
}

/** @throws RangeError for sizes that are no whole numbers above 0, and for rows and results of another length. */
export function randomProjection({ inputs, outputs, seed }: { inputs: number; outputs: number; seed: number }): RandomProjection {
  for (const [name, size] of [["inputs", inputs], ["outputs", outputs]] as const) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`randomProjection: ${name} must be a whole number above 0, got ${size}`);
  }
  const signs = new Int8Array(inputs * outputs);
  let chance = seed | 0;
  for (let i = 0; i < signs.length; i += 1) {
    chance = advance(chance);
    signs[i] = uniform(chance) < 0.5 ? -1 : 1;
  }
  const scale = 1 / Math.sqrt(outputs);
  return {
    outputs,
    project(row, into) {
      if (row.length !== inputs || into.length !== outputs) throw new RangeError(`randomProjection: expected ${inputs} numbers into ${outputs}, got ${row.length} into ${into.length}`);
      for (let output = 0; output < outputs; output += 1) {
        let sum = 0;
        for (let i = 0, at = output * inputs; i < inputs; i += 1, at += 1) sum += (signs[at] as number) * (row[i] as number);
        into[output] = scale * sum;
      }
    },
  };
}
