/**
 * The decision, pure: what is known and what was just heard give what is known next. What there is to do (route, signals,
 * calling requests back) is read off the state and the pair by transition.ts.
 */
import { isFailure, primaryName } from "../backend.ts";
import type { Standing } from "./standing.ts";
import type { Cause } from "../../exporters/signal.ts";
import type { Judgement } from "../judgement.ts";
import type { AttemptObservation, ProbeObservation } from "../observation.ts";
import type { Verdict } from "../review.ts";
import { ratioThatTripped, reduceCircuit, type CircuitEvent } from "./circuit.ts";
import { noCause, type FailoverPolicy, type FailoverState, type ProbeHealth, type ProbeName } from "./state.ts";

/** Nobody asks for a longer row of the same verdicts (config: at most 100). */
const timesMax = 100;

export type FailoverEvent =
  | AttemptObservation
  | ProbeObservation
  | { readonly kind: "judgement"; readonly judgement: Judgement }
  | { readonly kind: "override"; readonly override: Standing }
  | { readonly kind: "release" }
  /** What was decided while this state was made from an earlier one. */
  | { readonly kind: "adopt"; readonly override: Standing | undefined }
  /** Whoever was to decide on the drift has. */
  | { readonly kind: "drift-verdict"; readonly verdict: Verdict }
  | { readonly kind: "claim" }
  | { readonly kind: "drain" }
  | { readonly kind: "tick" };

export function reduce(state: FailoverState, event: FailoverEvent, nowMs: number, policy: FailoverPolicy): FailoverState {
  switch (event.kind) {
    case "attempt":
      return hearAttempt(state, event, nowMs, policy);
    case "probe":
      return hearProbe(state, event, nowMs, policy);
    case "judgement":
      return hearJudgement(state, event.judgement);
    case "override":
    case "adopt":
      return { ...state, override: event.override };
    case "drift-verdict":
      return state.drift === undefined || state.driftVerdict === event.verdict ? state : { ...state, driftVerdict: event.verdict };
    case "release":
      return state.override === undefined ? state : { ...state, override: undefined };
    case "claim":
      return turn(state, { type: "claim" }, nowMs, policy);
    case "drain":
      return state.draining ? state : { ...state, draining: true };
    case "tick":
      return turn(readied(lapsed(state, nowMs), nowMs, policy), { type: "tick" }, nowMs, policy);
  }
}

/** An override ends by itself. */
function lapsed(state: FailoverState, nowMs: number): FailoverState {
  return state.override !== undefined && nowMs >= state.override.untilMs ? { ...state, override: undefined } : state;
}

/** Moves the circuit; the same state comes back when it did not move. `cause` says why, where it leaves a closed circuit. */
function turn(state: FailoverState, event: CircuitEvent, nowMs: number, policy: FailoverPolicy, cause?: Cause): FailoverState {
  const circuit = reduceCircuit(state.circuit, event, nowMs, policy);
  if (circuit === state.circuit) return state;
  return circuit.state === "open" && cause !== undefined ? { ...state, circuit, cause } : { ...state, circuit };
}

function hearAttempt(state: FailoverState, attempt: AttemptObservation, nowMs: number, policy: FailoverPolicy): FailoverState {
  if (attempt.backend !== primaryName) return state;
  const heard = state.heard ? state : { ...state, heard: true };
  const { outcome } = attempt;
  const trial = attempt.trial || isTrial(state);
  const sentAtMs = nowMs - attempt.durationMs;
  if (isFailure(outcome)) {
    const cause: Cause = { detector: "traffic", code: outcome, evidence: evidenceOf(state, { ...attempt, trial }, nowMs, policy) };
    return turn(heard, { type: "failure", trial, sentAtMs }, nowMs, policy, cause);
  }
  // A refusal on the request's own account is proof of life; load, cancelled and unsupported requests prove nothing.
  if (outcome === "ok" || outcome === "rejected") return turn(heard, { type: "success", trial, sentAtMs }, nowMs, policy);
  return trial ? turn(heard, { type: "unproven" }, nowMs, policy) : heard;
}

