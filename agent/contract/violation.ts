/** What can be wrong with an inference's inputs, in a closed set, and what was found: a few told with their paths, all counted. */
import type { Value } from "../protocols/protocol.ts";

export const violationKinds = [
  "feature", // a feature or an input that is not there
  "datatype", // a tensor of another type than the model's
  "shape", // a tensor of another shape than the model's, or of another number of rows than the others
  "type", // text for a number, or something that is no category
  "missing", // null where nothing is ever missing
  "nan",
  "infinite",
  "range",
  "category", // one that is not known
] as const;
export type ViolationKind = (typeof violationKinds)[number];

export interface Violation {
  /** Where it stands in the body, as `inputs[3].data[7]`. */
  readonly path: string;
  readonly kind: ViolationKind;
  readonly feature: string;
  /** From 0; undefined where it is no row's. */
  readonly row: number | undefined;
  /** At most 64 characters, as is `expected` at most 300. */
  readonly got: string;
  readonly expected: string;
}

export interface Found {
  /** At most `toldMax`. */
  readonly violations: readonly Violation[];
  /** All there are, by kind; a kind that did not occur is absent. */
  readonly counts: Readonly<Partial<Record<ViolationKind, number>>>;
  readonly count: number;
  /** Values that were not looked at, since there were too many. */
  readonly unchecked: number;
}

export const toldMax = 20;

/** Collects what is found: tells the first, counts all. */
export class Findings {
  readonly #violations: Violation[] = [];
  readonly #counts: Partial<Record<ViolationKind, number>> = {};
  #count = 0;

  /** `tell` is called only for what is told. */
  add(kind: ViolationKind, tell: () => Omit<Violation, "kind">): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    this.#count += 1;
    if (this.#violations.length >= toldMax) return;
    const { path, feature, row, got, expected } = tell();
    this.#violations.push({ path: cut(path, 200), kind, feature: cut(feature, 100), row, got: cut(got, 64), expected: cut(expected, 300) });
  }

  found(unchecked: number): Found {
    return { violations: this.#violations, counts: this.#counts, count: this.#count, unchecked };
  }
}

/** A value as its sender would know it. */
export function inWords(value: Value): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : String(value);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
