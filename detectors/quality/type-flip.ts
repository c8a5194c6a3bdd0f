import type { NumericReference } from "../reference/reference.ts";
import { percent, quoted, type Cause, type Rule } from "./cause.ts";
import { violationCount } from "./schema.ts";
import type { Sample } from "./sample.ts";

/** Ratio of the values that have to be of another type, where the reference has hardly any. */
const ratioMin = 0.05;

/**
 * Text for numbers. The other way round a category that comes as a number is known by its text, so only numbers that no
 * known category looks like are a flip.
 */
export const typeFlip: Rule = (reference, sample) => {
  const present = sample.rows - sample.missing;
  if (present < 3) return undefined;
  return reference.kind === "numeric" ? textForNumbers(reference, sample, present) : numbersForText(reference.name, reference.values, sample, present);
};

function textForNumbers(reference: NumericReference, { rows, texts }: Sample, present: number): Cause | undefined {
  const first = texts[0];
  const ratio = texts.length / present;
  if (first === undefined || ratio - violationCount(reference, "type") / reference.rows < ratioMin) return undefined;
  const numeric = texts.filter(isNumber).length >= 0.9 * texts.length;
  const message = `${ratio === 1 ? "numbers come" : `${percent(ratio)} of the numbers come`} as text, such as ${quoted(first)}${numeric ? "" : ", which is no number"}`;
  return { kind: "type-flip", feature: reference.name, ratio: texts.length / rows, message };
}

function numbersForText(feature: string, known: readonly string[], { rows, numbers, categories }: Sample, present: number): Cause | undefined {
  if (known.some(isNumber)) return undefined;
  const ratio = numbers.length / present;
  if (ratio < ratioMin) return undefined;
  const example = [...categories.keys()].find(isNumber) as string;
  return { kind: "type-flip", feature, ratio: numbers.length / rows, message: `${ratio === 1 ? "the categories come" : `${percent(ratio)} of the categories come`} as numbers, such as ${example}` };
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}
