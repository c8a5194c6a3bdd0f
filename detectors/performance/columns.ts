/** Columns of a table, row by row: equal lengths, and a part of the rows. */

/** @throws RangeError naming the columns that differ in length from the first that is there. */
export function checkLengths(columns: Readonly<Record<string, ArrayLike<unknown> | undefined>>): number {
  let first: { readonly name: string; readonly length: number } | undefined;
  for (const [name, column] of Object.entries(columns)) {
    if (column === undefined) continue;
    first ??= { name, length: column.length };
    if (column.length !== first.length) throw new RangeError(`${name}: expected ${first.length} rows as in ${first.name}, got ${column.length}`);
  }
  return first?.length ?? 0;
}

/** Columns by name, each with a word before its name, so that none is taken for another. */
export function named(word: string, columns: Iterable<readonly [string, ArrayLike<unknown>]> = []): Record<string, ArrayLike<unknown>> {
  return Object.fromEntries(Array.from(columns, ([name, column]) => [`${word} ${name}`, column]));
}

/** Rows from `first` up to and without `last`. */
export function slice<Item>(column: ArrayLike<Item>, first: number, last: number): Item[] {
  return Array.from({ length: Math.max(0, Math.min(last, column.length) - first) }, (_, i) => column[first + i] as Item);
}

/** The rows named by `rows`. */
export function pick(column: ArrayLike<number>, rows: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rows.length }, (_, i) => column[rows[i] as number] as number);
}

/** The numbers of the rows for which something holds. */
export function rowsWhere(rows: number, holds: (row: number) => boolean): Uint32Array {
  const found = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row += 1) if (holds(row)) found[count++] = row;
  return found.subarray(0, count);
}
