/**
 * Who can answer an inference, what became of an attempt, and the route that failover decides and the gateway reads.
 *
 * A backend is the primary (the model server beside us) or a rung of the ladder. All words here are closed sets, because
 * they become labels, headers and log fields.
 */

/** What became of one attempt at one backend, or of a whole exchange. */
export const outcomes = [
  "ok", // an answer below 400
  "rejected", // 4xx: the request's fault, says nothing about the backend
  "overloaded", // 429, or 503 with Retry-After: load, not death
  "error", // any other 5xx
  "refused", // no connection could be made
  "reset", // the connection broke before the answer was whole
  "timeout", // no answer within the attempt's share of the deadline
  "stalled", // called back while waiting, because the backend makes no progress
  "invalid", // what came back is no answer in the protocol
  "unsupported", // this backend can not answer a request of this form
  "cancelled", // the client went away
  "too-large", // a body over its limit
] as const;
export type Outcome = (typeof outcomes)[number];

/** Why an answer came from the rung that gave it: the header `pilotfish-reason`. */
export const reasons = [
  "normal", // the primary, at the first attempt
  "retried", // the primary, at the second
  "trial", // the primary, on the one request that ends probation
  "canary", // the candidate on trial, to which the inference was dealt
  "hedged", // a rung that was asked beside a slow primary and was first
  "error",
  "refused",
  "reset",
  "timeout",
  "stalled",
  "invalid",
  "overloaded", // the primary, or the candidate before it, was tried for this request and failed so; `overloaded` also where it was not given one more
  "circuit-open", // the primary was not tried: it is known to be failing
  "unready", // the primary was not tried: its probes fail
  "drift", // the primary was not tried: the config says that drift fails over
  "override", // a person decided
  "contract", // the primary was not tried: the request breaks the input contract
  "quarantine", // the primary was not tried: the request may have crashed it before
  "confidence", // the primary answered, and was not sure enough
  "no-rung", // nobody could answer
] as const;
export type Reason = (typeof reasons)[number];

/** Is this outcome evidence against the backend? */
export function isFailure(outcome: Outcome): boolean {
  return outcome === "error" || outcome === "refused" || outcome === "reset" || outcome === "timeout" || outcome === "stalled" || outcome === "invalid";
}

export const primaryName = "primary";

/** What the gateway may do, read from a field for each request. Frozen, replaced whole. */
export interface Route {
  /**
   * `trial`: one request at a time may ask the primary; whoever wants to must claim it. `blocked`: it is asked where nobody
   * else answers; `drained`: not even then. Under a person's override `blocked` means that `rung` is asked before all others.
   */
  readonly primary: "flows" | "trial" | "blocked" | "drained";
  /** Why the primary is not asked; `normal` while it flows. */
  readonly reason: Reason;
  /** The backend that answers now: `primary` or the first eligible rung's name. */
  readonly rung: string;
}

/** A request for a rung to answer: the bytes as the client sent them. */
export interface Question {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  /** The moment, in the clock's monotonic milliseconds, after which nobody waits for the answer any more. */
  readonly deadlineMs?: number | undefined;
  /** A person has pinned this rung, so it is asked although its answers to copies were bad. */
  readonly pinned?: boolean | undefined;
  /** It may have crashed a server: ask one server only, once. */
  readonly alone?: boolean | undefined;
  /** Set on a copy, whose answer nobody waits for and which counts for nothing: the rung that it is to try. */
  readonly shadow?: string | undefined;
}

/** A rung's answer. Anything but `ok` sends the question on to the next rung. */
export type RungAnswer =
  | {
      readonly outcome: "ok";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
      /** Of the model that answered, for `pilotfish-model-version`. */
      readonly version: string | undefined;
      /** The rungs whose answers this one was made of. */
      readonly members?: readonly string[];
    }
  | { readonly outcome: "error" | "timeout" | "unsupported" | "rejected" | "overloaded"; readonly detail: string };

/**
 * One way to answer after the primary. `answer` never rejects. A signal whose reason is a `TimeoutError` says that the rung
 * was too slow; any other reason, that nobody wants the answer any more, which is held against nobody.
 */
export interface Rung {
  readonly name: string;
  readonly kind: string;
  /** It answers within the sidecar and asks no server. */
  readonly inside?: boolean;
  /** It could answer now; undefined where that is not known. */
  readonly usable?: boolean;
  answer(question: Question, signal: AbortSignal): Promise<RungAnswer>;
}
