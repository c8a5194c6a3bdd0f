import { cellOf } from "../reference/reference.ts";
import { percent, short, type Rule } from "./cause.ts";

/** Ratio of the rows with one and the same number that the reference does not explain. */
const ratioMin = 0.05;

/** A number such as -1, 0, 999 or -9999 that has come to stand for "not known". */
export const newSentinel: Rule = (reference, { rows, numbers }) => {
  if (reference.kind !== "numeric" || numbers.length < 20) return undefined;
  const { value, times, second } = mostFrequent(numbers);
  if (times === numbers.length) return undefined; // a constant
  const ratio = times / numbers.length;
  const before = (reference.counts[cellOf(reference, value)] as number) / reference.rows;
  const outside = value < reference.min || value > reference.max;
  // Inside the range a value may have been frequent before: its cell tells how frequent at most.
  if (times < 4 || ratio - before < Math.max(ratioMin, 4 * Math.sqrt((before * (1 - before)) / numbers.length))) return undefined;
  // It then stands out from all others, and looks the part.
  if (before > 0 && !(looksLikeSentinel(value) && times >= 3 * second)) return undefined;
  const message = `${percent(times / rows)} of the values are ${short(value)}${outside ? `, outside of what was known (${short(reference.min)} to ${short(reference.max)})` : ` (at most ${percent(before)} in the reference)`}: it may stand for a missing value`;
  return { kind: "new-sentinel", feature: reference.name, ratio: times / rows, message };
};

/** 0, -1, or nothing but nines. */
function looksLikeSentinel(value: number): boolean {
  return value === 0 || value === -1 || /^-?9{2,}$/.test(String(value));
}

/** How often the most frequent number comes, and the second one. */
function mostFrequent(ascending: readonly number[]): { readonly value: number; readonly times: number; readonly second: number } {
  let [value, times, second] = [NaN, 0, 0];
  for (let start = 0, end = 0; start < ascending.length; start = end) {
    while (end < ascending.length && ascending[end] === ascending[start]) end += 1;
    if (end - start > times) [value, times, second] = [ascending[start] as number, end - start, times];
    else second = Math.max(second, end - start);
  }
  return { value, times, second };
}
