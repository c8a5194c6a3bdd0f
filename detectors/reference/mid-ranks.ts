/**
 * Where a cell stands among the rows of a reference, from 0 to 1: the middle of the ranks that its rows share. On this scale
 * any feature, of numbers or of categories, is spread evenly, so what is measured on it depends on no units and no outliers.
 */
import type { FeatureReference } from "./feature-reference.ts";

/**
 * A feature's cells in the order of their ranks. Numbers: under, the intervals, over and the rest. Categories: the most
 * frequent first, by the half of the rows that is not ranked.
 */
export function rankOrder(feature: FeatureReference): number[] {
  const cells = [...feature.counts.keys()];
  if (feature.kind === "numeric") {
    const under = feature.edges.length + 1;
    return [under, ...cells.filter((cell) => cell !== under)];
  }
  const { counts, heldOut } = feature;
  const deciding = counts.map((count, cell) => count - (heldOut[cell] as number));
  return cells.sort((a, b) => (deciding[b] as number) - (deciding[a] as number) || a - b);
}

/** Per cell, for any counts over the feature's cells; a half everywhere where there are no rows. */
export function midRanks(order: readonly number[], counts: ArrayLike<number>): Float64Array {
  let rows = 0;
  for (const cell of order) rows += counts[cell] as number;
  const ranks = new Float64Array(order.length).fill(0.5);
  let before = 0;
  for (const cell of rows === 0 ? [] : order) {
    const count = counts[cell] as number;
    ranks[cell] = (before + count / 2) / rows;
    before += count;
  }
  return ranks;
}
