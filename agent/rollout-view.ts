/**
 * Rollouts as people and programs see them: what may be asked for, where a rollout stands, and which versions are known. Plain
 * data, shared by the room that keeps it and by those that show it.
 */
import type { Principal } from "./principal.ts";
import type { RolloutPhase, TrialReading } from "./trial.ts";

/** A rollout to be started; what is absent the config says. */
export interface RolloutAsked {
  readonly candidate?: CandidateAsked | undefined;
  /** `shadow`: copies alone, weight 0; `canary`: steps at once; `shadow-then-canary`: the steps once the copies show nothing worse. */
  readonly mode?: RolloutMode | undefined;
  readonly reason?: string | undefined;
}

export const rolloutModes = ["canary", "shadow", "shadow-then-canary"] as const;
export type RolloutMode = (typeof rolloutModes)[number];

/** One of url, version and onnx at least; url and version may go together. */
export interface CandidateAsked {
  readonly url?: string | undefined;
  readonly version?: string | undefined;
  /** Path of a file on the sidecar's own disk. */
  readonly onnx?: string | undefined;
}

export interface RolloutView {
  readonly id: string;
  readonly model: string;
  readonly candidate: CandidateAsked;
  /** For people: `version 2`, `http://10.0.0.7:8080`, `candidate.onnx`. */
  readonly name: string;
  /** The version that the primary served when it began; undefined where nobody knew. */
  readonly primaryVersion: string | undefined;
  readonly mode: RolloutMode;
  readonly phase: RolloutPhase;
  /** Why it is in its phase; of a closed set (agent/rollout/plan.ts). */
  readonly reason: string;
  /** Counted from 1; 0 while only copies are tried. */
  readonly step: number;
  readonly steps: readonly { readonly weight: number; readonly holdMs: number; readonly timeBoxMs: number }[];
  readonly weight: number;
  readonly shadow: number;
  readonly startedBy: string;
  readonly startedAtWallMs: number;
  readonly sinceWallMs: number;
  /** When the step may be passed, and when a person is asked; absent once it is over. */
  readonly holdUntilWallMs: number | undefined;
  readonly timeBoxUntilWallMs: number | undefined;
  /** The judge's last word; undefined before the first. */
  readonly reading: TrialReading | undefined;
  /** What the world was told to do, the latest last; at most 50. */
  readonly actuations: readonly ActuationShown[];
  readonly message: string;
}

export interface ActuationShown {
  readonly actuator: string;
  readonly action: string;
  readonly result: "done" | "unconfirmed" | "failed" | "skipped" | "under-way";
  readonly attempts: number;
  readonly detail: string;
  readonly atWallMs: number;
}

export type RolloutChanged =
  | { readonly ok: true; readonly rollout: RolloutView }
  /** `unfit`: the candidate or the plan can not be used, each reason a problem; `conflict`: not as things stand; `unknown`: there is none. */
  | { readonly ok: false; readonly why: "unfit" | "conflict" | "unknown"; readonly detail: string; readonly problems?: readonly string[] | undefined };

/** What the API's routes are handed. */
export interface RolloutControls {
  /** The one that runs, or the last that ran. */
  current(): RolloutView | undefined;
  start(asked: RolloutAsked, principal: Principal): Promise<RolloutChanged>;
  /** Takes the next step, or all of the traffic where there is none. */
  promote(principal: Principal, reason: string | undefined): RolloutChanged;
  /** Takes the traffic off the candidate at once, also after it was promoted. */
  abort(principal: Principal, reason: string | undefined): RolloutChanged;
  versions(): VersionsView;
}

export interface KnownVersion {
  readonly version: string | undefined;
  readonly digest: string | undefined;
  readonly reference: string | undefined;
  /** When it began to serve. */
  readonly sinceWallMs: number;
}

export interface VersionsView {
  readonly current: KnownVersion | undefined;
  /** The last pair of version and reference that held its objectives for the dwell. */
  readonly lastKnownGood: (KnownVersion & { readonly heldUntilWallMs: number }) | undefined;
  /** Since when the current one holds its objectives; undefined while it does not. */
  readonly goodSinceWallMs: number | undefined;
  readonly dwellMs: number;
  /** The latest last; at most 50. */
  readonly before: readonly KnownVersion[];
}
