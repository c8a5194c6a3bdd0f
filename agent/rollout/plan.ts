/**
 * The course of a rollout, pure: where it stands and what was just heard give where it stands next. What there is to do follows
 * from the two states: the weight goes to the gateway at once, a phase that ended is announced, `asking` is put to a person.
 *
 * A rollout takes steps, each a weight that is held for a while. A step is passed when its hold is over and the judge says that
 * the candidate is not worse; harm takes the traffic off at any moment while it is tried. When a step's time box is over without a
 * verdict, a person is asked; so a judge that has fallen silent promotes nothing. Copies alone come before the first step, where
 * the mode says so, as a step without weight. Where there is nothing but copies no traffic ever moves by itself.
 *
 * Two modes say how much is done without a person: `rollback` on harm, `promotion` where the candidate is not worse. `automatic`:
 * it is done; `approve` and `notify`: it is asked, and they differ only in who may answer. What a person takes back goes back at
 * once, also after the promotion.
 *
 * The state is plain data that may be saved and gone on with. Times are milliseconds of one monotonic clock; `moved` carries a
 * saved state over to the next process's.
 */
import type { RolloutMode } from "../rollout-view.ts";
import type { RolloutPhase } from "../trial.ts";

/** Why it is in its phase. */
export const rolloutReasons = [
  "started",
  "step", // the one before was passed
  "harm",
  "not-worse",
  "time-box", // it is over without a verdict
  "kept", // a person keeps it in spite of harm
  "declined", // a person was asked whether it goes on, and said no; or nobody answered, and that is the default
  "person",
  "lost", // the candidate is not there any more
  "rollback", // what serves went bad with its version: back from it, or to the last known good
] as const;
export type RolloutReason = (typeof rolloutReasons)[number];

/** How long something is held at least, and when at most a person is asked. */
export interface Held {
  readonly holdMs: number;
  readonly timeBoxMs: number;
}

export interface Step extends Held {
  /** The candidate's share of the traffic, above 0 and up to 1. */
  readonly weight: number;
}

/** What was meant when it began. */
export interface RolloutPlan {
  readonly mode: RolloutMode;
  /** Weights ascend, so that a key that is on the candidate stays there (split.ts). */
  readonly steps: readonly Step[];
  /** Of copies alone. */
  readonly shadow: Held;
}

/** Who decides; may change meanwhile. */
export interface RolloutModes {
  readonly promotion: "automatic" | "approve" | "notify";
  readonly rollback: "automatic" | "approve" | "notify";
}

export interface RolloutPolicy extends RolloutPlan, RolloutModes {}

export interface RolloutState {
  readonly phase: RolloutPhase;
  readonly reason: RolloutReason;
  /** Index of the step; the last one's when all are passed; -1 while only copies are tried. */
  readonly step: number;
  /** What the gateway deals to the candidate: 0 when aborted, 1 when promoted. */
  readonly weight: number;
  /** A person keeps it in spite of the harm of this step: it goes no further by itself, and nobody is asked about harm again. */
  readonly isHarmKept: boolean;
  /** Since when the step has been held, and the phase. */
  readonly stepSinceMs: number;
  readonly sinceMs: number;
}

export type RolloutEvent =
  | { readonly type: "verdict"; readonly verdict: "harm" | "not-worse" | "continue" | "inconclusive" }
  /** A person's word. Promote takes the next step, or all of the traffic where there is none, whatever the judge says. */
  | { readonly type: "promote" }
  /** Takes the traffic off, also after the promotion. */
  | { readonly type: "abort"; readonly reason?: "person" | "lost" | "rollback" }
  /** To what was asked. */
  | { readonly type: "answer"; readonly verdict: "do" | "do-not" }
  | { readonly type: "tick" };

/** @throws RangeError for steps that make no sense, naming them. */
export function checkPlan({ mode, steps, shadow }: RolloutPlan): void {
  if (mode !== "canary") checkHeld("shadow", shadow);
  if (mode === "shadow") return;
  if (steps.length === 0) throw new RangeError("rollout: steps: expected one or more, got none");
  let before = 0;
  for (const [i, step] of steps.entries()) {
    const { weight } = step;
    if (!(weight > 0 && weight <= 1)) throw new RangeError(`rollout: steps[${i}].weight must be above 0 and at most 1, got ${weight}`);
    if (weight <= before) throw new RangeError(`rollout: steps[${i}].weight must be above that of the step before, ${before}, got ${weight}`);
    checkHeld(`steps[${i}]`, step);
    before = weight;
  }
}

function checkHeld(what: string, { holdMs, timeBoxMs }: Held): void {
  if (holdMs >= 0 && timeBoxMs > 0 && timeBoxMs >= holdMs && timeBoxMs < Infinity) return;
  throw new RangeError(`rollout: ${what}: the time box must be above 0 and no shorter than the hold, got ${timeBoxMs} and ${holdMs} ms`);
}

