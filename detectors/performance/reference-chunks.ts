/**
 * How the figures vary from chunk to chunk while nothing is wrong: on runs of the reference's rows, in their order.
 * Thresholds for later chunks come from these (alert-band.ts).
 */
import type { Performance } from "./banded.ts";

export interface ReferenceChunks {
  /** In a chunk. */
  readonly rows: number;
  /** The figure of each chunk by metric, null where it has no meaning. */
  readonly estimated: Readonly<Record<string, readonly (number | null)[]>>;
  readonly realised: Readonly<Record<string, readonly (number | null)[]>>;
}

const chunksDefault = 10;
const chunksMax = 200;

/** Rows of a chunk where nobody says: a tenth of all. With more than 200 chunks they are made larger. */
export function chunkRowsFor(rows: number, wanted?: number): number {
  if (wanted !== undefined && !(Number.isSafeInteger(wanted) && wanted > 0)) {
    throw new RangeError(`chunkRows: expected a whole number above 0, got ${wanted}`);
  }
  return Math.max(wanted ?? Math.ceil(rows / chunksDefault), Math.ceil(rows / chunksMax), 1);
}

/** A rest at the end that fills less than half a chunk is left out. */
export function referenceChunks(
  rows: number,
  chunkRows: number,
  measure: (first: number, last: number) => { readonly estimated: Performance; readonly realised: Performance },
): ReferenceChunks {
  const measured: { readonly estimated: Performance; readonly realised: Performance }[] = [];
  for (let first = 0; first < rows && (first === 0 || rows - first >= chunkRows / 2); first += chunkRows) {
    measured.push(measure(first, Math.min(rows, first + chunkRows)));
  }
  const column = (kind: "estimated" | "realised") => {
    const names = new Set(measured.flatMap((chunk) => Object.keys(chunk[kind])));
    return Object.fromEntries([...names].map((name) => [name, measured.map((chunk) => chunk[kind][name]?.value ?? null)]));
  };
  return { rows: chunkRows, estimated: column("estimated"), realised: column("realised") };
}
