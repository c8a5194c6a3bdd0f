/**
 * What a feature may send, as its reference shows it: type, range, categories, how much is missing. And what a value does
 * against that, read off the cell that it falls into, so that checking costs one look into a table.
 */
import { cellCount, type FeatureReference } from "../reference/reference.ts";

export interface FeatureSchema {
  readonly name: string;
  readonly type: "number" | "integer" | "category";
  /** Inclusive; of numbers only. */
  readonly range?: readonly [min: number, max: number];
  /** The known categories; `complete` where the reference held no others. */
  readonly categories?: readonly string[];
  readonly complete?: boolean;
  /** Ratio of the reference's rows that are null or NaN. */
  readonly missingRatio: number;
  /** The only value that the reference holds, where there is only one. */
  readonly constant?: number | string;
}

export const violations = [
  "missing", // null or NaN
  "type", // text for a number, or something that is no category
  "range", // below the least or above the greatest value known
  "infinite",
  "category", // one that is not known
] as const;
export type Violation = (typeof violations)[number];

export function schemaOf(reference: FeatureReference): FeatureSchema {
  const { name, rows } = reference;
  const missingRatio = violationCount(reference, "missing") / rows;
  if (reference.kind === "numeric") {
    const { min, max, integer } = reference;
    return { name, type: integer === true ? "integer" : "number", range: [min, max], missingRatio, ...(min === max && { constant: min }) };
  }
  const complete = violationCount(reference, "category") === 0;
  const only = complete && reference.values.length === 1 ? reference.values[0] : undefined;
  return { name, type: "category", categories: reference.values, complete, missingRatio, ...(only !== undefined && { constant: only }) };
}

/** What a value in each cell violates; undefined in the cells of the feature's own values. */
export function violationsByCell(reference: FeatureReference): readonly (Violation | undefined)[] {
  const extras: readonly Violation[] =
    reference.kind === "numeric" ? ["range", "range", "missing", "missing", "infinite", "type"] : ["category", "missing", "type"];
  const own = cellCount(reference) - extras.length;
  return [...Array.from({ length: own }, () => undefined), ...extras];
}

/** Rows of the reference that violate what it shows itself: nulls, values too rare for a cell of their own. */
export function violationCount(reference: FeatureReference, violation: Violation): number {
  const byCell = violationsByCell(reference);
  return reference.counts.reduce((sum, count, cell) => (byCell[cell] === violation ? sum + count : sum), 0);
}
