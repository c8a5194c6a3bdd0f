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

/** How the primary is and who answers now. Holds for `leaseMs` from its arrival. */
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

/** What a model server should do: take no new work and finish what runs, or take work again. */
export interface Directive {
  readonly target: Target;
  readonly action: "drain" | "restore";
  readonly why: string;
  readonly at: string;
}

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

interface Envelope {
  readonly epoch: string;
  readonly seq?: number | undefined;
}

export type Frame = Envelope &
  (
    | { readonly kind: "welcome"; readonly body: { readonly heartbeatMs: number; readonly leaseMs: number } }
    | { readonly kind: "reset"; readonly body: { readonly reason: string } }
    | { readonly kind: "snapshot.begin" | "snapshot.end"; readonly body: object }
    | { readonly kind: "state"; readonly body: State }
    | { readonly kind: "directive"; readonly body: Directive }
    | { readonly kind: "drift"; readonly body: Drift }
    | { readonly kind: "transition"; readonly body: { readonly target: Target } }
    | { readonly kind: "heartbeat"; readonly body: { readonly lastSeq: number } }
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
