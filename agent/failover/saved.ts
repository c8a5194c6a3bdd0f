/**
 * The part of the state that outlives a restart. Monotonic times do not mean anything to the next process, so a wait is
 * saved as what is left of it, and of an override with the wall time, which alone goes on while nobody runs. What a restart finds is a suspicion, not a fact: an open circuit comes back open and may go
 * on trial as soon as the probes of the new process agree.
 */
import * as z from "zod";
import { overrideActions, overrideTtlMaxMs } from "../override.ts";
import { closed } from "./circuit.ts";
import type { FailoverPolicy, FailoverState } from "./state.ts";
import type { Standing } from "./standing.ts";
import { initial, noCause } from "./state.ts";

const savedCause = z.object({ detector: z.string(), code: z.string(), evidence: z.string() });

const savedOverride = z.object({
  id: z.string(),
  action: z.enum(overrideActions),
  rung: z.string(),
  owner: z.string(),
  reason: z.string(),
  atWallMs: z.number(),
  leftMs: z.number().min(0).max(overrideTtlMaxMs),
  savedAtWallMs: z.number(),
});

const savedFailover = z.object({
  version: z.literal(1),
  open: z.boolean(),
  trips: z.int().min(0),
  retryInMs: z.number().min(0),
  cause: savedCause,
  drift: savedCause.optional(),
  driftVerdict: z.enum(["do", "do-not"]).optional(),
  override: savedOverride.optional(),
});
export type SavedFailover = z.infer<typeof savedFailover>;

/** @param wallMs only an override is kept with it. */
export function save(state: FailoverState, nowMs: number, wallMs: number = 0): SavedFailover {
  const { circuit, override } = state;
  return {
    version: 1,
    open: circuit.state !== "closed",
    trips: circuit.trips,
    retryInMs: circuit.state === "open" ? Math.max(0, circuit.retryAtMs - nowMs) : 0,
    cause: state.cause,
    ...(state.drift === undefined ? {} : { drift: state.drift }),
    ...(state.driftVerdict === undefined ? {} : { driftVerdict: state.driftVerdict }),
    ...(override === undefined ? {} : { override: saveOverride(override, nowMs, wallMs) }),
  };
}

function saveOverride({ id, action, rung, owner, reason, atWallMs, untilMs }: Standing, nowMs: number, wallMs: number): z.infer<typeof savedOverride> {
  return { id, action, rung, owner, reason, atWallMs, leftMs: Math.max(0, untilMs - nowMs), savedAtWallMs: wallMs };
}

/** What is kept where the server is another one: of that nothing is known, but a person's decision holds. */
export function overrideOnly(saved: SavedFailover): SavedFailover {
  const { override } = saved;
  return { version: 1, open: false, trips: 0, retryInMs: 0, cause: noCause, ...(override === undefined ? {} : { override }) };
}

/** Did anything change that a restart should know? */
export function outlives(before: FailoverState, after: FailoverState): boolean {
  return before.circuit.state !== after.circuit.state || before.circuit.trips !== after.circuit.trips || before.drift !== after.drift || before.driftVerdict !== after.driftVerdict || before.override !== after.override;
}

/** undefined where nothing was saved, or something this version does not know. An override whose time is over is there, and ends with the first tick. */
export function restore(saved: unknown, nowMs: number, policy: FailoverPolicy, wallMs: number = 0): FailoverState | undefined {
  const parsed = savedFailover.safeParse(saved);
  if (!parsed.success) return undefined;
  const { open, trips, retryInMs, cause, drift, driftVerdict, override } = parsed.data;
  const fresh = initial(nowMs);
  return {
    ...fresh,
    circuit: open
      ? { state: "open", trips: Math.max(1, trips), sinceMs: nowMs, retryAtMs: nowMs + Math.min(retryInMs, policy.dwellMaxMs) }
      : closed(nowMs, trips),
    cause: open ? cause : noCause,
    drift,
    driftVerdict,
    override: override && restoreOverride(override, nowMs, wallMs),
  };
}

/** A wall clock that was put back meanwhile makes none last longer than was left of it. */
function restoreOverride({ leftMs, savedAtWallMs, ...override }: z.infer<typeof savedOverride>, nowMs: number, wallMs: number): Standing {
  const left = leftMs - Math.max(0, wallMs - savedAtWallMs);
  return { ...override, untilMs: nowMs + left, untilWallMs: wallMs + left };
}
