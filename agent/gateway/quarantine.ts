/**
 * Requests that kill: what was in flight when the model server crashed is suspect, and is not handed on to every replica in
 * turn, which is how one bad input takes down a fleet (CUDA errors that stick are often one input's: triton#3627, #7164).
 *
 * A suspect is tried alone: one at a time, at one server, without a second attempt; rungs that live in the sidecar may answer
 * it meanwhile. If it is answered, it was innocent. If the server crashes with it in flight once more, it is guilty and
 * refused with 422 for a while, after which it may try again.
 *
 * What a crash is: all connections with requests in flight break within a moment, two at least; or one breaks, and then no
 * connection can be made, or a probe finds the process gone or stalled; or one input's connection breaks twice in a row,
 * which is how a server with several worker processes shows that one of them died. A single broken connection proves
 * nothing, since servers close idle ones at any time; an answer to anybody proves that the process lives.
 *
 * A request is known by a fingerprint of 64 bits. They are for telling requests apart, not for keeping enemies out: who
 * makes another request with the same fingerprint must be able to crash the server to do harm with it. Nothing is hashed
 * while there is no suspect, but what breaks (`isEmpty`). Pure: time is an argument, the same object comes back when
 * nothing has changed, and everything is bounded; what is let go is counted.
 */
import type { QuarantineOptions } from "./quarantine-options.ts";

export interface QuarantinePolicy {
  readonly crashesMax: number;
  readonly ttlMs: number;
  readonly suspectsMax: number;
  /** Connections that broke within so long broke together. */
  readonly togetherMs: number;
  /** A broken connection counts for a crash that is found out within so long. */
  readonly confirmMs: number;
  /** A trial that has not come back after this long is given to another suspect. */
  readonly trialMs: number;
}

export function quarantinePolicy({ crashes, ttl, suspects }: QuarantineOptions): QuarantinePolicy {
  return { crashesMax: crashes, ttlMs: ttl, suspectsMax: suspects, togetherMs: 250, confirmMs: 2_000, trialMs: 30_000 };
}

/** 16 hexadecimal digits. */
export type Fingerprint = string;

export interface Suspect {
  /** Crashes with it in flight. */
  readonly crashes: number;
  /** When it is forgotten. */
  readonly untilMs: number;
}

interface Trial {
  readonly fingerprint: Fingerprint;
  readonly atMs: number;
}

interface Broken {
  readonly fingerprint: Fingerprint | undefined;
  readonly atMs: number;
  /** The server has answered somebody since: it was no crash of the whole server, though a worker of it may have died. */
  readonly survived: boolean;
}

export interface Quarantine {
  /** Oldest first. */
  readonly suspects: ReadonlyMap<Fingerprint, Suspect>;
  /** The suspect that is being tried. */
  readonly trial: Trial | undefined;
  /** Connections that broke lately, of which it is not known yet whether it was a crash. Oldest first. */
  readonly broken: readonly Broken[];
  /** Suspects forgotten because there were too many. */
  readonly letGo: number;
}

export const emptyQuarantine: Quarantine = { suspects: new Map(), trial: undefined, broken: [], letGo: 0 };

export type QuarantineEvent =
  /**
   * A request's connection broke before its answer was whole. `inFlight`: how many others wait at the same server. Without a
   * fingerprint it is a sign of a crash, but not to be blamed for it.
   */
  | { readonly type: "broken"; readonly fingerprint: Fingerprint | undefined; readonly inFlight: number }
  /** No connection could be made, or a probe found the process gone or stalled. With what still waits at it. */
  | { readonly type: "gone"; readonly inFlight: readonly Fingerprint[] }
  /** An answer came, good or bad: the process lives. */
  | { readonly type: "answered"; readonly fingerprint?: Fingerprint }
  /** A suspect is sent to the server. */
  | { readonly type: "tried"; readonly fingerprint: Fingerprint }
  /** It came to an end that says nothing: its client went away, or it was refused for load. */
  | { readonly type: "untried"; readonly fingerprint: Fingerprint }
  | { readonly type: "tick" };

/** What to do with a request. */
export type Standing =
  | { readonly is: "clear" }
  /** `mayTry`: send it to one server, once, and tell `tried`; else only to rungs in the sidecar, or ask for patience. */
  | { readonly is: "suspect"; readonly mayTry: boolean }
  /** 422, until `leftMs` are over. */
  | { readonly is: "guilty"; readonly crashes: number; readonly leftMs: number };

const clear: Standing = { is: "clear" };

/** Then no request needs a fingerprint but one whose connection breaks. */
export function isEmpty({ suspects }: Quarantine): boolean {
  return suspects.size === 0;
}

export function standingOf({ suspects, trial }: Quarantine, fingerprint: Fingerprint, nowMs: number, policy: QuarantinePolicy): Standing {
  const suspect = suspects.get(fingerprint);
  if (suspect === undefined || nowMs >= suspect.untilMs) return clear;
  const { crashes, untilMs } = suspect;
  if (crashes >= policy.crashesMax) return { is: "guilty", crashes, leftMs: untilMs - nowMs };
  return { is: "suspect", mayTry: trial === undefined || nowMs - trial.atMs >= policy.trialMs };
}

