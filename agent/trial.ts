/**
 * A candidate on trial beside the primary: what the gateway is told to do with it, what is seen of it, and what the judge finds.
 * Plain data that all rooms of a rollout share, and that crosses threads.
 */
import type { RolloutVerdict } from "../detectors/judge/verdict.ts";
import type { Outcome } from "./backend.ts";

/** The candidate's name as a backend: a label, a header, and a word for people. No rung may bear it. */
export const candidateName = "candidate";

export const rolloutPhases = ["trying", "asking", "promoted", "aborted"] as const;
export type RolloutPhase = (typeof rolloutPhases)[number];

/**
 * Where a candidate answers. `server`: it speaks the primary's protocol; `url` absent: the primary's own server; `version`
 * present: by the protocol's path for a version. `rung`: inside the sidecar, an ONNX file run as a rung is.
 */
export type DealtCandidate = { readonly kind: "server"; readonly url?: string | undefined; readonly version?: string | undefined } | { readonly kind: "rung"; readonly version?: string | undefined };

/** By what a client is known again, so that it stays on its side: a header, or a cookie; each inference by itself where neither is given or the request has none. */
export interface KeySource {
  /** Lower case. */
  readonly header?: string | undefined;
  readonly cookie?: string | undefined;
}

/** What the gateway does for a rollout now. Frozen, replaced whole; the same object while nothing changes. */
export interface Deal {
  /** The rollout's id: with another one keys are dealt anew. */
  readonly rollout: string;
  readonly candidate: DealtCandidate;
  /** The candidate's share of keys, 0 to 1. */
  readonly weight: number;
  /** Share of inferences of which the candidate gets a copy that answers nobody, 0 to 1. */
  readonly shadow: number;
  readonly key: KeySource;
  /** Trials are told: there is a judge who wants them. */
  readonly judged: boolean;
}

/** On which side of a rollout an inference was dealt, and by what chance. */
export interface TrialMark {
  readonly rollout: string;
  /** Dealt to the candidate, else to the primary; whoever answered in the end. */
  readonly candidate: boolean;
  /** The candidate's share when it was dealt. */
  readonly weight: number;
  /** A hash of its key, 32 bits; 0 where it had none. */
  readonly key: number;
}

/** How the first attempt of an inference went on the side that it was dealt to, told when the exchange is over. */
export interface TrialObservation extends TrialMark {
  readonly kind: "trial";
  readonly inferenceId: string;
  /** A failure of the side: no answer, a broken one, 5xx; and of the candidate a rejection of what the primary then answered. */
  readonly failed: boolean;
  readonly outcome: Outcome;
  /** It failed at the candidate, and another answered all the same. */
  readonly rescued?: boolean | undefined;
  /** Of that attempt. Milliseconds. */
  readonly durationMs: number;
  readonly atWallMs: number;
}

/** What became of one side of a pair. */
export interface PairSide {
  readonly outcome: Outcome;
  /** Undecoded; empty where there is none. */
  readonly body: Uint8Array;
  readonly durationMs: number;
}

/** An inference that the primary served, whatever came of it, and the candidate's answer to a copy. */
export interface ShadowObservation {
  readonly kind: "shadow";
  readonly rollout: string;
  readonly inferenceId: string;
  readonly protocol: string;
  readonly primary: PairSide;
  readonly candidate: PairSide;
  /** A hash of its key, as in a trial. */
  readonly key: number;
  readonly atWallMs: number;
}

/** Why a copy was let go, or that it was asked; a label. */
export type ShadowResult =
  | "asked"
  | "busy" // as many are under way as may be
  | "rate" // beyond so many a second
  | "too-large" // a body over its limit
  | "not-kept"; // the request's body did not fit in the memory for kept ones

/** One comparison of the judge, for people and for series. */
export interface ComparisonShown {
  /** `errors`, `latency_p99`, `accuracy`, `scores`, `disagreement`, or a metric's own name; behind `shadow_` where pairs are compared. */
  readonly name: string;
  readonly verdict: "harm" | "not-worse" | "continue";
  /** Base 10, and what it must reach for harm. */
  readonly log10Evidence: number;
  readonly threshold: number;
  /** By how much the candidate is worse, in `unit`; undefined while unknown. Infinite ends of the interval are undefined too. */
  readonly effect: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly minimumHarm: number;
  /** 0: only harm is looked for. */
  readonly margin: number;
  /** `ratio` of requests or pairs; `relative`, to the primary's; `score`, in the model's own; `rank`. */
  readonly unit: "ratio" | "relative" | "score" | "rank";
  readonly events: number;
  /** As how many independent ones they were judged. */
  readonly effective: number;
}

/** What the judge finds of a rollout: told each second as a level, and at once when harm is called. */
export interface TrialReading {
  readonly rollout: string;
  /** Never `inconclusive`: that is for whoever knows the time box. */
  readonly verdict: Exclude<RolloutVerdict, "inconclusive">;
  readonly harmed: readonly string[];
  readonly comparisons: readonly ComparisonShown[];
  /** Inferences dealt to each side since the rollout began, pairs among copies, and actuals that were joined to either. */
  readonly requests: { readonly candidate: number; readonly primary: number };
  readonly pairs: number;
  readonly actuals: number;
  /** What was not judged: actuals that contradict an earlier one of the same inference, and metrics that could not be evaluated. */
  readonly passedOver?: { readonly contradicted: number; readonly unevaluated: number } | undefined;
  /** A sentence for a person: what speaks for or against it most. */
  readonly message: string;
  readonly atWallMs: number;
}
