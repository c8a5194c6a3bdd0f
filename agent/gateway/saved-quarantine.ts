/** What of the quarantine outlives a restart: who is suspect, how often it crashed the server, and for how long. */
import * as z from "zod";
import { emptyQuarantine } from "./quarantine.ts";
import type { Quarantine, QuarantinePolicy } from "./quarantine.ts";

const savedQuarantine = z.object({
  version: z.literal(1),
  suspects: z.array(z.object({ fingerprint: z.string().regex(/^[0-9a-f]{16}$/), crashes: z.int().min(1), leftMs: z.number().min(0) })),
});
export type SavedQuarantine = z.infer<typeof savedQuarantine>;

/** What a restart should know. Monotonic times mean nothing to the next process, so what is left of them is saved. */
export function saveQuarantine({ suspects }: Quarantine, nowMs: number): SavedQuarantine {
  const kept = [...suspects].map(([fingerprint, { crashes, untilMs }]) => ({ fingerprint, crashes, leftMs: Math.max(0, untilMs - nowMs) }));
  return { version: 1, suspects: kept.filter(({ leftMs }) => leftMs > 0) };
}

/** undefined where nothing was saved, or something this version does not know. */
export function restoreQuarantine(saved: unknown, nowMs: number, policy: QuarantinePolicy): Quarantine | undefined {
  const parsed = savedQuarantine.safeParse(saved);
  if (!parsed.success) return undefined;
  const latest = parsed.data.suspects.slice(-policy.suspectsMax);
  return { ...emptyQuarantine, suspects: new Map(latest.map(({ fingerprint, crashes, leftMs }) => [fingerprint, { crashes, untilMs: nowMs + Math.min(leftMs, policy.ttlMs) }])) };
}
