/**
 * What the world is to be told of a rollout, as plain data that survives a restart, and what becomes of it at one of those who
 * are told. The kinds of actuators are in actuators.ts.
 */
import type { ActuationShown, CandidateAsked } from "../../rollout-view.ts";

export const actions = ["start", "weight", "promote", "roll-back"] as const;
/** A rollout began with a first weight, took another weight, has all of the traffic, has none any more. */
export type Action = (typeof actions)[number];

/** Frozen. It says all that is so now and not what changed, so whoever missed the one before needs only the latest. */
export interface Actuation {
  /** Of its own for every actuation: by it a receiver knows what it was told twice. */
  readonly id: string;
  readonly rollout: string;
  readonly action: Action;
  readonly model: string;
  readonly candidate: CandidateAsked;
  /** The version that the candidate is, where it is known. */
  readonly candidateVersion?: string | undefined;
  /** The version to go back to. */
  readonly primaryVersion?: string | undefined;
  /** The candidate's share of the traffic from now on, 0 to 1. */
  readonly weight: number;
  /** Of the closed set of agent/rollout/plan.ts. */
  readonly reason: string;
  /** A sentence for a person. */
  readonly evidence: string;
  readonly atWallMs: number;
}

/** What became of it: a label. `unconfirmed`: it was taken, and nothing shows that it came into effect. */
export const results = ["done", "unconfirmed", "failed", "skipped"] as const;
export type Result = (typeof results)[number];

/** What one attempt came to. `detail` is for people, without secrets. */
export type Attempted = { readonly result: "done" | "skipped"; readonly detail: string } | Missed;

/** `again`: another attempt may come to something else, after `afterMs` at the earliest. */
export interface Missed {
  readonly result: "unconfirmed" | "failed";
  readonly detail: string;
  readonly again: boolean;
  readonly afterMs?: number | undefined;
}

/** One who is told. Each attempt says the same once more, so it must do no harm to be told twice. */
export interface Actuator {
  /** Never rejects for what the world does; settles by `deadlineMs` of the monotonic clock, and soon once `signal` is aborted. */
  attempt(actuation: Actuation, deadlineMs: number, signal: AbortSignal): Promise<Attempted>;
}

/** A report: the same `id` and `actuator` again is a newer word of the same thing. */
export interface ActuationReport extends ActuationShown {
  readonly id: string;
  readonly rollout: string;
  readonly action: Action;
}
