/** What went wrong with a feature's data, in words: found by simple rules before any statistic is asked. */
import type { FeatureReference } from "../reference/reference.ts";
import type { Sample } from "./sample.ts";

export const causeKinds = [
  "null-burst", // values are missing that were there
  "type-flip", // text for numbers, or numbers for text
  "constant", // one value only, where there were many
  "unit-scale", // the same values in another unit
  "swapped-columns", // another feature's values
  "renamed-category", // another name for what was known
  "new-sentinel", // a number that stands for something else, such as -1
  "clipped-range", // values beyond a limit are put to it, or left out
] as const;
export type CauseKind = (typeof causeKinds)[number];

export interface Cause {
  readonly kind: CauseKind;
  readonly feature: string;
  /** Of the rows looked at, how many are concerned. 0 to 1. */
  readonly ratio: number;
  /** Completes "FEATURE: ..."; without a full stop. */
  readonly message: string;
}

/** A rule looks at one feature; undefined where it has nothing to say. */
export type Rule = (reference: FeatureReference, sample: Sample) => Cause | undefined;

/** `61 %`, `0.4 %` */
export function percent(ratio: number): string {
  const hundredths = 100 * ratio;
  return `${hundredths >= 10 ? Math.round(hundredths) : Number(hundredths.toPrecision(2))} %`;
}

/** At most four digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Text as a person sees it, cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}
