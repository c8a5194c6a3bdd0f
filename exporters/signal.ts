/**
 * Everything that can be announced. Signals say what is so (`state`), what a subscriber should do (`directive`), what a rollout's
 * judge finds (`judge`) and where it stands (`rollout`) as levels, so that a missed or repeated frame is harmless; `drift`,
 * `transition` and `version` are for people.
 */
import type { Reason } from "../agent/backend.ts";
import type { Share } from "../agent/judgement.ts";
import type { RolloutPhase } from "../agent/trial.ts";

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

/** Directives that are in force until they are taken back, or until another of the same action for the target takes their place. */
export const heldActions = ["route", "eject", "split", "hold", "drain"] as const;
export type HeldAction = (typeof heldActions)[number];

/**
 * route: let this rung answer; eject: send the target nothing; split: share requests out by these weights; hold: let what answers
 * now go on, whatever you see; drain: take no new work and finish what runs; restore: those of these actions are taken back.
 */
export type Directed =
  | { readonly action: "route" | "hold"; readonly rung: string }
  | { readonly action: "eject" | "drain" }
  /** By version or rung: ratios that add up to 1. */
  | { readonly action: "split"; readonly weights: Readonly<Record<string, number>> }
  /** Absent: of all but `route`. */
  | { readonly action: "restore"; readonly of?: readonly HeldAction[] };

export type DirectiveSignal = Directed & {
  readonly type: "directive";
  readonly target: Target;
  readonly why: string;
  readonly atWallMs: number;
};

export const judgeVerdicts = ["harm", "not-worse", "continue", "inconclusive"] as const;

/** What is known of an experiment: a version of a model against the one before. */
export interface JudgeSignal {
  readonly type: "judge";
  readonly target: Target;
  readonly experiment: string;
  readonly verdict: (typeof judgeVerdicts)[number];
  /** Evidence against "not worse": an e-value, so that 20 is as rare as 1 in 20 where there is no harm, whenever one looks. */
  readonly eValue: number;
  /** Pairs, or requests of the smaller side. */
  readonly n: number;
  /** Candidate less baseline, in the metric's unit, with its interval. */
  readonly effect: { readonly metric: string; readonly estimate: number; readonly low: number; readonly high: number };
  /** The experiment's last word: it is not in force any more. */
  readonly final: boolean;
  readonly message: string;
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

/** The world was told of a rollout, and nothing shows that it heard. Only pages carry it; `resolved` once it has. */
export interface UnheardSignal {
  readonly type: "unheard";
  readonly target: Target;
  readonly status: "firing" | "resolved";
  readonly actuator: string;
  readonly action: string;
  readonly detail: string;
  readonly atWallMs: number;
}

/** Where a rollout stands: told at every change of phase, step or weight. */
export interface RolloutSignal {
  readonly type: "rollout";
  readonly target: Target;
  readonly rollout: string;
  /** For people: `version 2`, `http://10.0.0.7:8080`, `candidate.onnx`. */
  readonly candidate: string;
  readonly phase: RolloutPhase;
  /** Why it is in its phase; a closed set (agent/rollout/plan.ts). */
  readonly reason: string;
  /** Counted from 1, and how many there are. */
  readonly step: number;
  readonly steps: number;
  /** The candidate's share of the traffic. */
  readonly weight: number;
  readonly message: string;
  readonly atWallMs: number;
}

/** Another version serves, or the same under another digest or held against another reference. */
export interface VersionSignal {
  readonly type: "version";
  readonly target: Target;
  readonly from: ServedVersion | undefined;
  readonly to: ServedVersion;
  readonly message: string;
  readonly atWallMs: number;
}

/** What serves, as far as it is known. */
export interface ServedVersion {
  readonly version: string | undefined;
  /** Of the artefact, where the server tells it. */
  readonly digest: string | undefined;
  /** Digest of the reference that it is held against. */
  readonly reference: string | undefined;
}

export type Signal = StateSignal | TransitionSignal | DirectiveSignal | DriftSignal | JudgeSignal | RolloutSignal | VersionSignal;

/** What of a target can be said, by its model and endpoint: its version may change. A key for maps, and in acks. */
export function targetKey({ model, endpoint }: Pick<Target, "model" | "endpoint">): string {
  return `${model}@${endpoint}`;
}

/** What a room is handed to announce something. Never waits, never throws. */
export type Announce = (signal: Signal) => void;
