/** Are the columns that a featuriser makes those that a reference knows? */
import type { FeaturiserOrigin, Reference } from "../../detectors/reference/reference.ts";

const anew = 'make the reference anew with "pilotfish reference DATA --featuriser MODEL"';

/** Why a reference can not be compared with any featuriser's columns; undefined where it knows some. */
export function knowsNone({ featuriser }: Reference): string | undefined {
  return featuriser === undefined ? `the reference has none of its columns: ${anew}` : undefined;
}

/** Why what it makes must not be compared with the reference, and what to do; undefined where it may be. */
export function mismatch(reference: Reference, origin: FeaturiserOrigin): string | undefined {
  const { featuriser: known } = reference;
  if (known === undefined) return knowsNone(reference);
  if (known.digest !== origin.digest) return `the reference was made with another model file (SHA-256 ${known.digest.slice(0, 12)}..., this one is ${origin.digest.slice(0, 12)}...): give that one, or ${anew}`;
  const differing = (["kind", "columns", "outputs", "seed"] as const).find((part) => String(known[part]) !== String(origin[part]));
  return differing && `the reference was made with ${differing} ${String(known[differing])}, this is ${String(origin[differing])}: give the same, or ${anew}`;
}
