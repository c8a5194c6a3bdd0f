/**
 * Features cut into a few bins each, so that a tree looks at bins instead of values. A missing value (NaN) has a bin of its
 * own, below all others. Cost: a sort of each feature to find the cuts; a search in O(log bins) for each value.
 */
import { evenCuts } from "../reference/even-cuts.ts";

/** A bin for each value of each feature: 0 where it is missing. */
export interface BinnedRows {
  readonly rows: number;
  readonly bins: readonly Uint8Array[];
}

export const binsMax = 64;

/** Over all features, so that what is written down stays small. */
const cutsMax = 4_096;

/** Where to cut each feature: halfway between values, at about even counts. Fewer cuts each where features are many. */
export function featureCuts(columns: readonly ArrayLike<number>[]): number[][] {
  if (columns.length > cutsMax / 8) throw new RangeError(`featureCuts: expected at most ${cutsMax / 8} features, got ${columns.length}`);
  const most = Math.min(binsMax, Math.floor(cutsMax / Math.max(1, columns.length))) - 1; // one bin is for missing values
  return columns.map((column) => {
    const values: number[] = [];
    const counts: number[] = [];
    for (const value of Float64Array.from(column).filter((each) => !Number.isNaN(each)).sort()) {
      if (values.at(-1) === value) counts[counts.length - 1]! += 1;
      else {
        values.push(value);
        counts.push(1);
      }
    }
    const cuts = values.length <= most ? [...values.keys()].slice(0, -1) : evenCuts(counts, most);
    return cuts.map((cut) => between(values[cut] as number, values[cut + 1] as number));
  });
}

/** At or above `low`, below `high`, and short where it can be, since it is going to be written down. */
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  const short = Number(middle.toPrecision(6));
  if (short >= low && short < high) return short + 0;
  return middle >= low && middle < high ? middle : low;
}

export function binRows(columns: readonly ArrayLike<number>[], cuts: readonly (readonly number[])[]): BinnedRows {
  const bins = columns.map((column, feature) => {
    const edges = cuts[feature] as readonly number[];
    return Uint8Array.from(column, (value) => (Number.isNaN(value) ? 0 : 1 + placeOf(edges, value)));
  });
  return { rows: columns[0]?.length ?? 0, bins };
}

function placeOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
