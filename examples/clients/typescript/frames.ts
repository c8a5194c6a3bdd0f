/**
 * What Pilotfish says in its protocol `pilotfish.v1+json`, as far as a subscriber reads it (docs/SIGNALS.md). These types
 * stand alone, so that this folder can be copied; a test holds them to the publisher's schemas.
 */

/** A model at an endpoint; its version may change. */
export interface Target {
  readonly model: string;
  readonly version?: string | undefined;
  readonly endpoint: string;
}

export interface Cause {
  readonly detector: string;
  readonly code: string;
  /** A sentence for a person. */
  readonly evidence: string;
}

/** How the primary is and who answers now. Holds for `leaseMs` from its arrival, and from each heartbeat after it. */
export interface State {
  readonly target: Target;
  readonly status: "unknown" | "healthy" | "suspect" | "degraded" | "failed" | "probation" | "draining" | "isolated";
  readonly rung: string;
  readonly reason: string;
  readonly cause: Cause;
  readonly since: string;
  readonly rev: number;
  readonly leaseMs: number;
}

/** In force until it is taken back by a `restore` that names it, or replaced by another of the same action. */
export const heldActions = ["route", "eject", "split", "hold", "drain"] as const;
export type HeldAction = (typeof heldActions)[number];

interface Directed {
  readonly target: Target;
  /** Grows; one number for all directives of a publisher's run. */
  readonly rev: number;
  readonly why: string;
  readonly at: string;
}

/**
 * What a subscriber should do. route: let this rung answer; eject: send the target nothing; split: share requests out by weight;
 * hold: let what answers go on; drain: take no new work and finish what runs; restore: those actions are taken back.
 */
export type Directive =
  | (Directed & { readonly action: "route" | "hold"; readonly rung: string })
  | (Directed & { readonly action: "eject" | "drain" })
  | (Directed & { readonly action: "split"; readonly weights: Readonly<Record<string, number>> })
  | (Directed & { readonly action: "restore"; readonly of: readonly HeldAction[] });

export interface Drift {
  readonly target: Target;
  readonly status: "firing" | "resolved";
  readonly stream: string;
  readonly detector: string;
  /** Largest share first. */
  readonly culprits: readonly { readonly name: string; readonly share: number }[];
  readonly statistic: number | null;
  readonly threshold: number | null;
  readonly message: string;
  readonly at: string;
}

/** What is known of an experiment: a version of a model against the one before. */
export interface Judge {
  readonly target: Target;
  readonly experiment: string;
  readonly verdict: "harm" | "not-worse" | "continue" | "inconclusive";
  readonly eValue: number | null;
  readonly n: number;
  readonly effect: { readonly metric: string; readonly estimate: number | null; readonly low: number | null; readonly high: number | null };
  readonly final: boolean;
  readonly message: string;
  readonly at: string;
}

/** Where a rollout stands: a candidate that gets a share of the traffic, or copies of it. */
export interface Rollout {
  readonly target: Target;
  readonly rollout: string;
  /** For people. */
  readonly candidate: string;
  /** `promoted` and `aborted` are its last word. */
  readonly phase: "trying" | "asking" | "promoted" | "aborted";
  readonly reason: string;
  /** Counted from 1; 0 while only copies are tried. */
  readonly step: number;
  readonly steps: number;
  /** The candidate's share of the traffic, 0 to 1. */
  readonly weight: number;
  readonly message: string;
  readonly at: string;
}

/** What serves, as far as it is known. */
export interface Served {
  readonly version?: string | undefined;
  readonly digest?: string | undefined;
  /** Digest of the reference that it is held against. */
  readonly reference?: string | undefined;
}

/** Another version serves. It is told once: the next snapshot does not have it. */
export interface VersionChange {
  readonly target: Target;
  readonly from?: Served | undefined;
  readonly to: Served;
  readonly message: string;
  readonly at: string;
}

interface Envelope {
  readonly epoch: string;
  readonly seq?: number | undefined;
}

export type Frame = Envelope &
  (
    | { readonly kind: "welcome"; readonly body: { readonly heartbeatMs: number; readonly leaseMs: number; readonly authExpiresInMs?: number } }
    | { readonly kind: "reset"; readonly body: { readonly reason: string } }
    | { readonly kind: "snapshot.begin" | "snapshot.end" | "bookmark"; readonly body: object }
    | { readonly kind: "state"; readonly body: State }
    | { readonly kind: "directive"; readonly body: Directive }
    | { readonly kind: "drift"; readonly body: Drift }
    | { readonly kind: "judge"; readonly body: Judge }
    | { readonly kind: "rollout"; readonly body: Rollout }
    | { readonly kind: "version"; readonly body: VersionChange }
    | { readonly kind: "transition"; readonly body: { readonly target: Target } }
    | { readonly kind: "heartbeat"; readonly body: { readonly lastSeq: number; readonly sentAt?: number; readonly echo?: number } }
    | { readonly kind: "auth.refreshed"; readonly body: { readonly authExpiresInMs?: number } }
    | { readonly kind: "error"; readonly body: { readonly code: string; readonly detail: string } }
    | { readonly kind: "goodbye"; readonly body: { readonly reason: string; readonly reconnectAfterMs: number } }
  );

/** A frame's text; undefined where it is none. Kinds that are not known come through, to be ignored. */
export function parseFrame(text: string): Frame | undefined {
  try {
    const frame = JSON.parse(text) as Partial<Frame> | null;
    const isFrame = typeof frame?.kind === "string" && typeof frame.epoch === "string" && typeof frame.body === "object" && frame.body !== null;
    return isFrame ? (frame as Frame) : undefined;
  } catch {
    return undefined;
  }
}
