/** What of the versions outlives a restart. No monotonic time is in it; what can not be read is passed over. */
import * as z from "zod";
import type { ServedVersion } from "../../../exporters/signal.ts";
import type { KnownVersion } from "../../rollout-view.ts";
import type { VersionChange } from "./attribution.ts";
import type { KnownGoodState } from "./known-good.ts";
import type { Serving } from "./serving.ts";

/** A change of version, and what served after it. */
export interface KnownChange extends VersionChange {
  readonly served: Serving;
}

export interface SavedVersions {
  readonly version: 1;
  readonly current: Serving | undefined;
  readonly held: KnownGoodState;
  /** The latest last. */
  readonly before: readonly KnownVersion[];
  readonly changes: readonly KnownChange[];
  readonly rolledBack: readonly ServedVersion[];
}

const text = z.string().optional();
const served = { version: text, digest: text, reference: text };
const serving = z.object({ ...served, seenWallMs: z.number(), sinceWallMs: z.number() });

const savedVersions = z.object({
  version: z.literal(1),
  current: serving.optional(),
  held: z.object({
    held: z.object(served).optional(),
    heldMs: z.number().min(0),
    answers: z.int().min(0),
    goodSinceWallMs: z.number().optional(),
    idleMs: z.number().min(0),
    good: z.object({ ...served, sinceWallMs: z.number(), heldUntilWallMs: z.number() }).optional(),
  }),
  before: z.array(z.object({ ...served, sinceWallMs: z.number() })).max(50),
  changes: z.array(z.object({ seenWallMs: z.number(), sinceWallMs: z.number(), from: text, to: z.string(), served: serving })).max(8),
  rolledBack: z.array(z.object(served)).max(50),
});

/** undefined where nothing was saved, or something that this version does not know. */
export function restoreVersions(saved: unknown): SavedVersions | undefined {
  const parsed = savedVersions.safeParse(saved);
  // A member that was not saved is undefined, whether it is there or not.
  return parsed.success ? (parsed.data as SavedVersions) : undefined;
}
