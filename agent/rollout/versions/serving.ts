/**
 * What serves, pure: the version that answers name, the digest of its artefact where the server tells one, and the digest of the
 * reference that it is held against. A change of any of the three is one change.
 *
 * Replicas behind one URL may answer with versions 1 and 2 by turns, for minutes while they are replaced, or for ever. So another
 * version counts when it was told `answersMin` times in a row over `settleMs` at least, or by the server's own description (where
 * that names a single version) `describesMin` times in a row over the same time; an answer of the version that serves begins that
 * anew. Of a lasting mixture the majority comes out that way, and stays: each change back to what served within the last hour
 * doubles what is asked for (as route flap damping does, RFC 2439), so there are a few changes an hour at most and not thousands.
 *
 * The same version under another digest is a replaced artefact. Where the server has several versions its description does not say
 * which one it is of, so that counts only once an answer of the version that serves came after it; otherwise the digest belongs
 * to a version that is about to be seen. What was not known and becomes known (a digest told for the first time) is no change.
 *
 * Times: monotonic milliseconds decide, wall times are carried along. Bounded: one rival, eight sightings.
 */
import type { ServedVersion } from "../../../exporters/signal.ts";

export interface Serving extends ServedVersion {
  /** When it was first seen, a little before it counted. */
  readonly seenWallMs: number;
  /** When it counted as what serves. */
  readonly sinceWallMs: number;
}

/** What is told instead of what serves, again and again. */
interface Rival {
  readonly version: string | undefined;
  readonly answers: number;
  readonly describes: number;
  readonly sinceMs: number;
}

interface Sighting {
  readonly firstWallMs: number;
  readonly lastMs: number;
}

export interface ServingState {
  readonly current: Serving | undefined;
  readonly rival: Rival | undefined;
  /** The digest as it was described last, how often in a row, and whether the version that serves has answered since. */
  readonly digest: { readonly value: string | undefined; readonly times: number; readonly sinceMs: number; readonly answered: boolean; readonly single: boolean } | undefined;
  /** Other versions than the one that serves, by when they were seen. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  /** Changes back to what had served, in a row. */
  readonly returns: number;
  readonly changedAtMs: number;
  /** What served within the last changes, for telling a return. */
  readonly lately: readonly string[];
}

export type ServingEvent =
  | { readonly type: "answered"; readonly version: string }
  /** All that the server has; none where it does not say. */
  | { readonly type: "described"; readonly versions: readonly string[]; readonly digest: string | undefined }
  /** undefined: one that is learnt from traffic, or none. */
  | { readonly type: "reference"; readonly digest: string | undefined };

export const servingPolicy = { answersMin: 20, describesMin: 2, settleMs: 5_000, returnMs: 3_600_000, returnsMax: 10, unseenMs: 600_000 } as const;
const sightingsMax = 8;
const latelyMax = 8;

export function noneServes(nowMs: number): ServingState {
  return { current: undefined, rival: undefined, digest: undefined, sightings: new Map(), returns: 0, changedAtMs: nowMs, lately: [] };
}

/** The same object comes back where nothing has changed. A change is seen by another `current` with another version, digest or reference. */
export function reduce(state: ServingState, event: ServingEvent, nowMs: number, wallMs: number): ServingState {
  switch (event.type) {
    case "answered":
      return answered(state, event.version, nowMs, wallMs);
    case "described":
      return described(state, event, nowMs, wallMs);
    case "reference":
      return heldAgainst(state, event.digest, wallMs);
  }
}

/** Is one known only where the other is not? Then it is more of the same. */
export function isSame(a: ServedVersion, b: ServedVersion): boolean {
  return a.version === b.version && a.digest === b.digest && a.reference === b.reference;
}

/** Did something change that was known before? */
export function isChange(from: ServedVersion | undefined, to: ServedVersion): boolean {
  const other = (key: "version" | "digest" | "reference") => from?.[key] !== undefined && from[key] !== to[key];
  return other("version") || other("digest") || other("reference");
}

/** A person's doing, which counts at once. */
function heldAgainst(state: ServingState, reference: string | undefined, wallMs: number): ServingState {
  const { current } = state;
  if (current === undefined) return { ...state, current: { version: undefined, digest: undefined, reference, seenWallMs: wallMs, sinceWallMs: wallMs } };
  if (current.reference === reference) return state;
  return { ...state, current: current.reference === undefined ? { ...current, reference } : { ...current, reference, sinceWallMs: wallMs } };
}

function answered(state: ServingState, version: string, nowMs: number, wallMs: number): ServingState {
  const { current } = state;
  if (current?.version === undefined) return become(state, { version, digest: state.digest?.value }, nowMs, wallMs);
  if (version === current.version) {
    const digest = state.digest === undefined || state.digest.answered ? state.digest : { ...state.digest, answered: true };
    return state.rival === undefined && digest === state.digest ? state : settleDigest({ ...state, rival: undefined, digest }, nowMs, wallMs);
  }
  const before = state.rival?.version === version ? state.rival : { version, answers: 0, describes: 0, sinceMs: nowMs };
  return settle(seen({ ...state, rival: { ...before, answers: before.answers + 1 } }, version, nowMs, wallMs), nowMs, wallMs);
}

