/**
 * A row of any values as a row of comparable numbers: numbers in standard deviations from the reference's mean, categories
 * as one column for each of the most frequent. What is missing or of another type is the mean, that is 0.
 */
import type { FeatureReference, Value } from "../reference/feature-reference.ts";
import type { EncodedFeature } from "./encoded-feature.ts";

const categoriesMax = 8;
/** Standard deviations beyond which a number says no more: one wild value must not drown the row. */
const limit = 8;

/** How each feature is written; constant ones say nothing and are left out by having no columns. */
export function encodingOf(features: readonly FeatureReference[]): readonly EncodedFeature[] {
  return features.map((feature) => {
    if (feature.kind === "numeric") return { kind: "number", mean: feature.mean, standardDeviation: feature.standardDeviation };
    const frequent = [...feature.values.keys()].sort((a, b) => (feature.counts[b] as number) - (feature.counts[a] as number)).slice(0, categoriesMax);
    const told = frequent.length === 1 ? [] : frequent;
    return { kind: "category", values: told.map((cell) => feature.values[cell] as string), ratios: told.map((cell) => (feature.counts[cell] as number) / feature.rows) };
  });
}

export interface RowEncoder {
  /** Columns of an encoded row. */
  readonly columns: number;
  /** Writes a row, a value for each feature, into `into`. Nothing is allocated. */
  encode(row: readonly Value[], into: Float64Array): void;
}

export function rowEncoder(encoding: readonly EncodedFeature[]): RowEncoder {
  const columns = encoding.reduce((sum, feature) => sum + widthOf(feature), 0);
  return {
    columns,
    encode(row, into) {
      let at = 0;
      for (let index = 0; index < encoding.length; index += 1) {
        const feature = encoding[index] as EncodedFeature;
        const value = row[index];
        if (feature.kind === "number") {
          if (feature.standardDeviation === 0) continue;
          const far = Number.isFinite(value) ? ((value as number) - feature.mean) / feature.standardDeviation : 0;
          into[at] = Math.max(-limit, Math.min(limit, far));
          at += 1;
          continue;
        }
        const known = value !== null && value !== undefined;
        const text = typeof value === "string" ? value : String(value);
        for (let i = 0; i < feature.values.length; i += 1, at += 1) into[at] = known ? Number(feature.values[i] === text) - (feature.ratios[i] as number) : 0;
      }
    },
  };
}

function widthOf(feature: EncodedFeature): number {
  if (feature.kind === "number") return feature.standardDeviation === 0 ? 0 : 1;
  return feature.values.length;
}
