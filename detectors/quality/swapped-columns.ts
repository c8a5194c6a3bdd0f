import type { FeatureReference } from "../reference/reference.ts";
import type { Cause } from "./cause.ts";
import { chanceDistance, distance, type Sample } from "./sample.ts";

/** Features that changed are compared in pairs: more than these are not looked at. */
const candidatesMax = 50;

/** What lies at least so far from its own reference may be another feature's. */
const apartMin = 0.3;

/**
 * Two features whose values look like each other's reference and not like their own. In pairs only: three columns in a
 * circle are found where two of them swapped.
 */
export function swappedColumns(features: readonly { readonly reference: FeatureReference; readonly sample: Sample }[]): readonly Cause[] {
  const strange = features
    .filter(({ reference, sample }) => sample.rows - sample.missing >= 20 && distance(reference, sample) >= apartMin)
    .slice(0, candidatesMax);
  const found: Cause[] = [];
  for (const [index, a] of strange.entries()) {
    for (const b of strange.slice(index + 1)) {
      if (!fits(a.reference, b.sample) || !fits(b.reference, a.sample)) continue;
      if (found.some(({ feature }) => feature === a.reference.name || feature === b.reference.name)) continue;
      found.push(swapped(a.reference, b.reference), swapped(b.reference, a.reference));
    }
  }
  return found;
}

function swapped(feature: FeatureReference, other: FeatureReference): Cause {
  return { kind: "swapped-columns", feature: feature.name, ratio: 1, message: `it holds the values of ${other.name}: the two are swapped` };
}

function fits(reference: FeatureReference, sample: Sample): boolean {
  return distance(reference, sample) < Math.min(apartMin / 2, chanceDistance(reference, sample.rows));
}
