/**
 * Keeps the one state of failover: hears observations and judgements, decides by the pure reducer, and tells what follows:
 * the route (a field the gateway reads), signals, a state to be saved. Never waits, never throws at its callers.
 */
import * as z from "zod";
import type { Audit } from "../audit.ts";
import type { Cancel, Clock } from "../clock.ts";
import { primaryName, type Route } from "../backend.ts";
import type { Judgement } from "../judgement.ts";
import type { Observation } from "../observation.ts";
import type { Close } from "../lifecycle.ts";
import type { Override, OverrideAnswer, OverrideAsked } from "../override.ts";
import type { Principal } from "../principal.ts";
import type { Verdict } from "../review.ts";
import { duration } from "../units.ts";
import type { Announce, StateSignal, Status, Target } from "../../exporters/signal.ts";
import { mayClaim, ratioOptions } from "./circuit.ts";
import { endedEntry, refusedEntry, releasedEntry, setEntry, standingOf, warningsOn, type Ladder } from "./overrides.ts";
import { reduce, type FailoverEvent } from "./reduce.ts";
import { outlives, restore, save, type SavedFailover } from "./saved.ts";
import { causeAfter, type End } from "./standing.ts";
import { initial, type FailoverPolicy, type FailoverState } from "./state.ts";
import { callsBack, causeOf, onlyCounted, routeOf, statusOf } from "./transition.ts";

export const failoverOptions = z.strictObject({
  /** Failed attempts in a row that take the primary out; a request makes up to two. */
  failures: z.int().min(1).max(1_000).default(5),
  /** The share of attempts that succeed, beside failures in a row. */
  ratio: ratioOptions.prefault({}),
  /** Failures in a row of a probe that do. */
  probeFailures: z.int().min(1).max(100).default(2),
  /** Passes in a row of the http probe before a request is tried again. */
  probePasses: z.int().min(1).max(100).default(2),
  /** The least time between failover and failback; doubles with each further failover up to `dwellMax`. */
  dwell: duration().prefault("2s"),
  dwellMax: duration().prefault("8s"),
  /** Without a request to prove it, probation ends after this long. */
  probation: duration().prefault("5s"),
  /** After so long without a failover, earlier ones are forgotten. */
  stable: duration().prefault("60s"),
  /** Does drift only page, or does it keep requests from the primary too? */
  onDrift: z.enum(["page", "failover"]).default("page"),
});
export type FailoverOptions = z.infer<typeof failoverOptions>;

export interface FailoverDeps {
  readonly clock: Clock;
  readonly announce: Announce;
  /** Names of the rungs that could answer now, in order. */
  readonly rungs: () => readonly string[];
  /** Names of all rungs, whether they could answer or not. Absent: those that could. */
  readonly ladder?: readonly string[];
  /** Why a rung might not answer, for a person who wants to pin it; undefined where nothing speaks against it. */
  readonly doubt?: (rung: string) => string | undefined;
  readonly audit?: Audit;
  /** A failover on drift is to be decided by whom the config says. Absent: as `onDrift` alone says. */
  readonly decide?: ((asked: { readonly question: string; readonly evidence: string }) => { readonly verdict: Promise<Verdict>; readonly withdraw: () => void }) | undefined;
  /** Another override is in force, or none any more. */
  readonly overridden?: (override: Override | undefined) => void;
  readonly target: () => Target;
  /** Called when the route has changed, or who may claim a trial, before anything else follows from it. */
  readonly routed?: () => void;
  /** Calls back the requests that wait at the primary. */
  readonly release: () => void;
  /** Keeps the state for the next run; called at each change that matters. */
  readonly save: (saved: SavedFailover) => void;
  /** What a run before this one had saved. */
  readonly saved: unknown;
  /** The last revision that was announced before. */
  readonly rev: number;
}

