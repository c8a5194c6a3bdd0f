/**
 * Keeps the one rollout there is: starts it once its candidate is fit, hears the judge, the clock and people, decides by the pure
 * plan, and tells what follows. What is dealt is a field that the gateway reads, and it changes before anything else does: whatever
 * becomes of signals, questions and actuators, the traffic is off a candidate that is taken back.
 *
 * A rollout outlives a reload and the process. While its candidate is not there, right after either, nothing is dealt and its time
 * stands still; where it does not come back in time the rollout is over. What was promoted is dealt until the primary has become
 * what the candidate is.
 */
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Audit } from "../audit.ts";
import { wait, type Clock } from "../clock.ts";
import type { Principal } from "../principal.ts";
import type { Verdict } from "../review.ts";
import type { CandidateAsked, RolloutAsked, RolloutChanged, RolloutControls, RolloutView } from "../rollout-view.ts";
import type { Deal, TrialReading } from "../trial.ts";
import type { ActuationReport } from "./actuators/actuation.ts";
import { courseAsked } from "./asked.ts";
import { candidateName, hasBecome, isPrimary } from "./candidate.ts";
import type { RolloutOptions } from "./options.ts";
import { begin, beginPromoted, moved, reduce, type RolloutEvent, type RolloutModes, type RolloutState } from "./plan.ts";
import { dealOf, isInForce, isTried, messageOf, questionOf, viewOf, type Rollout } from "./rollout.ts";
import { restore, save, type SavedRollout } from "./saved.ts";
import { seated, type Seated, type SeatDeps } from "./seat.ts";
import { actionOf, telling, type TellingDeps } from "./telling.ts";
import type { TrialSetup } from "./trial-comparisons.ts";

export interface RolloutsDeps extends SeatDeps, TellingDeps {
  readonly clock: Clock;
  /** For the next start, and for the judge. */
  readonly options: () => RolloutOptions;
  /** Who decides now. */
  readonly modes: () => RolloutModes;
  readonly audit: Audit;
  /** A decision is to be taken by whom the config says; `asksPerson`: by a person even where it says `automatic`. */
  readonly decide: (decision: "promotion" | "rollback", asked: { readonly question: string; readonly evidence: string; readonly asksPerson: boolean }) => { readonly verdict: Promise<Verdict>; readonly withdraw: () => void };
  /** What is dealt has changed, or is no more; called before anything else follows from it. */
  readonly dealt: () => void;
  /** Judges another rollout, or another weight of the same; or none any more. */
  readonly useTrial: (setup: TrialSetup | undefined) => void;
  readonly save: (saved: SavedRollout) => void;
  readonly saved: unknown;
}

/** Functions, not methods: they are handed to other rooms one by one. */
export interface Rollouts extends Omit<RolloutControls, "versions"> {
  /** For the gateway. The same object while nothing changes. */
  readonly deal: () => Deal | undefined;
  /** Who is tried or was promoted, for gateways that are made anew; undefined where there is none. */
  readonly candidate: () => CandidateAsked | undefined;
  readonly hear: (reading: TrialReading) => void;
  readonly reported: (report: ActuationReport) => void;
  /** The gateway was made anew: its candidate has to be there again before anything is dealt to it. */
  readonly reseat: () => void;
  /** What went bad with a version is answered by another, as far as the config allows it without a person. Kept once it is done or refused. */
  readonly rollbackVersion: (asked: { readonly from: string; readonly to: string; readonly why: string }) => Promise<void>;
  readonly start: RolloutControls["start"];
  /** What it returns ends it, and keeps where it stands. */
  readonly run: () => () => void;
}

const tickMs = 1_000;
/** What was held since the last saving is lost by a kill. */
const saveMs = 5_000;
const pause = { firstMs: 1_000, mostMs: 30_000 };
const actuationsMax = 50;
const detailMax = 400;

