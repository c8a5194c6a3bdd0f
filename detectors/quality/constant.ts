import { cellOf } from "../reference/reference.ts";
import { quoted, short, type Rule } from "./cause.ts";

/** That many rows of one value come by chance less than once in a million samples. */
const chanceMax = 1e-6;

export const constant: Rule = (reference, { rows, missing, numbers, categories }) => {
  const [only] = categories.keys();
  const present = rows - missing;
  if (only === undefined || categories.size > 1 || present < 10) return undefined;
  const value = reference.kind === "numeric" ? numbers[0] : only;
  if (value === undefined) return undefined; // text for numbers: another rule's
  // A cell of many values says at most how frequent each of them is.
  const ratio = (reference.counts[cellOf(reference, value)] as number) / reference.rows;
  if (present * Math.log(Math.max(ratio, 1e-12)) > Math.log(chanceMax)) return undefined;
  const shown = typeof value === "number" ? short(value) : quoted(value);
  return { kind: "constant", feature: reference.name, ratio: present / rows, message: `always ${shown} now` };
};