export interface Failover {
  hear(observation: Observation): void;
  judge(judgement: Judgement): void;
  route(): Route;
  /** True for one request at a time while the primary is on trial. */
  claimTrial(): boolean;
  /** Would `claimTrial` say yes now? */
  mayClaimTrial(): boolean;
  /** The latest state as it was announced. */
  current(): StateSignal;
  /** A person decides; in force when this returns. The one before is replaced. */
  decide(asked: OverrideAsked, principal: Principal): OverrideAnswer;
  /** Ends the override before its time; undefined where none is in force. */
  release(principal: Principal, reason?: string): Override | undefined;
  /** The one in force. */
  override(): Override | undefined;
  /** Takes over an override that was decided while this one was made; undefined: it was released. */
  adopt(saved: SavedFailover): void;
  /** The state as another failover can take it over. */
  saved(): SavedFailover;
  drain(): void;
  start(): Close;
}

const tickMs = 100;

/** The model's name and version may be learnt long after the last change of state. */
function sameTarget(a: Target, b: Target): boolean {
  return a.model === b.model && a.version === b.version && a.endpoint === b.endpoint;
}

/** As a config says it, but for drift, on which its section `decisions` may say more. */
export type FailoverSetup = Omit<FailoverOptions, "onDrift"> & { readonly onDrift: FailoverPolicy["onDrift"] };

