import { percent, quoted, type Rule } from "./cause.ts";

/** A category has to be missed by so many rows before its absence means something; by fewer where the new one is spelt alike. */
const missedMin = 8;
const alikeMissedMin = 4;

interface Renaming {
  readonly from: string;
  readonly to: string;
  readonly times: number;
  /** Only written otherwise: case, spaces, a leading zero, true for 1. */
  readonly spelling: boolean;
}

/** A known category is gone and an unknown one is there, about as frequent, or the same but for its spelling. */
export const renamedCategory: Rule = (reference, { rows, missing, categories }) => {
  const present = rows - missing;
  if (reference.kind !== "categorical" || present < 10) return undefined;
  const total = reference.counts.reduce((sum, count) => sum + count, 0);
  const expected = reference.values.map((value, cell) => ({ value, times: ((reference.counts[cell] as number) / total) * present }));
  const gone = expected.filter(({ value, times }) => times >= alikeMissedMin && !categories.has(value));
  const known = new Set(reference.values);
  const strangers = [...categories].filter(([value]) => !known.has(value)).sort(([, a], [, b]) => b - a);

  const renamings: Renaming[] = [];
  for (const { value, times: missed } of gone.sort((a, b) => b.times - a.times)) {
    const free = strangers.filter(([to]) => !renamings.some((renaming) => renaming.to === to));
    const alike = free.find(([to]) => spelling(to) === spelling(value));
    // Alone in its absence and in its place, and as frequent as chance lets it be.
    const frequent = missed < missedMin ? [] : free.filter(([, now]) => Math.abs(now - missed) <= 3 * Math.sqrt(missed + now));
    const found = alike ?? (frequent.length === 1 || gone.length === 1 ? frequent[0] : undefined);
    if (found !== undefined) renamings.push({ from: value, to: found[0], times: found[1], spelling: alike !== undefined });
  }
  const first = renamings[0];
  if (first === undefined) return undefined;
  const concerned = renamings.reduce((sum, { times }) => sum + times, 0);
  const told = renamings.slice(0, 3).map(({ from, to, spelling: only }) => `${quoted(from)} is ${only ? "written" : "called"} ${quoted(to)} now`);
  const more = renamings.length > 3 ? ` and ${renamings.length - 3} more` : "";
  return { kind: "renamed-category", feature: reference.name, ratio: concerned / rows, message: `${told.join(", ")}${more} (${percent(concerned / rows)} of the rows)` };
};

const words: Readonly<Record<string, string>> = { true: "1", yes: "1", y: "1", t: "1", false: "0", no: "0", n: "0", f: "0" };

/** What is left of a category when nobody minds how it is written. */
function spelling(text: string): string {
  const plain = text.toLowerCase().replaceAll(/[\s_\-."']/g, "").normalize("NFKD");
  const number = plain === "" ? NaN : Number(text);
  return words[plain] ?? (Number.isFinite(number) ? String(number) : plain);
}
