/**
 * A table in a file, read in order and in batches, so that a file larger than memory works. Each format is a file of its
 * own; `data.ts` chooses by the name.
 */
import type { Value } from "../../detectors/reference/reference.ts";

/** A file as a person named it, and where that is. */
export interface DataFile {
  readonly name: string;
  readonly path: string;
}

/** Rows that come together: some thousand. */
export interface Batch {
  /** Index of the first row, from 0. */
  readonly first: number;
  readonly rows: number;
  /** A list of `rows` values for each column that was asked for. */
  readonly columns: ReadonlyMap<string, readonly Value[]>;
}

export interface ReadOptions {
  /** Of which to read; all where it is not given. */
  readonly columns?: ReadonlySet<string> | undefined;
  /** Those whose values are wanted as they are written, such as times and identifiers: a number there is kept as text. */
  readonly verbatim?: ReadonlySet<string> | undefined;
  /** Hears how many bytes of the file have been read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface Table {
  readonly file: DataFile;
  /** In the order of the file; each name once. */
  readonly columns: readonly string[];
  /** Size of the file. */
  readonly bytes: number;
  /** From the start, each time it is asked for. Throws an InputError that names row and column. */
  batches(options?: ReadOptions): AsyncIterable<Batch>;
  /** About how many rows there are, found without reading their values. */
  countRows(): Promise<number>;
}

export const batchRows = 4_096;
