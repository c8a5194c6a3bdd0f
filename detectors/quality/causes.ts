/**
 * Why a feature looks different, where the reason is in the data's handling and not in the world: rules in the order of
 * what is surest, the first that holds is told. Cost: some hundred values a feature, microseconds; made for the moment of
 * an alarm, not for every row.
 */
import type { FeatureReference, Value } from "../reference/reference.ts";
import type { Cause, CauseKind, Rule } from "./cause.ts";
import { clippedRange } from "./clipped-range.ts";
import { constant } from "./constant.ts";
import { newSentinel } from "./new-sentinel.ts";
import { nullBurst } from "./null-burst.ts";
import { renamedCategory } from "./renamed-category.ts";
import { sampleOf } from "./sample.ts";
import { swappedColumns } from "./swapped-columns.ts";
import { typeFlip } from "./type-flip.ts";
import { unitScale } from "./unit-scale.ts";

const rules = {
  "type-flip": typeFlip,
  "null-burst": nullBurst,
  constant,
  "unit-scale": unitScale,
  "renamed-category": renamedCategory,
  "new-sentinel": newSentinel,
  "clipped-range": clippedRange,
} as const satisfies Record<Exclude<CauseKind, "swapped-columns">, Rule>;

/**
 * @param features with the latest raw values of each, some 30 to 1,000; those of all features tell which two were swapped.
 * @returns at most one cause for a feature, in their order; none for those where no rule holds.
 */
export function causesOf(features: readonly { readonly reference: FeatureReference; readonly values: readonly Value[] }[]): readonly Cause[] {
  const looked = features.map(({ reference, values }) => ({ reference, sample: sampleOf(values) }));
  const swaps = new Map(swappedColumns(looked).map((cause) => [cause.feature, cause]));
  return looked.flatMap(({ reference, sample }) => {
    if (sample.rows === 0) return [];
    const surest = rules["type-flip"](reference, sample) ?? swaps.get(reference.name);
    if (surest !== undefined) return [surest];
    for (const rule of Object.values(rules)) {
      const cause = rule(reference, sample);
      if (cause !== undefined) return [cause];
    }
    return [];
  });
}
