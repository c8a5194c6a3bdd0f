/** Rows of numbers, one after another in one array: what the measures of many dimensions take. */
export interface Rows {
  readonly columns: number;
  /** Row by row; its length is a multiple of `columns`. */
  readonly values: Float64Array;
}

/** @throws RangeError where a row has another length than the first, or a value is no finite number: named with row and column. */
export function rowsOf(rows: readonly ArrayLike<number>[]): Rows {
  const columns = rows[0]?.length ?? 0;
  if (columns === 0) throw new RangeError("rows: expected at least one row of at least one number");
  const values = new Float64Array(rows.length * columns);
  for (const [index, row] of rows.entries()) {
    if (row.length !== columns) throw new RangeError(`rows: row ${index} has ${row.length} columns, row 0 has ${columns}`);
    for (let column = 0; column < columns; column += 1) {
      const value = row[column] as number;
      if (!Number.isFinite(value)) throw new RangeError(`rows: expected a finite number in row ${index}, column ${column}, got ${value}`);
      values[index * columns + column] = value;
    }
  }
  return { columns, values };
}

export function rowCount({ columns, values }: Rows): number {
  return values.length / columns;
}

export function rowAt({ columns, values }: Rows, row: number): Float64Array {
  return values.subarray(row * columns, (row + 1) * columns);
}

/** The mean of each column. */
export function meansOf(rows: Rows): Float64Array {
  const { columns, values } = rows;
  const count = rowCount(rows);
  const means = new Float64Array(columns);
  for (let i = 0; i < values.length; i += 1) means[i % columns]! += (values[i] as number) / count;
  return means;
}

/** Of the columns, row by row; divided by the number of rows. Cost: rows times columns squared. */
export function covarianceOf(rows: Rows, means: ArrayLike<number> = meansOf(rows)): Float64Array {
  const { columns } = rows;
  const count = rowCount(rows);
  const covariance = new Float64Array(columns * columns);
  const centred = new Float64Array(columns);
  for (let row = 0; row < count; row += 1) {
    const values = rowAt(rows, row);
    for (let column = 0; column < columns; column += 1) centred[column] = (values[column] as number) - (means[column] as number);
    for (let i = 0; i < columns; i += 1) {
      const factor = (centred[i] as number) / count;
      if (factor === 0) continue;
      for (let j = 0; j <= i; j += 1) covariance[i * columns + j]! += factor * (centred[j] as number);
    }
  }
  for (let i = 0; i < columns; i += 1) for (let j = 0; j < i; j += 1) covariance[j * columns + i] = covariance[i * columns + j] as number;
  return covariance;
}
