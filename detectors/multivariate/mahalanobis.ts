/**
 * How strange is a row, given how the columns usually hang together? Mahalanobis' distance: the length of the row once the
 * reference is turned round and has spread 1 in every direction. A height of 2 m and a weight of 50 kg are each ordinary,
 * together they are not.
 *
 * The covariance is shrunk towards its diagonal (Ledoit and Wolf, Journal of Multivariate Analysis 88, 2004, in the form of
 * a fixed share columns / (columns + rows)), so that few rows or columns that say the same do no harm.
 */
import { eigenOf } from "./eigen.ts";
import { covarianceOf, meansOf, rowCount, type Rows } from "./rows.ts";

/** Plain JSON. */
export interface MahalanobisModel {
  readonly means: readonly number[];
  /** Row by row, columns squared: turns the centred row so that the square of its length is the square of the distance. */
  readonly whitening: readonly number[];
}

/** Cost: rows x columns^2 + columns^3. A column without variance is given that of one ten-thousandth of all the others' mean. */
export function fitMahalanobis(rows: Rows): MahalanobisModel {
  const { columns } = rows;
  const means = meansOf(rows);
  const covariance = covarianceOf(rows, means);
  const share = columns / (columns + rowCount(rows));
  let trace = 0;
  for (let i = 0; i < columns; i += 1) trace += covariance[i * columns + i] as number;
  const least = trace === 0 ? 1 : (trace / columns) * 1e-4;
  for (let i = 0; i < columns; i += 1) {
    for (let j = 0; j < columns; j += 1) {
      const value = covariance[i * columns + j] as number;
      covariance[i * columns + j] = i === j ? Math.max(value, least) : value * (1 - share);
    }
  }
  const { values, vectors } = eigenOf(covariance, columns);
  const whitening: number[] = [];
  for (const [index, vector] of vectors.entries()) {
    const scale = 1 / Math.sqrt(Math.max(values[index] as number, least * 1e-4));
    for (const entry of vector) whitening.push(entry * scale);
  }
  return { means: [...means], whitening };
}

/** 0 or more; about the root of the number of columns for an ordinary row. Cost: columns squared; nothing is allocated. */
export function mahalanobisDistance({ means, whitening }: { readonly [Part in keyof MahalanobisModel]: ArrayLike<number> }, row: ArrayLike<number>): number {
  const columns = means.length;
  if (row.length !== columns) throw new RangeError(`mahalanobisDistance: expected ${columns} numbers, got ${row.length}`);
  let squares = 0;
  for (let i = 0; i < columns; i += 1) {
    let turned = 0;
    for (let j = 0; j < columns; j += 1) turned += (whitening[i * columns + j] as number) * ((row[j] as number) - (means[j] as number));
    squares += turned * turned;
  }
  return Math.sqrt(squares);
}