function described(state: ServingState, { versions, digest: value }: Extract<ServingEvent, { type: "described" }>, nowMs: number, wallMs: number): ServingState {
  const [only] = versions.length === 1 ? versions : [];
  const isAgain = state.digest !== undefined && state.digest.value === value;
  const digest = isAgain && state.digest !== undefined
    ? { ...state.digest, times: state.digest.times + 1, single: only !== undefined }
    : { value, times: 1, sinceMs: nowMs, answered: false, single: only !== undefined };
  const next = { ...state, digest };
  const { current } = state;
  if (only !== undefined && current?.version === undefined) return become(next, { version: only, digest: value }, nowMs, wallMs);
  if (only !== undefined && only !== current?.version) {
    const before = state.rival?.version === only ? state.rival : { version: only, answers: 0, describes: 0, sinceMs: nowMs };
    return settle(seen({ ...next, rival: { ...before, describes: before.describes + 1 } }, only, nowMs, wallMs), nowMs, wallMs);
  }
  // It names the version that serves: a rival that was only described is none any more.
  const rival = only !== undefined && state.rival !== undefined && state.rival.answers === 0 ? undefined : state.rival;
  return settleDigest({ ...next, rival }, nowMs, wallMs);
}

function seen(state: ServingState, version: string, nowMs: number, wallMs: number): ServingState {
  const known = state.sightings.get(version);
  const isFresh = known === undefined || nowMs - known.lastMs > servingPolicy.unseenMs;
  const sightings = new Map([...state.sightings].filter(([, { lastMs }]) => nowMs - lastMs <= servingPolicy.unseenMs));
  sightings.delete(version);
  while (sightings.size >= sightingsMax) sightings.delete([...sightings.keys()][0] as string);
  sightings.set(version, { firstWallMs: isFresh ? wallMs : known.firstWallMs, lastMs: nowMs });
  return { ...state, sightings };
}

function settle(state: ServingState, nowMs: number, wallMs: number): ServingState {
  const { rival } = state;
  if (rival === undefined) return state;
  const { answersMin, describesMin } = asked(state, nowMs);
  if (nowMs - rival.sinceMs < servingPolicy.settleMs || (rival.answers < answersMin && rival.describes < describesMin)) return state;
  // Described before it was first seen, a digest is of what served until now.
  const digest = state.digest !== undefined && (state.digest.sinceMs >= rival.sinceMs || state.digest.value !== state.current?.digest) ? state.digest.value : undefined;
  return become(state, { version: rival.version, digest }, nowMs, wallMs, rival.version === undefined ? undefined : state.sightings.get(rival.version)?.firstWallMs);
}

/** Another digest of the version that serves. */
function settleDigest(state: ServingState, nowMs: number, wallMs: number): ServingState {
  const { current, digest, rival } = state;
  if (current === undefined || digest?.value === undefined || digest.value === current.digest || rival !== undefined) return state;
  if (current.digest === undefined) return become(state, { digest: digest.value }, nowMs, wallMs);
  // While another version answers now and then, nobody knows of which it is.
  if ([...state.sightings.values()].some(({ lastMs }) => nowMs - lastMs <= servingPolicy.unseenMs)) return state;
  const isSettled = digest.times >= asked(state, nowMs).describesMin && nowMs - digest.sinceMs >= servingPolicy.settleMs && (digest.single || digest.answered);
  return isSettled ? become(state, { digest: digest.value }, nowMs, wallMs, wallMs - (nowMs - digest.sinceMs)) : state;
}

function asked({ returns, changedAtMs }: ServingState, nowMs: number): { readonly answersMin: number; readonly describesMin: number } {
  const factor = nowMs - changedAtMs >= servingPolicy.returnMs ? 1 : 2 ** returns;
  return { answersMin: servingPolicy.answersMin * factor, describesMin: servingPolicy.describesMin * factor };
}

function become(state: ServingState, to: Partial<ServedVersion>, nowMs: number, wallMs: number, seenWallMs: number = wallMs): ServingState {
  const { current } = state;
  const next: ServedVersion = { version: current?.version, digest: current?.digest, reference: current?.reference, ...to };
  if (current !== undefined && !isChange(current, next)) return { ...state, rival: undefined, current: { ...current, ...next } };
  const key = keyOf(next);
  const isQuick = nowMs - state.changedAtMs < servingPolicy.returnMs;
  const isReturn = isQuick && state.lately.includes(key);
  return {
    current: { ...next, seenWallMs, sinceWallMs: wallMs },
    rival: undefined,
    digest: state.digest,
    sightings: new Map(),
    returns: isReturn ? Math.min(servingPolicy.returnsMax, state.returns + 1) : isQuick ? state.returns : 0,
    changedAtMs: nowMs,
    lately: [...(current === undefined ? [] : [keyOf(current)]), ...(isQuick ? state.lately : [])].slice(0, latelyMax),
  };
}

function keyOf({ version, digest }: ServedVersion): string {
  return `${version} ${digest}`;
}
