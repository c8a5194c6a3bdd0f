/** Rows of one or more numbers, as the measures over several features at once take them. */

/** A plain number is a row of one. */
export type Points = ArrayLike<number> | ArrayLike<ArrayLike<number>>;

/** Both samples' rows one after another, row by row. */
export interface PooledPoints {
  readonly values: Float64Array;
  readonly dimensions: number;
  readonly sizes: readonly [a: number, b: number];
}

/** @throws RangeError for an empty sample, rows of unlike lengths, and a value that is not a finite number. */
export function pooledPoints(name: string, a: Points, b: Points): PooledPoints {
  if (a.length === 0 || b.length === 0) throw new RangeError(`${name}: expected at least one row a sample, got ${a.length} and ${b.length}`);
  const rows = [...Array.from<number | ArrayLike<number>>(a), ...Array.from<number | ArrayLike<number>>(b)].map((row) =>
    typeof row === "number" ? [row] : row,
  );
  const dimensions = rows[0]?.length ?? 0;
  const values = new Float64Array(rows.length * dimensions);
  for (const [index, row] of rows.entries()) {
    if (row.length !== dimensions) throw new RangeError(`${name}: expected rows of ${dimensions} numbers, got one of ${row.length}`);
    values.set(row, index * dimensions);
  }
  for (const value of values) if (!Number.isFinite(value)) throw new RangeError(`${name}: expected finite numbers, got ${value}`);
  return { values, dimensions, sizes: [a.length, b.length] };
}

export function squaredDistance({ values, dimensions }: PooledPoints, i: number, j: number): number {
  let sum = 0;
  for (let dimension = 0; dimension < dimensions; dimension += 1) {
    const difference = (values[i * dimensions + dimension] as number) - (values[j * dimensions + dimension] as number);
    sum += difference * difference;
  }
  return sum;
}
