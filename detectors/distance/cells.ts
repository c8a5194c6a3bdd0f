/**
 * What every measure over histograms asks of its two sides: the same cells, and in each a count or weight of 0 or more.
 */

/** The sums of both sides. @throws RangeError for unequal lengths, and for a cell that is negative, infinite or NaN. */
export function totals(name: string, p: ArrayLike<number>, q: ArrayLike<number>): readonly [p: number, q: number] {
  if (p.length !== q.length) throw new RangeError(`${name}: expected the same cells on both sides, got ${p.length} and ${q.length}`);
  return [total(name, p), total(name, q)];
}

function total(name: string, cells: ArrayLike<number>): number {
  let sum = 0;
  for (let cell = 0; cell < cells.length; cell += 1) {
    const count = cells[cell] as number;
    if (!(count >= 0)) throw new RangeError(`${name}: expected counts of 0 or more, got ${count} in cell ${cell}`);
    sum += count;
  }
  if (sum === Infinity) throw new RangeError(`${name}: expected counts with a finite sum, got an infinite one`);
  return sum;
}