/** A primary that a person has put before the clients is on trial with each request, claimed or not. */
function isTrial({ override, circuit }: FailoverState): boolean {
  return circuit.state === "half-open" && override?.rung === primaryName && override.action !== "drain";
}

/** Why the circuit opens, should this attempt open it. */
function evidenceOf({ circuit }: FailoverState, { outcome, status, trial }: AttemptObservation, nowMs: number, policy: FailoverPolicy): string {
  if (trial) return `the request that was to end the probation failed: ${outcome}`;
  const last = `the last one: ${outcome}${status === undefined ? "" : ` (${status})`}`;
  const counts = ratioThatTripped(circuit, nowMs, policy);
  if (counts === undefined || policy.ratio === undefined) return `${policy.failuresMax} attempts in a row failed, ${last}`;
  const { successes, failures } = counts;
  return `${failures} of ${successes + failures} attempts in ${policy.ratio.windowMs / 1_000} s failed, ${last}`;
}

function hearProbe(state: FailoverState, probe: ProbeObservation, nowMs: number, policy: FailoverPolicy): FailoverState {
  const health = heardFrom(state.probes[probe.probe], probe);
  const heard = state.heard || probe.verdict !== "unknown";
  const next: FailoverState = health === state.probes[probe.probe] && heard === state.heard ? state : { ...state, heard, probes: { ...state.probes, [probe.probe]: health } };

  if (probe.verdict === "fail" && health.times >= patience(probe.probe, policy) && (health.passedOnce || probe.reason !== "status") && !isBusy(state, probe)) {
    // A circuit that is open already stays open without counting another trip.
    return state.circuit.state === "open" ? next : turn(next, { type: "trip" }, nowMs, policy, health.cause);
  }
  if (probe.verdict !== "pass") return next;
  const ready = readied(next, nowMs, policy);
  return probe.probe === "inference" ? turn(ready, { type: "proven" }, nowMs, policy) : ready;
}

/**
 * A saturated server may be too late with a word about itself (gonka#1421: 23 flaps in 2.3 h). While its work gets on that is
 * load; when it does not, the progress probe says so.
 */
function isBusy({ probes }: FailoverState, { probe, reason }: ProbeObservation): boolean {
  return probe === "http" && reason === "timeout" && probes.progress.verdict === "pass";
}

/** The same object comes back for what was known already: an unknown after an unknown, or a pass beyond what is counted. */
function heardFrom(before: ProbeHealth, { probe, verdict, reason, detail }: ProbeObservation): ProbeHealth {
  const times = verdict === before.verdict ? Math.min(before.times + 1, timesMax) : 1;
  const counted = verdict === before.verdict && (times === before.times || verdict === "unknown");
  if (counted && verdict !== "fail") return before;
  return {
    verdict,
    times,
    cause: verdict === "fail" ? { detector: probe, code: reason, evidence: detail } : noCause,
    passedOnce: before.passedOnce || verdict === "pass",
    mismatch: verdict === "unknown" ? before.mismatch : verdict === "fail" && (before.mismatch || reason === "mismatch"),
  };
}

/** The progress probe has its own patience, adapted to the usual step; the others are asked twice. */
function patience(probe: ProbeName, policy: FailoverPolicy): number {
  return probe === "progress" ? 1 : policy.probeFailuresMax;
}

/** Lets the circuit go on trial when no probe speaks against it. */
function readied(state: FailoverState, nowMs: number, policy: FailoverPolicy): FailoverState {
  if (state.circuit.state !== "open") return state;
  const { http, inference, progress } = state.probes;
  const passing = http.verdict === "unknown" || (http.verdict === "pass" && http.times >= policy.probePassesMin);
  if (!passing || inference.mismatch || progress.verdict === "fail") return state;
  return turn(state, { type: "ready" }, nowMs, policy);
}

function hearJudgement(state: FailoverState, judgement: Judgement): FailoverState {
  if (judgement.stream !== "features") return state;
  if (judgement.verdict === "drift") {
    return { ...state, drift: { detector: judgement.detector, code: "drift", evidence: judgement.message } };
  }
  return judgement.verdict === "stable" && state.drift !== undefined ? { ...state, drift: undefined, driftVerdict: undefined } : state;
}