export function failover(options: FailoverSetup, deps: FailoverDeps): Failover {
  const { clock, announce } = deps;
  const policy: FailoverPolicy = {
    failuresMax: options.failures,
    ratio: { successMin: options.ratio.success, windowMs: options.ratio.window, attemptsMin: options.ratio.attempts },
    probeFailuresMax: options.probeFailures,
    probePassesMin: options.probePasses,
    dwellMs: options.dwell,
    dwellMaxMs: Math.max(options.dwell, options.dwellMax),
    probationMs: options.probation,
    trialMs: 10_000,
    stableMs: options.stable,
    onDrift: options.onDrift,
  };

  let state: FailoverState = restore(deps.saved, clock.monotonicMs(), policy, clock.wallMs()) ?? initial(clock.monotonicMs());
  const kept = state.override;
  /** What was kept, and can not stand any more. */
  const over: End | undefined = kept === undefined ? undefined : kept.untilMs <= clock.monotonicMs() ? "ended" : names().includes(kept.rung) ? undefined : "gone";
  if (over !== undefined) state = { ...state, override: undefined };
  let cancelEnd: Cancel = () => {};
  let withdraw: () => void = () => {};
  let route: Route = routeOf(state, policy, deps.rungs());
  let rev = deps.rev + 1;
  let current = describe(clock.wallMs());

  /** Of all backends. */
  function names(): readonly string[] {
    return [primaryName, ...(deps.ladder ?? deps.rungs())];
  }

  function ladder(): Ladder {
    return { all: names().slice(1), answering: route.rung, doubt: (rung) => deps.doubt?.(rung) ?? (deps.rungs().includes(rung) ? undefined : "it is not ready, or has failed too often") };
  }

  function describe(sinceWallMs: number): StateSignal {
    return {
      type: "state",
      target: deps.target(),
      status: statusOf(state, policy),
      rung: route.rung,
      reason: route.reason,
      cause: causeOf(state),
      sinceWallMs,
      rev,
    };
  }

  function hear(event: FailoverEvent): void {
    const before = state;
    state = reduce(before, event, clock.monotonicMs(), policy);
    if (state !== before && !onlyCounted(before, state)) changed(before, event);
    else if (event.kind === "tick" && !sameTarget(deps.target(), current.target)) tell(current.sinceWallMs);
  }

  /** What is so now, with a new revision, to all. */
  function tell(sinceWallMs: number): void {
    rev += 1;
    current = describe(sinceWallMs);
    announce(current);
  }

  function changed(before: FailoverState, event: FailoverEvent): void {
    // The route first: a request that comes in while the rest happens already takes the new way.
    route = routeOf(state, policy, deps.rungs());
    deps.routed?.();
    if (callsBack(before, state)) deps.release();
    if (outlives(before, state)) deps.save(save(state, clock.monotonicMs(), clock.wallMs()));
    const end: End = event.kind === "override" ? "replaced" : event.kind === "release" ? "released" : "ended";
    if (before.override !== state.override) {
      // Of one that is taken over the audit knows already.
      if (before.override !== undefined && event.kind !== "adopt") deps.audit?.(endedEntry(before.override, end, clock.wallMs()));
      watchEnd();
      deps.overridden?.(state.override);
    }
    if ((before.drift === undefined) !== (state.drift === undefined)) driftTurned();
    const status = statusOf(state, policy);
    const cause = causeOf(state);
    const moved = status !== current.status || route.rung !== current.rung || route.reason !== current.reason;
    if (!moved && cause.evidence === current.cause.evidence) return;
    const nowWallMs = clock.wallMs();
    const from: Status = current.status;
    tell(status === from ? current.sinceWallMs : nowWallMs);
    if (status !== from) {
      // A recovery names what it recovered from.
      const recovered = before.override === undefined ? state.cause : causeAfter(before.override, end);
      const why = cause.code === "none" ? recovered : cause;
      announce({ type: "transition", target: current.target, from, to: status, rung: route.rung, reason: route.reason, cause: why, atWallMs: nowWallMs });
    }
  }

  /** It begins or ends: whoever decides on it is asked, or need not answer any more. Each drift is asked about once. */
  function driftTurned(): void {
    withdraw();
    withdraw = () => {};
    const { drift } = state;
    if (drift === undefined || state.driftVerdict !== undefined) return;
    const asked = deps.decide?.({ question: `Keep requests from the primary of ${deps.target().model}, because what it sees has drifted?`, evidence: drift.evidence });
    if (asked === undefined) return;
    withdraw = asked.withdraw;
    void asked.verdict.then((verdict) => {
      if (state.drift !== undefined) hear({ kind: "drift-verdict", verdict });
    });
  }

  /** The tick would end it a little late. */
  function watchEnd(): void {
    cancelEnd();
    if (state.override !== undefined) cancelEnd = clock.after(state.override.untilMs - clock.monotonicMs(), () => hear({ kind: "tick" }));
  }

  return {
    hear(observation) {
      if (observation.kind === "attempt" || observation.kind === "probe") hear(observation);
    },
    judge: (judgement) => hear({ kind: "judgement", judgement }),
    route: () => route,
    claimTrial() {
      if (!mayClaim(state.circuit, clock.monotonicMs(), policy)) return false;
      hear({ kind: "claim" });
      return true;
    },
    mayClaimTrial: () => mayClaim(state.circuit, clock.monotonicMs(), policy),
    current: () => current,
    decide(asked, principal) {
      const nowWallMs = clock.wallMs();
      const standing = standingOf(asked, ladder(), clock.monotonicMs(), nowWallMs);
      if (typeof standing === "string") {
        deps.audit?.(refusedEntry(asked, principal, nowWallMs, standing));
        return { ok: false, detail: standing };
      }
      const warnings = warningsOn(standing, state, ladder());
      const replaced = state.override;
      hear({ kind: "override", override: standing });
      deps.audit?.(setEntry(standing, principal, replaced, warnings));
      return { ok: true, override: standing, warnings };
    },
    release(principal, reason) {
      const { override } = state;
      if (override === undefined) return undefined;
      deps.audit?.(releasedEntry(override, principal, clock.wallMs(), reason));
      hear({ kind: "release" });
      return override;
    },
    override: () => state.override,
    adopt(saved) {
      const standing = restore(saved, clock.monotonicMs(), policy, clock.wallMs())?.override;
      if (standing?.id === state.override?.id) return;
      hear({ kind: "adopt", override: standing });
    },
    saved: () => save(state, clock.monotonicMs(), clock.wallMs()),
    drain: () => hear({ kind: "drain" }),
    start() {
      announce(current);
      if (kept !== undefined && over !== undefined) deps.audit?.(endedEntry(kept, over, clock.wallMs()));
      if (over !== undefined) deps.save(save(state, clock.monotonicMs(), clock.wallMs()));
      deps.overridden?.(state.override);
      watchEnd();
      if (state.drift !== undefined) driftTurned();
      const cancelTick = clock.every(tickMs, () => hear({ kind: "tick" }));
      return () => {
        cancelTick();
        cancelEnd();
      };
    },
  };
}
