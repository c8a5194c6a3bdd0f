/**
 * The part of the state that outlives a restart. Monotonic times do not mean anything to the next process, so a wait is
 * saved as what is left of it. What a restart finds is a suspicion, not a fact: an open circuit comes back open and may go
 * on trial as soon as the probes of the new process agree.
 */
import * as z from "zod";
import { closed } from "./circuit.ts";
import type { FailoverPolicy, FailoverState } from "./state.ts";
import { initial, noCause } from "./state.ts";

const savedCause = z.object({ detector: z.string(), code: z.string(), evidence: z.string() });

const savedFailover = z.object({
  version: z.literal(1),
  open: z.boolean(),
  trips: z.int().min(0),
  retryInMs: z.number().min(0),
  cause: savedCause,
  drift: savedCause.optional(),
});
export type SavedFailover = z.infer<typeof savedFailover>;

export function save(state: FailoverState, nowMs: number): SavedFailover {
  const { circuit } = state;
  return {
    version: 1,
    open: circuit.state !== "closed",
    trips: circuit.trips,
    retryInMs: circuit.state === "open" ? Math.max(0, circuit.retryAtMs - nowMs) : 0,
    cause: state.cause,
    ...(state.drift === undefined ? {} : { drift: state.drift }),
  };
}

/** Did anything change that a restart should know? */
export function outlives(before: FailoverState, after: FailoverState): boolean {
  return before.circuit.state !== after.circuit.state || before.circuit.trips !== after.circuit.trips || before.drift !== after.drift;
}

/** undefined where nothing was saved, or something this version does not know. */
export function restore(saved: unknown, nowMs: number, policy: FailoverPolicy): FailoverState | undefined {
  const parsed = savedFailover.safeParse(saved);
  if (!parsed.success) return undefined;
  const { open, trips, retryInMs, cause, drift } = parsed.data;
  const fresh = initial(nowMs);
  return {
    ...fresh,
    circuit: open
      ? { state: "open", trips: Math.max(1, trips), sinceMs: nowMs, retryAtMs: nowMs + Math.min(retryInMs, policy.dwellMaxMs) }
      : closed(nowMs, trips),
    cause: open ? cause : noCause,
    drift,
  };
}
