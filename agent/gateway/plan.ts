/**
 * Whom to ask next for one request: the one place that decides, apart from whoever moves bytes. Pure.
 *
 * The primary comes first while the route lets it, once more after a failure that a second try may mend, then the rungs in
 * their order, and at last the primary all the same, since an answer from a backend that is known to be failing is never
 * worse than none; only a person who drains it, or the request itself, keeps it from being asked at all.
 *
 * A person may pin a backend. It is asked before all others, and what it fails to answer goes the usual way behind it: a pinned
 * primary is tried though its circuit is open, a pinned rung before the rungs above it, and after the whole ladder the primary.
 *
 * Load is not retried: 429, or 503 with Retry-After, asks for less traffic, so the rungs are asked and the primary is not.
 * A time-out or a stall is not retried either: a second wait would eat the rungs' time.
 *
 * A request that may have crashed the server is left to rungs inside the sidecar (quarantine.ts). Where none of them answers one
 * that has just been in flight at a crash, and is most likely innocent, one other server is asked, once; one that was suspect when
 * it came is given to the primary alone.
 *
 * An inference that was dealt to a candidate on trial asks it before all others, once. Whatever comes of that but an answer, the
 * request goes on as if the candidate were not there, so that no client fails because of it. Beside a slow first attempt a rung may be asked, and the first good answer wins (hedging.ts).
 */
import { isFailure } from "../backend.ts";
import type { Outcome, Reason, Route } from "../backend.ts";

/** What there is to know of a rung before it is asked. */
export interface RungTraits {
  /** It asks no server. */
  readonly inside: boolean;
  /** It may be asked beside a slow primary. */
  readonly hedges: boolean;
  /** It is other servers, of which it asks one alone where it must. */
  readonly servers: boolean;
}

/** A request that may have crashed the server: it was `known` for it when it came, or is `fresh` from a crash. */
export type Suspect = "known" | "fresh";

export interface Situation {
  /** How the request entered: the route when it came, with the trial claimed or not. */
  readonly entry: "flows" | "trial" | "ladder";
  readonly routeReason: Reason;
  /** Inferences go down the ladder; other requests have no rungs and are retried only where that is safe. */
  readonly kind: "inference" | "safe" | "other";
  /** The request's bytes can be sent once more. */
  readonly replayable: boolean;
  /** How the attempts at the primary ended, in their order. */
  readonly tried: readonly Outcome[];
  /** The budget, or the limit, refused a second attempt. */
  readonly retryRefused: boolean;
  /** Why this request may not go to the primary, whatever the route says. */
  readonly barred: Extract<Reason, "contract" | "quarantine" | "overloaded"> | undefined;
  /** Undefined where nothing is held against it. */
  readonly suspect: Suspect | undefined;
  /** The primary has answered, and was not sure enough. */
  readonly unsure: boolean;
  readonly rungs: readonly RungTraits[];
  /** The one that a person has pinned, an index; undefined where none is. */
  readonly pinned?: number | undefined;
  /** Which of them were asked. */
  readonly asked: readonly number[];
  /** `dealt` to a candidate and not asked yet, or how asking it ended; undefined where the candidate has no part in it. */
  readonly candidate?: "dealt" | Outcome | undefined;
  /** Of the primary's share of the deadline, and of the whole. */
  readonly primaryLeftMs: number;
  readonly leftMs: number;
}

export type Step =
  | { readonly ask: "primary"; readonly reason: Reason; readonly trial: boolean; readonly retry: boolean; readonly lastResort: boolean }
  | { readonly ask: "rung"; readonly index: number; readonly reason: Reason }
  | { readonly ask: "candidate"; readonly reason: "canary" }
  /** Nobody is left: give the primary's own last answer if there is one, else say so. */
  | { readonly ask: "nobody" };

const mendable: ReadonlySet<Outcome> = new Set(["refused", "reset", "error"]);
const mendableSafe: ReadonlySet<Outcome> = new Set(["refused", "reset"]);

export function entryOf(route: Route, claimTrial: () => boolean): Situation["entry"] {
  if (route.primary === "flows") return "flows";
  return route.primary === "trial" && claimTrial() ? "trial" : "ladder";
}

