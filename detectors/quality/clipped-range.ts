import type { NumericReference } from "../reference/reference.ts";
import { percent, short, type Rule } from "./cause.ts";
import { cumulative } from "./sample.ts";

/** What would have to lie beyond the limit, in rows: fewer could be missing by chance. */
const missedMin = 12;

/**
 * Nothing beyond a limit that the reference's values often pass. Those beyond it either pile up at the limit (clipped) or
 * are gone (cut off); in a number of few values the limit is one of them.
 */
export const clippedRange: Rule = (reference, { rows, numbers }) => {
  if (reference.kind !== "numeric" || numbers.length < 30) return undefined;
  const [least, greatest] = [numbers[0] as number, numbers.at(-1) as number];
  if (least === greatest || least < reference.min || greatest > reference.max) return undefined;
  const sides = [
    { limit: greatest, beyond: 1 - cumulative(reference, greatest).upTo, word: "above" as const },
    { limit: least, beyond: cumulative(reference, least).below, word: "below" as const },
  ];
  for (const { limit, beyond, word } of sides) {
    if (beyond * numbers.length < missedMin) continue;
    const at = numbers.filter((value) => value === limit).length / numbers.length;
    const piled = at >= 0.5 * beyond;
    // Cut off without a pile looks like any other shift unless what is left is as it was.
    if (!piled && !keptShape(reference, numbers, limit, word)) continue;
    const message = `no value ${word} ${short(limit)}, where ${percent(beyond)} were${piled ? `; ${percent(at)} are ${short(limit)}: clipped` : ": cut off"}`;
    return { kind: "clipped-range", feature: reference.name, ratio: piled ? (at * numbers.length) / rows : beyond, message };
  }
  return undefined;
};

/** Are the values on this side of the limit spread as the reference's on the same side? (Kolmogorov and Smirnov at 5 %.) */
function keptShape(reference: NumericReference, numbers: readonly number[], limit: number, word: "above" | "below"): boolean {
  const at = cumulative(reference, limit);
  const [from, to] = word === "above" ? [0, at.upTo] : [at.below, 1];
  let apart = 0;
  for (const [index, value] of numbers.entries()) {
    if (value === numbers[index + 1]) continue; // of equal values the last one counts
    apart = Math.max(apart, Math.abs((cumulative(reference, value).upTo - from) / (to - from) - (index + 1) / numbers.length));
  }
  return apart < 1.36 * Math.sqrt(1 / numbers.length + 1 / reference.rows);
}
