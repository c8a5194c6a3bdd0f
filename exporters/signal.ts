/**
 * Everything that can be announced. Signals say what is so (`state`) or what a model server should do (`directive`) as
 * levels, so that a missed or repeated frame is harmless; `drift` and `transition` are for people.
 */
import type { Reason } from "../agent/backend.ts";
import type { Share } from "../agent/judgement.ts";

export const statuses = ["unknown", "healthy", "suspect", "degraded", "failed", "probation", "draining", "isolated"] as const;
/**
 * unknown: nothing is known yet or no longer; healthy: the primary answers; suspect: it fails, not yet often enough;
 * degraded: it answers, but drifted; failed: its circuit is open; probation: half-open; draining: going away;
 * isolated: kept from traffic although it answers (drift or a person's decision).
 */
export type Status = (typeof statuses)[number];

export interface Target {
  readonly model: string;
  readonly version: string | undefined;
  /** The primary's URL. */
  readonly endpoint: string;
}

export interface Cause {
  /** Who found out: `traffic`, `http`, `inference`, `progress`, a detector's name, `operator`. */
  readonly detector: string;
  readonly code: string;
  /** A sentence for a person. */
  readonly evidence: string;
}

export interface StateSignal {
  readonly type: "state";
  readonly target: Target;
  readonly status: Status;
  /** Who answers now. */
  readonly rung: string;
  readonly reason: Reason;
  readonly cause: Cause;
  readonly sinceWallMs: number;
  /** Grows with every change of this target's state within one run of the publisher. */
  readonly rev: number;
}

export interface TransitionSignal {
  readonly type: "transition";
  readonly target: Target;
  readonly from: Status;
  readonly to: Status;
  readonly rung: string;
  readonly reason: Reason;
  readonly cause: Cause;
  readonly atWallMs: number;
}

export interface DirectiveSignal {
  readonly type: "directive";
  readonly target: Target;
  readonly action: "drain" | "restore";
  readonly why: string;
  readonly atWallMs: number;
}

export interface DriftSignal {
  readonly type: "drift";
  readonly target: Target;
  /** `firing` again refreshes; `resolved` once no evidence was found for the dwell. */
  readonly status: "firing" | "resolved";
  readonly stream: string;
  readonly detector: string;
  readonly culprits: readonly Share[];
  readonly statistic: number;
  readonly threshold: number;
  readonly message: string;
  readonly atWallMs: number;
}

/** A decision waits for a person, or no longer does. Only pages carry it. */
export interface ApprovalSignal {
  readonly type: "approval";
  readonly target: Target;
  readonly status: "firing" | "resolved";
  readonly decision: string;
  readonly question: string;
  readonly evidence: string;
  /** What is done without an answer, and when. */
  readonly default: "do" | "do-not";
  readonly deadlineWallMs: number;
  readonly atWallMs: number;
}

export type Signal = StateSignal | TransitionSignal | DirectiveSignal | DriftSignal;

/** What a room is handed to announce something. Never waits, never throws. */
export type Announce = (signal: Signal) => void;
