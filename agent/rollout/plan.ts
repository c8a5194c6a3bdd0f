/**
 * The course of a rollout, pure: where it stands and what was just heard give where it stands next. What there is to do follows
 * from the two states: the weight goes to the gateway at once, a phase that ended is announced, `asking` is put to a person.
 *
 * A rollout takes steps, each a weight that is held for a while. A step is passed when its hold is over and the judge says that
 * the candidate is not worse; harm aborts at any moment, in any phase but the last two; when a step's time box is over without a
 * verdict, a person is asked. The mode says how much is done without one: `automatic` promotes and aborts by itself, `approve`
 * aborts by itself and asks before it promotes, `notify` does neither, and asks.
 *
 * The state is plain data that may be saved and gone on with. Times are milliseconds of one monotonic clock; `moved` carries a
 * saved state over to the next process's.
 */
import type { RolloutPhase } from "../trial.ts";

/** Why it is in its phase. */
export const rolloutReasons = ["started", "step", "harm", "not-worse", "time-box", "person"] as const;
export type RolloutReason = (typeof rolloutReasons)[number];

export interface Step {
  /** The candidate's share of the traffic, above 0 and up to 1. */
  readonly weight: number;
  /** How long the weight is held at least, and when at most a person is asked. */
  readonly holdMs: number;
  readonly timeBoxMs: number;
}

export interface RolloutPolicy {
  /** Weights ascend, so that a key that is on the candidate stays there (split.ts). */
  readonly steps: readonly Step[];
  readonly mode: "automatic" | "approve" | "notify";
}

export interface RolloutState {
  readonly phase: RolloutPhase;
  readonly reason: RolloutReason;
  /** Index of the step; the last one's when all are passed. */
  readonly step: number;
  /** What the gateway deals to the candidate: 0 when aborted, 1 when promoted. */
  readonly weight: number;
  /** Since when the step has been held, and the phase. */
  readonly stepSinceMs: number;
  readonly sinceMs: number;
}

export type RolloutEvent =
  | { readonly type: "verdict"; readonly verdict: "harm" | "not-worse" | "continue" | "inconclusive" }
  /** A person's word. Promote takes the next step, or all of the traffic where there is none, whatever the judge says. */
  | { readonly type: "promote" | "abort" }
  | { readonly type: "tick" };

/** @throws RangeError for steps that make no sense, naming them. */
export function checkPolicy({ steps }: RolloutPolicy): void {
  if (steps.length === 0) throw new RangeError("rollout: steps: expected one or more, got none");
  let before = 0;
  for (const [i, { weight, holdMs, timeBoxMs }] of steps.entries()) {
    if (!(weight > 0 && weight <= 1)) throw new RangeError(`rollout: steps[${i}].weight must be above 0 and at most 1, got ${weight}`);
    if (weight <= before) throw new RangeError(`rollout: steps[${i}].weight must be above that of the step before, ${before}, got ${weight}`);
    if (!(holdMs >= 0 && timeBoxMs > 0 && timeBoxMs >= holdMs && timeBoxMs < Infinity)) {
      throw new RangeError(`rollout: steps[${i}]: the time box must be above 0 and no shorter than the hold, got ${timeBoxMs} and ${holdMs} ms`);
    }
    before = weight;
  }
}

export function begin(nowMs: number, policy: RolloutPolicy): RolloutState {
  checkPolicy(policy);
  return { phase: "trying", reason: "started", step: 0, weight: (policy.steps[0] as Step).weight, stepSinceMs: nowMs, sinceMs: nowMs };
}

/** The same object comes back where nothing has changed. */
export function reduce(state: RolloutState, event: RolloutEvent, nowMs: number, policy: RolloutPolicy): RolloutState {
  if (state.phase === "promoted" || state.phase === "aborted") return state;
  switch (event.type) {
    case "abort":
      return aborted(state, "person", nowMs);
    case "promote":
      return onward(state, "person", nowMs, policy);
    case "tick":
      return late(state, nowMs, policy);
    case "verdict":
      return hear(state, event.verdict, nowMs, policy);
  }
}

function hear(state: RolloutState, verdict: "harm" | "not-worse" | "continue" | "inconclusive", nowMs: number, policy: RolloutPolicy): RolloutState {
  switch (verdict) {
    case "harm":
      return policy.mode === "notify" ? asking(state, "harm", nowMs) : aborted(state, "harm", nowMs);
    case "not-worse": {
      // Who was asked because of harm is not asked about something better meanwhile.
      if (state.phase === "asking" && (state.reason === "harm" || policy.mode !== "automatic")) return state;
      const { holdMs } = stepOf(state, policy);
      if (nowMs - state.stepSinceMs < holdMs) return state;
      return policy.mode === "automatic" ? onward(state, "not-worse", nowMs, policy) : asking(state, "not-worse", nowMs);
    }
    case "inconclusive":
      return state.phase === "asking" ? state : asking(state, "time-box", nowMs);
    case "continue":
      return late(state, nowMs, policy);
  }
}

/** Asks a person when the step's time box is over. */
function late(state: RolloutState, nowMs: number, policy: RolloutPolicy): RolloutState {
  return state.phase === "trying" && nowMs - state.stepSinceMs >= stepOf(state, policy).timeBoxMs ? asking(state, "time-box", nowMs) : state;
}

function onward(state: RolloutState, reason: RolloutReason, nowMs: number, { steps }: RolloutPolicy): RolloutState {
  const next = steps[state.step + 1];
  if (next === undefined) return { ...state, phase: "promoted", reason, weight: 1, sinceMs: nowMs };
  return { phase: "trying", reason: "step", step: state.step + 1, weight: next.weight, stepSinceMs: nowMs, sinceMs: nowMs };
}

function aborted(state: RolloutState, reason: RolloutReason, nowMs: number): RolloutState {
  return { ...state, phase: "aborted", reason, weight: 0, sinceMs: nowMs };
}

/** The weight stays: a person decides. Harm is asked about even where something else was asked before. */
function asking(state: RolloutState, reason: RolloutReason, nowMs: number): RolloutState {
  return state.phase === "asking" && state.reason === reason ? state : { ...state, phase: "asking", reason, sinceMs: nowMs };
}

/** A saved policy may have had more steps. */
function stepOf({ step }: RolloutState, { steps }: RolloutPolicy): Step {
  return steps[Math.min(step, steps.length - 1)] as Step;
}

/** A saved state on another clock: what was held so far counts, the time between does not. */
export function moved(state: RolloutState, savedAtMs: number, nowMs: number): RolloutState {
  const by = nowMs - savedAtMs;
  return { ...state, stepSinceMs: state.stepSinceMs + by, sinceMs: state.sinceMs + by };
}