export function next(situation: Situation): Step {
  const { entry, routeReason, pinned, tried, barred, candidate, leftMs } = situation;
  const first = { ask: "primary", trial: false, retry: false, lastResort: false } as const;
  if (candidate === "dealt" && mayAskCandidate(situation)) return { ask: "candidate", reason: "canary" };
  const isNew = tried.length === 0 && barred === undefined;
  if (isNew && entry === "flows") return { ...first, reason: routeReason === "override" ? "override" : afterCandidate(situation) };
  if (isNew && entry === "trial") return { ...first, reason: "trial", trial: true };
  if (mayRetry(situation)) return { ...first, reason: "retried", retry: true };
  const index = nextRung(situation);
  if (index >= 0 && leftMs > 0) return { ask: "rung", index, reason: whyNotPrimary(situation) };
  if (isNew && (routeReason !== "override" || pinned !== undefined) && leftMs > 0) return { ...first, reason: routeReason, lastResort: true };
  return { ask: "nobody" };
}

/**
 * The rung to ask beside the primary, which is slow to answer the first attempt; undefined where none may be. A trial is not
 * hedged, since its end is what it is for, nor is a suspect.
 */
export function hedgeRung({ entry, kind, replayable, tried, barred, suspect, rungs, asked, leftMs }: Situation, usable: (index: number) => boolean): number | undefined {
  const may = entry === "flows" && kind === "inference" && replayable && tried.length === 0 && barred === undefined && suspect === undefined && asked.length === 0 && leftMs > 0;
  const index = may ? rungs.findIndex(({ hedges }, at) => hedges && usable(at)) : -1;
  return index < 0 ? undefined : index;
}

/** It is asked with nothing else tried, so that whoever is dealt to it begins there or not at all. */
function mayAskCandidate({ kind, replayable, tried, asked, barred, suspect, leftMs }: Situation): boolean {
  return kind === "inference" && replayable && tried.length === 0 && asked.length === 0 && barred === undefined && suspect === undefined && leftMs > 0;
}

/** Why the primary is asked behind the candidate: what became of that one. */
function afterCandidate({ candidate, unsure }: Situation): Reason {
  if (candidate === undefined || candidate === "dealt") return "normal";
  return unsure ? "confidence" : reasonOf(candidate);
}

/**
 * Is what became of the first attempt a failure of the side that an inference was dealt to? Load counts: a side that can not take
 * its share is worse. What the candidate rejects or can not read is its failure only where the primary then answered well.
 *
 * @param behind how the primary ended that was asked after the candidate; undefined where none was, or for the primary's own side.
 */
export function failedOn(outcome: Outcome, behind: Outcome | undefined): boolean {
  if (outcome === "rejected" || outcome === "unsupported") return behind === "ok";
  return outcome === "overloaded" || isFailure(outcome);
}

function mayRetry({ entry, kind, replayable, tried, retryRefused, suspect, primaryLeftMs }: Situation): boolean {
  if (entry !== "flows" || tried.length !== 1 || !replayable || retryRefused || suspect !== undefined || primaryLeftMs <= 0) return false;
  const [outcome] = tried as readonly [Outcome];
  return (kind === "inference" && mendable.has(outcome)) || (kind === "safe" && mendableSafe.has(outcome));
}

/** -1 where none is left. */
function nextRung({ rungs, pinned, asked, suspect }: Situation): number {
  const mayAsk = ({ inside }: RungTraits, at: number): boolean => !asked.includes(at) && (inside || suspect === undefined);
  const first = pinned === undefined ? undefined : rungs[pinned];
  if (first !== undefined && mayAsk(first, pinned as number)) return pinned as number;
  const index = rungs.findIndex(mayAsk);
  const mayAskServer = index < 0 && suspect === "fresh" && asked.every((at) => rungs[at]?.inside === true);
  return mayAskServer ? rungs.findIndex(({ inside, servers }) => servers && !inside) : index;
}

/** What the primary did last, or why it was not asked. */
function whyNotPrimary({ routeReason, tried, barred, unsure }: Situation): Reason {
  if (unsure) return "confidence";
  const last = tried.at(-1);
  return last === undefined ? (barred ?? routeReason) : reasonOf(last);
}

/** The reason that an attempt's outcome gives for going elsewhere. */
export function reasonOf(outcome: Outcome): Reason {
  switch (outcome) {
    case "error":
    case "refused":
    case "reset":
    case "timeout":
    case "stalled":
    case "invalid":
    case "overloaded":
      return outcome;
    case "ok":
    case "rejected":
    case "unsupported":
    case "cancelled":
    case "too-large":
      return "normal";
  }
}

/** What an answer's head says of the attempt. Load is told apart from death. */
export function outcomeOf(status: number, retryAfter: boolean): Outcome {
  if (status < 400) return "ok";
  if (status === 429 || (status === 503 && retryAfter)) return "overloaded";
  return status >= 500 ? "error" : "rejected";
}
