/**
 * Some whole rows out of many, each as likely as any other, by column: what relations between columns are learnt from.
 * Algorithm R of J. Vitter, Random sampling with a reservoir, ACM Transactions on Mathematical Software 11 (1985).
 */
import { advance, uniform } from "../random.ts";
import type { Value } from "./feature-reference.ts";

export interface RowSample {
  /** Row by row, a value for each column in the order of the first batch. */
  readonly rows: Value[][];
  seen: number;
  chance: number;
}

/** Rows that are kept: the covariance of two hundred columns asks for no more. */
const rowsMax = 4_000;
const seed = 7_041;

export function startRowSample(): RowSample {
  return { rows: [], seen: 0, chance: seed };
}

/** Consumes `sample`. @param columns a batch, in the same order each time. */
export function sampleRows(sample: RowSample, columns: readonly (readonly Value[])[], batchRows: number): void {
  for (let row = 0; row < batchRows; row += 1) {
    sample.seen += 1;
    let place = sample.rows.length;
    if (place >= rowsMax) {
      sample.chance = advance(sample.chance);
      place = Math.floor(uniform(sample.chance) * sample.seen);
      if (place >= rowsMax) continue;
    }
    sample.rows[place] = columns.map((values) => values[row]);
  }
}
