/**
 * The versions that serve: which one does, which one was good last, and whether a loss began with one. Keeps the state of the
 * three reducers beside it and does what follows from them: a change is announced, a loss that began with a version asks for a
 * rollback. Never waits, never throws at its callers.
 *
 * The monitors go on through a change of version: what is normal is the reference's, and a loss is found the sooner for the rows
 * before. Only another reference begins them anew.
 *
 * A rollback is asked for once for each version, never to one that was itself rolled back from, never of one that a rollout is
 * trying (its judge decides), and not without a version to go back to: the last known good, else the one before. Scores that
 * changed with a version are told, and are its loss only where one is seen beside them, estimated or come true: a better version's scores
 * differ from the reference's as well. The same version under another digest can not be asked back by its name, so that is told too.
 *
 * Bounded: the latest fifty versions, eight changes, a firing judgement for each stream, fifty versions rolled back from.
 */
import type { ServedVersion, Status, Target, VersionSignal } from "../../../exporters/signal.ts";
import type { Clock } from "../../clock.ts";
import type { Judgement } from "../../judgement.ts";
import type { Close } from "../../lifecycle.ts";
import type { KnownVersion, VersionsView } from "../../rollout-view.ts";
import { attribute, losses, type Attribution, type Firing } from "./attribution.ts";
import { hold, nothingHeld, type KnownGoodState } from "./known-good.ts";
import type { VersionsOptions } from "./options.ts";
import { restoreVersions, type KnownChange, type SavedVersions } from "./saved.ts";
import { isChange, isSame, noneServes, reduce, type Serving, type ServingEvent, type ServingState } from "./serving.ts";

export interface RollbackAsked {
  readonly from: ServedVersion;
  /** A version's name. */
  readonly to: string;
  readonly why: string;
}

/** What was found of a loss. */
export interface Found extends Attribution {
  readonly stream: string;
  readonly version: ServedVersion;
  /** What follows; `why` where nothing does. */
  readonly rollback: { readonly to: string } | { readonly to: undefined; readonly why: string };
}

export interface VersionsDeps {
  readonly clock: Clock;
  readonly options: VersionsOptions;
  readonly target: () => Target | undefined;
  readonly status: () => Status;
  readonly announce: (signal: VersionSignal) => void;
  /** A loss was put down to a version, or was not; each once. */
  readonly found: (found: Found) => void;
  readonly rollback: (asked: RollbackAsked) => void;
  /** The version that a rollout tries now. */
  readonly trying: () => string | undefined;
  /** Asks the server what it serves. */
  readonly describe: () => void;
  readonly save: (state: SavedVersions) => void;
  readonly saved: unknown;
}

export interface Versions {
  /** An inference was answered by the primary. Cost: under 1 microsecond. */
  readonly answered: (version: string | undefined) => void;
  readonly described: (versions: readonly string[], digest: string | undefined) => void;
  readonly reference: (digest: string | undefined) => void;
  readonly judge: (judgement: Judgement) => void;
  /** Another server takes the place of the one that was: what it serves is not known. */
  readonly forget: () => void;
  /** What serves, as far as it is known. */
  readonly current: () => Serving | undefined;
  /** The version to go back to: known to be good, or the one before; undefined where nobody knows. */
  readonly before: () => string | undefined;
  readonly view: () => VersionsView;
  readonly start: () => Close;
}

const tickMs = 1_000;
/** While something else than what serves is told, the server is asked this often. */
const lookMs = 5_000;
/** What is held is saved this often. */
const saveMs = 60_000;
const beforeMax = 50;
const changesMax = 8;
const rolledBackMax = 50;
/** A version has served alone for so long before a failure or a slowness is its: the start itself is over. */
const startedMs = 60_000;

