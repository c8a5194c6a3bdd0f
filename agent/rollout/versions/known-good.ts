/**
 * Last known good, pure: the version and the reference that last held their objectives for a dwell.
 *
 * What counts as held:
 * - The primary answers: it is not failed, isolated or on probation. A moment's suspicion neither counts nor spoils.
 * - None of these streams fires: `features`, `mistakes`, `error-rate` (the pages), `calibration`, `estimated-performance`,
 *   `failures`, `latency`. The first also where only the inputs moved: then the reference does not describe the traffic, and what
 *   it judges proves little. Not `violations`: one client that sends nonsense would keep every version from becoming good.
 * - There is traffic. Time counts only within a minute of an answer of the version, and so many answers must have been given: an
 *   idle night proves nothing.
 *
 * A spoilt objective begins the dwell anew; what was known to be good stays so. Time is counted as it passes and no moment is
 * kept, so a saved state may be gone on with, and the time between two processes does not count.
 */
import type { ServedVersion, Status } from "../../../exporters/signal.ts";
import { isSame } from "./serving.ts";

export interface KnownGood extends ServedVersion {
  /** When it began to serve, and until when it was seen to hold. */
  readonly sinceWallMs: number;
  readonly heldUntilWallMs: number;
}

export interface KnownGoodState {
  /** What is on its way: undefined before anything serves. */
  readonly held: ServedVersion | undefined;
  readonly heldMs: number;
  readonly answers: number;
  /** Since when without a spoilt objective; undefined while there is one, or no answer yet. */
  readonly goodSinceWallMs: number | undefined;
  /** How long ago the last answer came. */
  readonly idleMs: number;
  readonly good: KnownGood | undefined;
}

export interface KnownGoodPolicy {
  readonly dwellMs: number;
  readonly answersMin: number;
}

/** What was so in the time since the last event. */
export interface HeldEvent {
  readonly serving: (ServedVersion & { readonly sinceWallMs: number }) | undefined;
  readonly passedMs: number;
  /** Answers that the primary gave well. */
  readonly answers: number;
  readonly status: Status;
  /** Streams that fire. */
  readonly firing: readonly string[];
}

const objectives: readonly string[] = ["features", "mistakes", "error-rate", "calibration", "estimated-performance", "failures", "latency"];
const broken: readonly Status[] = ["failed", "isolated", "probation"];
const still: readonly Status[] = ["unknown", "suspect", "draining"];
/** Longer without an answer is idle. */
const idleMaxMs = 60_000;

export const nothingHeld: KnownGoodState = { held: undefined, heldMs: 0, answers: 0, goodSinceWallMs: undefined, idleMs: 0, good: undefined };

/** The same object comes back where nothing has changed. */
export function hold(state: KnownGoodState, { serving, passedMs, answers, status, firing }: HeldEvent, wallMs: number, { dwellMs, answersMin }: KnownGoodPolicy): KnownGoodState {
  if (serving === undefined || serving.version === undefined) return state;
  const { version, digest, reference } = serving;
  const isHeld = state.held !== undefined && isMore(state.held, serving);
  const held = isHeld && isSame(state.held as ServedVersion, serving) ? (state.held as ServedVersion) : { version, digest, reference };
  const spoilt = broken.includes(status) || firing.some((stream) => objectives.includes(stream));
  if (!isHeld || spoilt) {
    const isFresh = isHeld && state.held === held && state.heldMs === 0 && state.answers === 0 && state.goodSinceWallMs === undefined;
    return isFresh ? state : { ...nothingHeld, held, good: state.good };
  }
  const idleMs = answers > 0 ? 0 : Math.min(idleMaxMs, state.idleMs + passedMs);
  const counts = idleMs < idleMaxMs && !still.includes(status) && (state.goodSinceWallMs !== undefined || answers > 0);
  const next: KnownGoodState = {
    ...state,
    held,
    idleMs,
    heldMs: Math.min(dwellMs, state.heldMs + (counts ? passedMs : 0)),
    answers: Math.min(answersMin, state.answers + answers),
    goodSinceWallMs: state.goodSinceWallMs ?? (answers > 0 ? wallMs : undefined),
  };
  if (next.heldMs < dwellMs || next.answers < answersMin) return next;
  return counts ? { ...next, good: { version, digest, reference, sinceWallMs: serving.sinceWallMs, heldUntilWallMs: wallMs } } : next;
}

/** The same, or with something known that was not: what was held so far still counts. */
function isMore(before: ServedVersion, now: ServedVersion): boolean {
  return (["version", "digest", "reference"] as const).every((key) => before[key] === undefined || before[key] === now[key]);
}
