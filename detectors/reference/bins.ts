/**
 * Bins: the cells of a feature's reference put together to a dozen, few enough to be exported as counters. Counters add up over
 * time and over machines, so from them anybody can work out how far a whole fleet lies from the reference, over any window.
 *
 * Up to ten bins share the feature's own cells, in order for a number, by weight for categories: the nine most frequent and the
 * rest. What a feature should not send has bins of its own. The bins follow from the reference alone, so all who hold the
 * same reference count in the same bins.
 */
import type { FeatureReference } from "./feature-reference.ts";

export interface Bins {
  /** `0` to `9`, then `below` and `above` the known range or `other` categories, `missing` (null) and `invalid` (not a number, infinite, of another type). */
  readonly names: readonly string[];
  /** The bin of each cell. */
  readonly ofCell: Uint8Array;
  /** Of the reference's rows the ratio in each bin; they sum up to 1. */
  readonly ratios: readonly number[];
}

const ownMax = 10;
const numericExtraBins = ["below", "above", "missing", "invalid", "invalid", "invalid"] as const;
const categoricalExtraBins = ["other", "missing", "invalid"] as const;

/** Cost: O(cells), once. */
export function binsOf(reference: FeatureReference): Bins {
  const extras: readonly string[] = reference.kind === "numeric" ? numericExtraBins : categoricalExtraBins;
  const own = reference.counts.slice(0, reference.counts.length - extras.length);
  const ownBins = reference.kind === "numeric" ? byOrder(own) : byWeight(own);
  const binCount = ownBins.length === 0 ? 0 : Math.max(...ownBins) + 1;
  const names = [...Array.from({ length: binCount }, (_, bin) => String(bin)), ...new Set(extras)];
  const ofCell = Uint8Array.from([...ownBins, ...extras.map((extra) => names.indexOf(extra))]);
  const counts = names.map(() => 0);
  for (const [cell, count] of reference.counts.entries()) counts[ofCell[cell] as number]! += count;
  const rows = counts.reduce((sum, count) => sum + count, 0);
  return { names, ofCell, ratios: counts.map((count) => (rows === 0 ? 0 : count / rows)) };
}

/** Neighbours together, each bin with about a tenth of the rows: a cell goes where its middle row would. No bin is left out. */
function byOrder(counts: readonly number[]): number[] {
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const bins: number[] = [];
  let before = 0;
  let last = -1;
  let lastTenth = -1;
  for (const [cell, count] of counts.entries()) {
    const tenth = counts.length <= ownMax ? cell : rows === 0 ? 0 : Math.min(ownMax - 1, Math.floor((ownMax * (before + count / 2)) / rows));
    if (tenth !== lastTenth) last += 1;
    lastTenth = tenth;
    bins.push(last);
    before += count;
  }
  return bins;
}

/** The most frequent have a bin each, the last bin is for all others. Of equals the first comes first. */
function byWeight(counts: readonly number[]): number[] {
  const rank = counts.map((count, cell) => ({ count, cell })).sort((a, b) => b.count - a.count || a.cell - b.cell);
  const bins = counts.map(() => 0);
  for (const [place, { cell }] of rank.entries()) bins[cell] = Math.min(place, ownMax - 1);
  return bins;
}
