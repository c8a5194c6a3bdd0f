/**
 * Counts per place of which one asks how many lie before a place, and adds one, in logarithmic time: a Fenwick tree.
 * Entry i, from 1, holds the counts of the i & -i places up to place i - 1. Several trees may stand one behind the other in
 * one array, each `places + 1` long; `tree` is where the one that is meant begins.
 *
 * Source: P. Fenwick, A new data structure for cumulative frequency tables, Software: Practice and Experience 24 (1994).
 */

/** The trees of equally many counts per place, one behind the other. Counts up to 2^32. */
export function cumulativeCounts(...rows: readonly ArrayLike<number>[]): Uint32Array {
  const places = rows[0]?.length ?? 0;
  const trees = new Uint32Array(rows.length * (places + 1));
  for (const [row, counts] of rows.entries()) {
    for (let place = 0; place < places; place += 1) count(trees, place, counts[place] as number, row * (places + 1), places);
  }
  return trees;
}

/** Adds at a place, in place. */
export function count(trees: Uint32Array, place: number, by: number = 1, tree: number = 0, places: number = trees.length - 1): void {
  for (let i = place + 1; i <= places; i += i & -i) trees[tree + i]! += by;
}

/** How many lie before a place; all of them for the place behind the last. */
export function countBefore(trees: Uint32Array, place: number, tree: number = 0): number {
  let sum = 0;
  for (let i = place; i > 0; i -= i & -i) sum += trees[tree + i] as number;
  return sum;
}
