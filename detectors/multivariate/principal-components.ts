/**
 * How much of a row gets lost when it is squeezed through the directions that matter in the reference? Principal components:
 * a row that breaks the usual relations between columns can not be put together again from few of them.
 *
 * Source: K. Pearson, Philosophical Magazine 2 (1901); as a measure of drift NannyML's default keeps 65 % of the variance.
 */
import { eigenOf } from "./eigen.ts";
import { covarianceOf, meansOf, type Rows } from "./rows.ts";

/** Plain JSON. */
export interface PrincipalComponents {
  readonly means: readonly number[];
  /** Each as long as a row, of length 1. */
  readonly components: readonly (readonly number[])[];
}

/** @param variance ratio of the variance that the components kept explain at least. Standardise the columns first. */
export function fitPrincipalComponents(rows: Rows, { variance = 0.65 }: { variance?: number } = {}): PrincipalComponents {
  if (!(variance > 0 && variance < 1)) throw new RangeError(`fitPrincipalComponents: variance must be between 0 and 1, got ${variance}`);
  const means = meansOf(rows);
  const { values, vectors } = eigenOf(covarianceOf(rows, means), rows.columns);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const components: number[][] = [];
  let kept = 0;
  for (const [index, vector] of vectors.entries()) {
    if (kept >= variance * total) break;
    kept += Math.max(0, values[index] as number);
    components.push([...vector]);
  }
  return { means: [...means], components };
}

/** The distance of a row from what the components make of it, 0 or more. Cost: columns x components; nothing is allocated. */
export function reconstructionError({ means, components }: { readonly means: ArrayLike<number>; readonly components: readonly ArrayLike<number>[] }, row: ArrayLike<number>): number {
  const columns = means.length;
  if (row.length !== columns) throw new RangeError(`reconstructionError: expected ${columns} numbers, got ${row.length}`);
  let squares = 0;
  for (let j = 0; j < columns; j += 1) squares += ((row[j] as number) - (means[j] as number)) ** 2;
  // The components stand at right angles: what they catch can be taken off the square of the length.
  for (const component of components) {
    let along = 0;
    for (let j = 0; j < columns; j += 1) along += (component[j] as number) * ((row[j] as number) - (means[j] as number));
    squares -= along * along;
  }
  return Math.sqrt(Math.max(0, squares));
}
