/** A table of counts, one row a sample and one column a category, made ready for the tests of homogeneity. */

/** Rows of equal length. */
export type Counts = readonly ArrayLike<number>[];

export interface ContingencyTable {
  readonly rows: readonly (readonly number[])[];
  readonly rowTotals: readonly number[];
  readonly columnTotals: readonly number[];
  readonly total: number;
}

export interface Pooling {
  /**
   * Columns in which some row expects fewer than this are added up into one, the rarest first, until it holds enough; 5 is
   * the usual rule. 0, the default, pools nothing.
   */
  readonly expectedMin?: number;
}

/** Rows and columns without a count are left out, since they say nothing. @throws RangeError for a ragged table and bad counts. */
export function contingencyTable(name: string, counts: Counts, { expectedMin = 0 }: Pooling = {}): ContingencyTable {
  const width = counts[0]?.length ?? 0;
  if (width === 0) throw new RangeError(`${name}: expected a table of at least one row and column, got none`);
  for (const row of counts) {
    if (row.length !== width) throw new RangeError(`${name}: expected rows of ${width} counts, got one of ${row.length}`);
    for (const count of Array.from(row)) {
      if (!(count >= 0 && count < Infinity)) throw new RangeError(`${name}: expected counts of 0 or more, got ${count}`);
    }
  }
  const rows = counts.map((row) => Array.from(row)).filter((row) => sum(row) > 0);
  const columns = Array.from({ length: width }, (_, column) => rows.map((row) => row[column] as number)).filter((column) => sum(column) > 0);
  return withTotals(expectedMin > 0 ? pooled(columns, rows.map(sum), expectedMin) : columns);
}

/** @param expectedMin what the sparsest row must expect of a column for it to stand alone. */
function pooled(columns: readonly (readonly number[])[], rowTotals: readonly number[], expectedMin: number): readonly (readonly number[])[] {
  const needed = (expectedMin * sum(rowTotals)) / Math.min(...rowTotals);
  const rarestFirst = columns.toSorted((a, b) => sum(a) - sum(b));
  let pool: readonly number[] | undefined;
  const kept: (readonly number[])[] = [];
  for (const column of rarestFirst) {
    if (sum(column) >= needed && (pool === undefined || sum(pool) >= needed)) kept.push(column);
    else pool = pool === undefined ? column : pool.map((count, row) => count + (column[row] as number));
  }
  return pool === undefined ? kept : [...kept, pool];
}

function withTotals(columns: readonly (readonly number[])[]): ContingencyTable {
  const rows = Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => columns.map((column) => column[row] as number));
  const rowTotals = rows.map(sum);
  return { rows, rowTotals, columnTotals: columns.map(sum), total: sum(rowTotals) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