export function rollouts(deps: RolloutsDeps): Rollouts {
  const { clock, log } = deps;
  const told = telling(deps);
  const before = restore(deps.saved);
  let current: Rollout | undefined = before?.rollout;
  /** Since when its candidate is not there, on the clock that its state is on; undefined while it is. */
  let unseatedAtMs = before !== undefined && isInForce(before.rollout) ? before.savedAtMs : undefined;
  /** It was begun by the process before, and this one has told nobody of its weight. */
  let isOfAnother = before !== undefined;
  let deal: Deal | undefined;
  /** A start is on its way. */
  let isBusy = false;
  let isGoingBack = false;
  let seatings = 0;
  let withdraw: () => void = () => {};
  let savedAtMs = -Infinity;
  const closing = new AbortController();

  /** The time of its state. */
  const nowMs = (): number => unseatedAtMs ?? clock.monotonicMs();
  const view = (rollout: Rollout): RolloutView => viewOf(rollout, nowMs(), clock.wallMs());

  function setupOf({ id, plan, key, state }: Rollout): TrialSetup {
    return { rollout: id, options: deps.options().judge, live: plan.mode !== "shadow", copies: plan.mode !== "canary", keyed: key.header !== undefined || key.cookie !== undefined, weight: state.weight };
  }

  /** Puts it in force: first of all what is dealt. */
  function become(next: Rollout): void {
    current = next;
    const fresh = unseatedAtMs === undefined ? dealOf(next) : undefined;
    if (isDeepStrictEqual(fresh, deal)) return;
    deal = fresh;
    deps.dealt();
  }

  function keep(): void {
    if (current === undefined) return;
    savedAtMs = clock.monotonicMs();
    deps.save(save(current, nowMs()));
  }

  function advance(event: RolloutEvent, by?: Principal): void {
    if (current === undefined) return;
    const { state: was } = current;
    const state = reduce(was, event, nowMs(), { ...current.plan, ...deps.modes() });
    if (state === was) return;
    const next = { ...current, state, sinceWallMs: clock.wallMs() };
    become({ ...next, message: messageOf(next, by?.name) });
    follow(current, was, event.type === "verdict", by?.name);
  }

  /** What follows from its being in another state, after what is dealt has changed. */
  function follow(now: Rollout, was: RolloutState | undefined, isJudged: boolean, by?: string): void {
    const { state } = now;
    withdraw();
    withdraw = () => {};
    keep();
    if (!isTried(now)) deps.useTrial(undefined);
    else if (was !== undefined && was.weight !== state.weight) deps.useTrial(setupOf(now));
    told.changed(now, view(now), by);
    told.judged(now, true);
    const action = actionOf(was, state);
    if (action !== undefined) told.act(action, now, now.candidate, now.primaryVersion);
    if (!isInForce(now)) unseat();
    if (state.phase === "asking") ask(now);
    // Nobody was asked; it is on record all the same.
    else if (isJudged) deps.decide(state.phase === "aborted" ? "rollback" : "promotion", { ...questionOf(now), asksPerson: false });
  }

  /** There is no candidate any more. */
  function unseat(): void {
    deps.seat.use(undefined).catch((error: unknown) => log.warn({ error }, "the candidate's place could not be cleared"));
  }

  /** Puts it to whoever decides. Where that is nobody, it waits for a word by API or console. */
  function ask(now: Rollout): void {
    const decision = now.state.reason === "harm" ? "rollback" : "promotion";
    const asked = deps.decide(decision, { ...questionOf(now), asksPerson: true });
    withdraw = asked.withdraw;
    if (deps.modes()[decision] === "notify") return;
    void asked.verdict.then((verdict) => {
      if (current?.id === now.id && current.state === now.state) advance({ type: "answer", verdict });
    });
  }

  /** It becomes what the primary serves, and need not be dealt any more. */
  function settle(): void {
    if (current?.state.phase !== "promoted" || current.isSettled || unseatedAtMs !== undefined || !hasBecome(current.candidate, deps.primary())) return;
    const next = { ...current, isSettled: true };
    become({ ...next, message: messageOf(next) });
    keep();
    told.changed(current, view(current));
    unseat();
  }

  function tick(): void {
    if (current === undefined || unseatedAtMs !== undefined) return;
    advance({ type: "tick" });
    settle();
    if (isTried(current) && clock.monotonicMs() - savedAtMs >= saveMs) keep();
  }

  /** undefined where something else came between: another gateway, another candidate, the end. */
  async function seatedNow(candidate: CandidateAsked): Promise<Seated | undefined> {
    const seating = (seatings += 1);
    const found = await seated(candidate, deps, deps.options().loadTimeout);
    return closing.signal.aborted || seating !== seatings ? undefined : found;
  }

  /** Until its candidate is there again nothing is dealt; after too long it is lost. */
  async function comeBack(): Promise<void> {
    if (current === undefined || !isInForce(current)) return;
    const { id, candidate } = current;
    unseatedAtMs ??= clock.monotonicMs();
    become(current);
    const { loadTimeout } = deps.options();
    const untilMs = clock.monotonicMs() + loadTimeout;
    for (let pauseMs = pause.firstMs; ; pauseMs = Math.min(pause.mostMs, 2 * pauseMs)) {
      const found = await seatedNow(candidate);
      if (found === undefined || current.id !== id || !isInForce(current)) return;
      const atMs = clock.monotonicMs();
      if (found.ok) {
        const state = moved(current.state, unseatedAtMs ?? atMs, atMs);
        unseatedAtMs = undefined;
        if (isTried(current)) deps.useTrial(setupOf(current));
        become({ ...current, state });
        keep();
        told.stands(current, view(current));
        if (isOfAnother) {
          // Who follows this process has heard of no weight yet, and others may have missed one.
          isOfAnother = false;
          if (state.weight > 0) told.act("weight", current, current.candidate, current.primaryVersion);
        }
        if (state.phase === "asking") ask(current);
        return;
      }
      if (atMs >= untilMs) {
        log.error({ rollout: id, candidate: candidateName(candidate), why: found.detail }, "the candidate is not there any more");
        return advance({ type: "abort", reason: "lost" });
      }
      await wait(clock, Math.min(pauseMs, untilMs - atMs), closing.signal).catch(() => {});
    }
  }

  /** Why nothing can be started now; undefined where it can. */
  function whyBusy(): string | undefined {
    settle();
    if (closing.signal.aborted) return "the sidecar is going away";
    if (isBusy) return "a rollout is being started";
    if (current === undefined || !isInForce(current)) return undefined;
    const name = candidateName(current.candidate);
    if (isTried(current)) return `the rollout of ${name} is under way: promote it or abort it first`;
    return `${name} was promoted, and all requests go to it beside the primary: make it what the primary serves, or abort the rollout, and start anew`;
  }

  function refuse(action: string, by: Principal, why: "unfit" | "conflict" | "unknown", detail: string, reason?: string, problems?: readonly string[]): RolloutChanged {
    deps.audit({ atWallMs: clock.wallMs(), who: by.name, role: by.role, action, subject: current?.id, reason, result: "refused", detail: { why: detail.slice(0, detailMax) } });
    return { ok: false, why, detail, ...(problems !== undefined && { problems }) };
  }

  /** @param note goes to its message. */
  function launch(parts: Pick<Rollout, "candidate" | "plan" | "state" | "startedBy">, note?: string): Rollout {
    const { shadow, key } = deps.options();
    const wallMs = clock.wallMs();
    const { model, version } = deps.primary();
    const next = { ...parts, id: randomUUID(), model, primaryVersion: version, shadowRatio: shadow.ratio, key, startedAtWallMs: wallMs, sinceWallMs: wallMs, isSettled: false, reading: undefined, actuations: [] };
    const made: Rollout = { ...next, message: [messageOf(next), ...(note === undefined ? [] : [note])].join("; ") };
    unseatedAtMs = undefined;
    isOfAnother = false;
    // Who judges knows of it before the first request is dealt.
    if (isTried(made)) deps.useTrial(setupOf(made));
    become(made);
    return made;
  }

  async function start(asked: RolloutAsked, by: Principal): Promise<RolloutChanged> {
    const action = "rollout.start";
    const { reason } = asked;
    const busy = whyBusy();
    if (busy !== undefined) return refuse(action, by, "conflict", busy, reason);
    const course = courseAsked(asked, deps.options(), deps.primary());
    if (!course.ok) return refuse(action, by, "unfit", course.problems.join("; "), reason, course.problems);
    const { candidate, plan } = course;
    const name = candidateName(candidate);

    isBusy = true;
    const found = await seatedNow(candidate).finally(() => (isBusy = false));
    if (found === undefined) return refuse(action, by, "conflict", "the sidecar's rooms changed meanwhile; start it again", reason);
    if (!found.ok) {
      unseat();
      return refuse(action, by, "unfit", `${name} can not be tried: ${found.detail}`, reason, found.problems);
    }
    const made = launch({ candidate, plan, state: begin(clock.monotonicMs(), plan), startedBy: by.name }, found.note);
    deps.audit({ atWallMs: clock.wallMs(), who: by.name, role: by.role, action, subject: made.id, reason, result: "done", detail: { candidate: name, mode: plan.mode } });
    follow(made, undefined, false, by.name);
    return { ok: true, rollout: view(made) };
  }

  function decided(action: "promote" | "abort", by: Principal, reason: string | undefined): RolloutChanged {
    const name = `rollout.${action}`;
    if (current === undefined) return refuse(name, by, "unknown", "there is no rollout", reason);
    const { state: was } = current;
    if (action === "promote" && isTried(current) && unseatedAtMs !== undefined) return refuse(name, by, "conflict", "its candidate is not there yet", reason);
    advance({ type: action }, by);
    if (current.state === was) return refuse(name, by, "conflict", was.phase === "aborted" ? `the rollout of ${candidateName(current.candidate)} is over: it was aborted` : `${candidateName(current.candidate)} was promoted already`, reason);
    deps.audit({ atWallMs: clock.wallMs(), who: by.name, role: by.role, action: name, subject: current.id, reason, result: "done", detail: { phase: current.state.phase, weight: current.state.weight } });
    return { ok: true, rollout: view(current) };
  }

  async function rollbackVersion({ from, to, why }: { readonly from: string; readonly to: string; readonly why: string }): Promise<void> {
    const dealt = (): Rollout | undefined => (current !== undefined && isInForce(current) ? current : undefined);
    const isOurs = (): boolean => dealt()?.candidate.version === from || (dealt()?.state.phase === "promoted" && dealt()?.candidate.version === undefined);
    // Who answers all requests is another one; or it is done already.
    const isMoot = (): boolean => closing.signal.aborted || (!isOurs() && (dealt()?.state.phase === "promoted" || isPrimary({ version: to }, deps.primary())));
    if (isMoot() || isGoingBack) return;
    isGoingBack = true;
    try {
      const asked = deps.decide("rollback", { question: `Take version ${from} of ${deps.target().model} back, and let version ${to} answer?`, evidence: why, asksPerson: false });
      if ((await asked.verdict) !== "do" || isMoot()) return;
      if (isOurs()) advance({ type: "abort", reason: "rollback" });
      else await passBy(from, to, why);
    } finally {
      isGoingBack = false;
    }
  }

  /** What the primary serves is passed by: another version gets all of the requests, and the world is told to put it right. */
  async function passBy(from: string, to: string, why: string): Promise<void> {
    if (current !== undefined && isTried(current)) advance({ type: "abort", reason: "rollback" });
    const candidate = { version: to };
    const found = await seatedNow(candidate);
    if (found?.ok !== true) {
      const message = `version ${to} can not be had, and version ${from} stays: ${found === undefined ? "something else came between" : found.detail}`;
      log.error({ from, to }, message);
      return deps.happened({ action: "roll-back", result: "failed", from, to, message });
    }
    const plan = { mode: "canary", steps: [], shadow: { holdMs: 0, timeBoxMs: 1 } } as const;
    const made = launch({ candidate, plan, state: beginPromoted(clock.monotonicMs()), startedBy: "pilotfish" }, why);
    keep();
    told.changed(made, view(made), "pilotfish");
    told.act("roll-back", made, { version: from }, to);
  }

  return {
    deal: () => deal,
    candidate: () => (current !== undefined && isInForce(current) ? current.candidate : undefined),
    current: () => current && view(current),
    start,
    promote: (by, reason) => decided("promote", by, reason),
    abort: (by, reason) => decided("abort", by, reason),
    hear(reading) {
      if (current === undefined || reading.rollout !== current.id || !isTried(current) || unseatedAtMs !== undefined) return;
      become({ ...current, reading });
      advance({ type: "verdict", verdict: reading.verdict });
      if (!isTried(current)) return;
      told.read(current);
      told.judged(current, false);
    },
    reported(report) {
      told.reported(report);
      if (current?.id !== report.rollout) return;
      const others = current.actuations.filter(({ id, actuator }) => id !== report.id || actuator !== report.actuator);
      become({ ...current, actuations: [...others, report].slice(-actuationsMax) });
      keep();
    },
    reseat() {
      seatings += 1;
      void comeBack();
    },
    rollbackVersion,
    run() {
      if (current !== undefined && isInForce(current)) {
        told.stands(current, view(current));
        void comeBack();
      }
      const cancel = clock.every(tickMs, tick);
      return () => {
        cancel();
        closing.abort();
        if (current !== undefined && isInForce(current)) keep();
      };
    },
  };
}