export function begin(nowMs: number, plan: RolloutPlan): RolloutState {
  checkPlan(plan);
  const step = plan.mode === "canary" ? 0 : -1;
  return { phase: "trying", reason: "started", step, weight: stepAt(step, plan).weight, isHarmKept: false, stepSinceMs: nowMs, sinceMs: nowMs };
}

/** All of the traffic at once: for a version that is known to be good. */
export function beginPromoted(nowMs: number): RolloutState {
  return { phase: "promoted", reason: "rollback", step: -1, weight: 1, isHarmKept: false, stepSinceMs: nowMs, sinceMs: nowMs };
}

/** The same object comes back where nothing has changed. */
export function reduce(state: RolloutState, event: RolloutEvent, nowMs: number, policy: RolloutPolicy): RolloutState {
  if (state.phase === "aborted") return state;
  if (event.type === "abort") return aborted(state, event.reason ?? "person", nowMs);
  if (state.phase === "promoted") return state;
  switch (event.type) {
    case "promote":
      return onward(state, "person", nowMs, policy);
    case "tick":
      return late(state, nowMs, policy);
    case "verdict":
      return hear(state, event.verdict, nowMs, policy);
    case "answer":
      return answered(state, event.verdict, nowMs, policy);
  }
}

function hear(state: RolloutState, verdict: "harm" | "not-worse" | "continue" | "inconclusive", nowMs: number, policy: RolloutPolicy): RolloutState {
  switch (verdict) {
    case "harm":
      if (policy.rollback === "automatic") return aborted(state, "harm", nowMs);
      return state.isHarmKept ? late(state, nowMs, policy) : asking(state, "harm", nowMs);
    case "not-worse": {
      const passesAlone = policy.promotion === "automatic" && policy.mode !== "shadow" && !state.isHarmKept;
      // Who was asked because of harm is not asked about something better meanwhile.
      if (state.phase === "asking" && (state.reason === "harm" || !passesAlone)) return state;
      if (nowMs - state.stepSinceMs < stepAt(state.step, policy).holdMs) return state;
      return passesAlone ? onward(state, "not-worse", nowMs, policy) : asking(state, "not-worse", nowMs);
    }
    case "inconclusive":
      return state.phase === "asking" ? state : asking(state, "time-box", nowMs);
    case "continue":
      return late(state, nowMs, policy);
  }
}

/** The answer to whether it is taken back, where harm was the reason to ask, and else to whether it goes on. */
function answered(state: RolloutState, verdict: "do" | "do-not", nowMs: number, policy: RolloutPolicy): RolloutState {
  if (state.phase !== "asking") return state;
  if (state.reason === "harm") return verdict === "do" ? aborted(state, "harm", nowMs) : { ...state, phase: "trying", reason: "kept", isHarmKept: true, sinceMs: nowMs };
  return verdict === "do" ? onward(state, "person", nowMs, policy) : aborted(state, "declined", nowMs);
}

/** Asks a person when the step's time box is over. */
function late(state: RolloutState, nowMs: number, policy: RolloutPolicy): RolloutState {
  return state.phase === "trying" && nowMs - state.stepSinceMs >= stepAt(state.step, policy).timeBoxMs ? asking(state, "time-box", nowMs) : state;
}

function onward(state: RolloutState, reason: RolloutReason, nowMs: number, { mode, steps }: RolloutPlan): RolloutState {
  const next = mode === "shadow" ? undefined : steps[state.step + 1];
  if (next === undefined) return { ...state, phase: "promoted", reason, weight: 1, sinceMs: nowMs };
  return { phase: "trying", reason: "step", step: state.step + 1, weight: next.weight, isHarmKept: false, stepSinceMs: nowMs, sinceMs: nowMs };
}

function aborted(state: RolloutState, reason: RolloutReason, nowMs: number): RolloutState {
  return { ...state, phase: "aborted", reason, weight: 0, sinceMs: nowMs };
}

/** The weight stays: a person decides. Harm is asked about even where something else was asked before. */
function asking(state: RolloutState, reason: RolloutReason, nowMs: number): RolloutState {
  return state.phase === "asking" && state.reason === reason ? state : { ...state, phase: "asking", reason, sinceMs: nowMs };
}

/** Copies are held as a step without weight. */
export function stepAt(step: number, { steps, shadow }: RolloutPlan): Step {
  return steps[step] ?? { weight: 0, ...shadow };
}

/** A saved state on another clock: what was held so far counts, the time between does not. */
export function moved(state: RolloutState, savedAtMs: number, nowMs: number): RolloutState {
  const by = nowMs - savedAtMs;
  return { ...state, stepSinceMs: state.stepSinceMs + by, sinceMs: state.sinceMs + by };
}
