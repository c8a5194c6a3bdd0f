/** Ranks of two samples among all their values, for the tests that look at order alone. */
export interface PooledRanks {
  /** From 1, in the order of the sample; equal values share the mean of their ranks. */
  readonly a: Float64Array;
  readonly b: Float64Array;
  /** The sum of t^3 - t over groups of t equal values; 0 where there are no ties. */
  readonly ties: number;
}

/** @param a ascending. @param b ascending, or empty for the ranks of `a` within itself. */
export function pooledRanks(a: Float64Array, b: Float64Array): PooledRanks {
  const ranks = { a: new Float64Array(a.length), b: new Float64Array(b.length) };
  let ties = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const value = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    const [fromA, fromB] = [i, j];
    while (a[i] === value) i += 1;
    while (b[j] === value) j += 1;
    const tied = i - fromA + j - fromB;
    const rank = fromA + fromB + (tied + 1) / 2;
    ranks.a.fill(rank, fromA, i);
    ranks.b.fill(rank, fromB, j);
    ties += tied ** 3 - tied;
  }
  return { ...ranks, ties };
}