export function versions({ clock, options, target, status, announce, found, rollback, trying, describe, save, saved }: VersionsDeps): Versions {
  const kept = restoreVersions(saved);
  let serving: ServingState = { ...noneServes(clock.monotonicMs()), current: kept?.current };
  let held: KnownGoodState = kept?.held ?? nothingHeld;
  let before: readonly KnownVersion[] = kept?.before ?? [];
  let changes: readonly KnownChange[] = kept?.changes ?? [];
  let rolledBack: readonly ServedVersion[] = kept?.rolledBack ?? [];
  const firing = new Map<string, Firing>();
  /** What was told of a stream since it began to fire. */
  const told = new Map<string, ReadonlySet<string>>();
  let answers = 0;
  let tickedMs = clock.monotonicMs();
  let lookedMs = clock.monotonicMs();
  let savedMs = clock.monotonicMs();

  function hear(event: ServingEvent): void {
    const was = serving;
    serving = reduce(was, event, clock.monotonicMs(), clock.wallMs());
    // Whoever tells of another version than before is asked what it is.
    if (serving.rival !== undefined && was.rival === undefined) look();
    const [from, to] = [was.current, serving.current];
    if (to === undefined || (from !== undefined && isSame(from, to))) return;
    if (from !== undefined && isChange(from, to)) changed(from, to);
    else if (from?.version === undefined && to.version !== undefined) tell(undefined, to);
    keep();
  }

  function changed(from: Serving, to: Serving): void {
    before = [...before, shown(from)].slice(-beforeMax);
    const isModel = from.version !== to.version || from.digest !== to.digest;
    if (isModel && from.version !== undefined && to.version !== undefined) {
      const { seenWallMs, sinceWallMs } = to;
      changes = [...changes, { seenWallMs, sinceWallMs, from: from.version, to: to.version === from.version ? `${to.version} (another artefact)` : to.version, served: to }].slice(-changesMax);
    }
    answers = 0;
    tell(from, to);
    for (const one of firing.values()) judgeAgain(one);
  }

  function tell(from: ServedVersion | undefined, to: ServedVersion): void {
    const on = target();
    if (on !== undefined) announce({ type: "version", target: { ...on, version: to.version }, from: from && bare(from), to: bare(to), message: sentence(from, to), atWallMs: clock.wallMs() });
  }

  /** Did what fires begin with the version that serves? */
  function judgeAgain(one: Firing): void {
    const change = changes.at(-1);
    const { current } = serving;
    if (change === undefined || current === undefined || current.version !== change.served.version || current.digest !== change.served.digest) return;
    const { stream, atWallMs } = one.judgement;
    const isStarting = (stream === "failures" || stream === "latency") && atWallMs < change.sinceWallMs + startedMs;
    if (isStarting) return;
    const attribution = attribute(one, change, [...firing.values()], { windowMs: options.window });
    const follows = attribution.verdict === "version" ? wayBack(current, stream) : { to: undefined, why: "it did not begin with the version, as far as anybody can tell" };
    const key = `${attribution.verdict} ${keyOf(current)} ${follows.to}`;
    const before = told.get(stream) ?? new Set();
    if (before.has(key)) return;
    told.set(stream, new Set([...before, key]));
    found({ ...attribution, stream, version: bare(current), rollback: follows });
    if (follows.to === undefined) return;
    rolledBack = [...rolledBack, bare(current)].slice(-rolledBackMax);
    keep();
    rollback({ from: bare(current), to: follows.to, why: attribution.message });
  }

  function wayBack(current: Serving, stream: string): Found["rollback"] {
    const no = (why: string) => ({ to: undefined, why });
    if (rolledBack.some((one) => keyOf(one) === keyOf(current))) return no("it was rolled back from already");
    if (trying() === current.version) return no("a rollout is trying it, and its judge decides");
    const isLoss = stream !== "features" || losses.some((one) => (firing.get(one)?.raisedWallMs ?? 0) >= current.seenWallMs);
    if (!isLoss) return no("its scores differ, and nothing shows that they are worse");
    if (changes.at(-1)?.from === current.version) return no("the version before bears the same name, so it can not be asked for");
    const to = goodBefore(current);
    return to === undefined ? no("no version to go back to is known") : { to };
  }

  function goodBefore(current: ServedVersion | undefined): string | undefined {
    const isEligible = (one: ServedVersion): boolean => one.version !== undefined && one.version !== current?.version && !rolledBack.some((bad) => bad.version === one.version && (bad.digest === one.digest || bad.digest === undefined || one.digest === undefined));
    if (held.good !== undefined && isEligible(held.good)) return held.good.version;
    return before.findLast(isEligible)?.version;
  }

  function look(): void {
    lookedMs = clock.monotonicMs();
    describe();
  }

  function keep(): void {
    savedMs = clock.monotonicMs();
    save({ version: 1, current: serving.current, held, before, changes, rolledBack });
  }

  function tick(): void {
    const nowMs = clock.monotonicMs();
    const passedMs = nowMs - tickedMs;
    tickedMs = nowMs;
    const was = held;
    held = hold(was, { serving: serving.current, passedMs, answers, status: status(), firing: [...firing.keys()] }, clock.wallMs(), { dwellMs: options.dwell, answersMin: options.inferences });
    answers = 0;
    const isPending = serving.rival !== undefined || (serving.digest?.value !== undefined && serving.digest.value !== serving.current?.digest);
    if (nowMs - lookedMs >= (isPending ? Math.min(lookMs, options.describe) : options.describe)) look();
    const isNews = held.good !== was.good && (was.good === undefined || held.good === undefined || !isSame(held.good, was.good));
    if (isNews || (held !== was && nowMs - savedMs >= saveMs)) keep();
  }

  return {
    answered(version) {
      if (version !== undefined) hear({ type: "answered", version });
      if (version === undefined || version === serving.current?.version) answers += 1;
    },
    described: (all, digest) => hear({ type: "described", versions: all, digest }),
    reference: (digest) => hear({ type: "reference", digest }),
    judge(judgement) {
      const { stream, verdict, atWallMs } = judgement;
      if (verdict !== "drift" && verdict !== "warning") {
        firing.delete(stream);
        told.delete(stream);
        return;
      }
      const one = { judgement, raisedWallMs: firing.get(stream)?.raisedWallMs ?? atWallMs };
      firing.set(stream, one);
      judgeAgain(one);
    },
    forget() {
      const reference = serving.current?.reference;
      serving = noneServes(clock.monotonicMs());
      held = nothingHeld;
      before = [];
      changes = [];
      rolledBack = [];
      hear({ type: "reference", digest: reference });
      keep();
    },
    current: () => serving.current,
    before: () => goodBefore(serving.current),
    view: () => ({
      current: serving.current && shown(serving.current),
      lastKnownGood: held.good,
      goodSinceWallMs: held.goodSinceWallMs,
      dwellMs: options.dwell,
      before,
    }),
    start() {
      const cancel = clock.every(tickMs, tick);
      return () => {
        cancel();
        keep();
      };
    },
  };
}

function bare({ version, digest, reference }: ServedVersion): ServedVersion {
  return { version, digest, reference };
}

function shown({ version, digest, reference, sinceWallMs }: Serving): KnownVersion {
  return { version, digest, reference, sinceWallMs };
}

function keyOf({ version, digest }: ServedVersion): string {
  return `${version} ${digest}`;
}

function sentence(from: ServedVersion | undefined, to: ServedVersion): string {
  const name = `version ${to.version ?? "unknown"}`;
  if (from === undefined) return `${name} serves`;
  if (from.version !== to.version) return `${name} serves, before it version ${from.version ?? "unknown"}`;
  if (from.digest !== to.digest) return `${name} was replaced by another artefact of that name`;
  return `${name} is held against another reference`;
}