export function reduceQuarantine(state: Quarantine, event: QuarantineEvent, nowMs: number, policy: QuarantinePolicy): Quarantine {
  switch (event.type) {
    case "broken":
      return hearBroken(state, event, nowMs, policy);
    case "gone": {
      const fresh = state.broken.filter(({ atMs, survived }) => !survived && nowMs - atMs < policy.confirmMs).map(({ fingerprint }) => fingerprint);
      return crashed(state, [...fresh, ...event.inFlight], nowMs, policy);
    }
    case "answered":
      return hearAnswer(state, event.fingerprint);
    case "tried":
      return state.suspects.has(event.fingerprint) ? { ...state, trial: { fingerprint: event.fingerprint, atMs: nowMs } } : state;
    case "untried":
      return state.trial?.fingerprint === event.fingerprint ? { ...state, trial: undefined } : state;
    case "tick":
      return withoutExpired(state, nowMs, policy);
  }
}

function hearBroken(state: Quarantine, { fingerprint, inFlight }: { readonly fingerprint: Fingerprint | undefined; readonly inFlight: number }, nowMs: number, policy: QuarantinePolicy): Quarantine {
  // It was tried alone: whose else should it be.
  if (fingerprint !== undefined && state.trial?.fingerprint === fingerprint) return crashed(state, [fingerprint], nowMs, policy);
  const before = state.broken.filter(({ atMs }) => nowMs - atMs < policy.confirmMs);
  const broken = [...before, { fingerprint, atMs: nowMs, survived: false }].slice(-policy.suspectsMax);
  const together = broken.filter(({ atMs, survived }) => !survived && nowMs - atMs < policy.togetherMs);
  if (inFlight === 0 && together.length >= 2) return crashed(state, together.map((one) => one.fingerprint), nowMs, policy);
  if (fingerprint !== undefined && before.some((one) => one.fingerprint === fingerprint)) return crashed({ ...state, broken: before }, [fingerprint], nowMs, policy);
  return { ...state, broken };
}

function hearAnswer(state: Quarantine, fingerprint: Fingerprint | undefined): Quarantine {
  const acquitted = fingerprint !== undefined && state.suspects.has(fingerprint);
  if (!acquitted && state.broken.every(({ survived }) => survived)) return state;
  const suspects = new Map(state.suspects);
  if (acquitted) suspects.delete(fingerprint);
  const broken = state.broken.map((one) => ({ ...one, survived: true }));
  return { ...state, suspects, broken, trial: acquitted && state.trial?.fingerprint === fingerprint ? undefined : state.trial };
}

/**
 * One crash for each of these. A suspect is sent again only to be tried, so that what is heard of a crash twice, from a probe
 * and from the connections that break, counts once.
 */
function crashed(state: Quarantine, fingerprints: readonly (Fingerprint | undefined)[], nowMs: number, policy: QuarantinePolicy): Quarantine {
  const tried = state.trial?.fingerprint;
  const blamed = new Set(fingerprints.filter((fingerprint) => fingerprint !== undefined).filter((fingerprint) => fingerprint === tried || !state.suspects.has(fingerprint)));
  if (blamed.size === 0) return state.broken.length === 0 ? state : { ...state, broken: [] };
  const suspects = new Map(state.suspects);
  for (const fingerprint of blamed) {
    const crashes = (suspects.get(fingerprint)?.crashes ?? 0) + 1;
    suspects.delete(fingerprint);
    suspects.set(fingerprint, { crashes, untilMs: nowMs + policy.ttlMs });
  }
  const tooMany = Math.max(0, suspects.size - policy.suspectsMax);
  for (const oldest of [...suspects.keys()].slice(0, tooMany)) suspects.delete(oldest);
  return { suspects, trial: tried !== undefined && blamed.has(tried) ? undefined : state.trial, broken: [], letGo: state.letGo + tooMany };
}

function withoutExpired(state: Quarantine, nowMs: number, policy: QuarantinePolicy): Quarantine {
  const suspects = [...state.suspects].filter(([, { untilMs }]) => nowMs < untilMs);
  const broken = state.broken.filter(({ atMs }) => nowMs - atMs < policy.confirmMs);
  const lapsed = state.trial !== undefined && nowMs - state.trial.atMs >= policy.trialMs;
  if (suspects.length === state.suspects.size && broken.length === state.broken.length && !lapsed) return state;
  return { ...state, suspects: new Map(suspects), broken, trial: lapsed ? undefined : state.trial };
}

/** Why a request is refused, for people. */
export function refusalOf({ crashes, leftMs }: { readonly crashes: number; readonly leftMs: number }): string {
  return `the model server crashed ${crashes} times with this request in flight; it is refused for ${Math.ceil(leftMs / 1_000)} s more`;
}
