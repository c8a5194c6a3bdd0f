/**
 * Counts per place of which one asks how many lie before a place, and adds one, in logarithmic time: a Fenwick tree.
 * Entry i, from 1, holds the counts of the i & -i places up to place i - 1.
 *
 * Source: P. Fenwick, A new data structure for cumulative frequency tables, Software: Practice and Experience 24 (1994).
 */

/** The tree of counts per place. */
export function cumulativeCounts(counts: ArrayLike<number>): Float64Array {
  const tree = new Float64Array(counts.length + 1);
  for (let place = 0; place < counts.length; place += 1) count(tree, place, counts[place] as number);
  return tree;
}

/** Adds at a place, in place. */
export function count(tree: Float64Array, place: number, by: number = 1): void {
  for (let i = place + 1; i < tree.length; i += i & -i) tree[i]! += by;
}

/** How many lie before a place; all of them for the place behind the last. */
export function countBefore(tree: Float64Array, place: number): number {
  let sum = 0;
  for (let i = place; i > 0; i -= i & -i) sum += tree[i] as number;
  return sum;
}
