/**
 * What the reference knows of the features, for rungs that answer only within it: types for rules, ranges and categories for
 * their validity. Read on the main thread, and only where a rung asks for it.
 */
import type { FeatureReference, Reference, Value } from "../../detectors/reference/reference.ts";

export interface KnownRange {
  features(): readonly { readonly name: string; readonly type: "number" | "integer" | "text" }[] | undefined;
  /** Why rows lie outside, in a sentence; undefined where they do not. No reference is a sentence too. */
  outside(columns: readonly { readonly name: string; readonly values: readonly Value[] }[], rows: number): string | undefined;
}

export function knownRange(reference: Reference | undefined): KnownRange {
  const known = reference?.features.map((feature) => ({ feature, categories: feature.kind === "categorical" ? new Set(feature.values) : undefined }));
  return {
    features: () => reference?.features.map((feature) => ({ name: feature.name, type: feature.kind === "categorical" ? "text" : feature.integer === true ? "integer" : "number" })),

    outside(columns, rows) {
      if (known === undefined) return "there is no reference that tells the range";
      const byName = new Map(columns.map(({ name, values }) => [name, values]));
      for (const { feature, categories } of known) {
        const values = byName.get(feature.name);
        if (values === undefined) return `${feature.name} is missing`;
        for (let row = 0; row < rows; row += 1) {
          const why = strange(feature, categories, values[row]);
          if (why !== undefined) return `${feature.name} is ${why} in row ${row}`;
        }
      }
      return undefined;
    },
  };
}

function strange(feature: FeatureReference, categories: ReadonlySet<string> | undefined, value: Value): string | undefined {
  if (categories !== undefined) {
    return value !== null && value !== undefined && categories.has(String(value)) ? undefined : `${shown(value)}, which the reference does not know,`;
  }
  if (feature.kind !== "numeric") return undefined;
  if (typeof value !== "number" || !Number.isFinite(value)) return `${shown(value)}, no number,`;
  return value >= feature.min && value <= feature.max ? undefined : `${value}, where the reference has ${feature.min} to ${feature.max},`;
}

function shown(value: Value): string {
  return String(value === undefined ? null : value).slice(0, 40);
}
