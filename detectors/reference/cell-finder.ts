/**
 * `cellOf` for whoever looks up the cells of one feature a great many times: the reference read once, its edges in a table.
 *
 * The table is filled up to a power of two with infinity, which no value lies above, so the search takes the same steps
 * for every value and has no branch that could be foreseen wrongly. Cost: about 25 ns a number at 64 cells; memory 8 bytes
 * an edge, rounded up to a power of two.
 */
import { cellOf, numericExtra, singlePrecision } from "./cells.ts";
import type { FeatureReference, Value } from "./feature-reference.ts";

/** @returns a function that gives the same cells as `cellOf`. */
export function cellFinder(reference: FeatureReference): (value: Value) => number {
  if (reference.kind === "categorical") return (value) => cellOf(reference, value);

  const { edges, min, max } = reference;
  const table = new Float64Array(2 ** Math.ceil(Math.log2(edges.length + 1))).fill(Infinity);
  table.set(edges);
  const firstHalf = table.length >>> 1;
  const low = min - singlePrecision * Math.abs(min);
  const high = max + singlePrecision * Math.abs(max);
  const extras = edges.length + 1;

  return (value) => {
    if (!(typeof value === "number" && value >= low && value <= high)) return extras + numericExtra(value, low);
    let below = 0;
    for (let half = firstHalf; half > 0; half >>>= 1) below += Number((table[below + half - 1] as number) < value) * half;
    return below;
  };
}
