/**
 * One rollout as it is kept: what was meant when it began, where it stands, and what was seen and done. And what follows from it
 * alone: what is dealt, what is shown, what is announced. Pure.
 */
import type { JudgeSignal, RolloutSignal, Target } from "../../exporters/signal.ts";
import type { CandidateAsked, RolloutView } from "../rollout-view.ts";
import type { Deal, KeySource, TrialReading } from "../trial.ts";
import type { RolloutVerdict } from "../../detectors/judge/verdict.ts";
import type { ActuationReport } from "./actuators/actuation.ts";
import { candidateName, dealtCandidate } from "./candidate.ts";
import { stepAt, type RolloutPlan, type RolloutReason, type RolloutState } from "./plan.ts";

export interface Rollout {
  readonly id: string;
  readonly model: string;
  readonly candidate: CandidateAsked;
  readonly primaryVersion: string | undefined;
  readonly plan: RolloutPlan;
  /** Share of inferences that are copied while only copies are tried. */
  readonly shadowRatio: number;
  readonly key: KeySource;
  readonly startedBy: string;
  readonly startedAtWallMs: number;
  readonly state: RolloutState;
  /** Since when it is in its phase. */
  readonly sinceWallMs: number;
  /** The primary has become what was promoted: nothing has to be dealt any more. */
  readonly isSettled: boolean;
  readonly reading: TrialReading | undefined;
  /** The latest last. */
  readonly actuations: readonly ActuationReport[];
  readonly message: string;
}

/** Neither over nor promoted: it is judged, and waits for a verdict or a person. */
export function isTried({ state }: Rollout): boolean {
  return state.phase === "trying" || state.phase === "asking";
}

/** Its candidate has some of the traffic, or copies of it. */
export function isInForce(rollout: Rollout): boolean {
  return isTried(rollout) || (rollout.state.phase === "promoted" && !rollout.isSettled);
}

export function dealOf(rollout: Rollout): Deal | undefined {
  if (!isInForce(rollout)) return undefined;
  const { id, candidate, shadowRatio, key, state } = rollout;
  const judged = isTried(rollout);
  return Object.freeze({ rollout: id, candidate: Object.freeze(dealtCandidate(candidate)), weight: state.weight, shadow: judged && state.step < 0 ? shadowRatio : 0, key, judged });
}

export function viewOf(rollout: Rollout, nowMs: number, wallMs: number): RolloutView {
  const { id, model, candidate, primaryVersion, plan, startedBy, startedAtWallMs, state, sinceWallMs, isSettled, reading, message } = rollout;
  const { holdMs, timeBoxMs } = stepAt(state.step, plan);
  const at = (afterMs: number) => (isTried(rollout) ? wallMs + state.stepSinceMs + afterMs - nowMs : undefined);
  return {
    id, model, candidate, primaryVersion, startedBy, startedAtWallMs, sinceWallMs, reading, message,
    name: candidateName(candidate),
    mode: plan.mode,
    phase: state.phase,
    reason: state.reason,
    step: state.step + 1,
    steps: plan.steps,
    weight: isSettled ? 0 : state.weight,
    shadow: dealOf(rollout)?.shadow ?? 0,
    holdUntilWallMs: at(holdMs),
    timeBoxUntilWallMs: at(timeBoxMs),
    actuations: rollout.actuations.map(({ actuator, action, result, attempts, detail, atWallMs }) => ({ actuator, action, result, attempts, detail, atWallMs })),
  };
}

export function signalOf({ id, candidate, plan, state, isSettled, message }: Rollout, target: Target, atWallMs: number): RolloutSignal {
  return {
    type: "rollout", target, rollout: id, candidate: candidateName(candidate),
    phase: state.phase, reason: state.reason, step: state.step + 1, steps: plan.steps.length, weight: isSettled ? 0 : state.weight, message, atWallMs,
  };
}

/** The judge's word, and what follows once the time box is over, which the judge does not know. */
export function verdictOf({ state, reading }: Rollout): RolloutVerdict | undefined {
  if (reading === undefined) return undefined;
  const isLate = state.reason === "time-box" || state.reason === "declined";
  return isLate && reading.verdict === "continue" ? "inconclusive" : reading.verdict;
}

/** Told of the comparison that speaks against the candidate the most; undefined before the judge has said anything. */
export function judgeSignalOf(rollout: Rollout, target: Target, atWallMs: number): JudgeSignal | undefined {
  const { id, reading } = rollout;
  const verdict = verdictOf(rollout);
  const most = reading?.comparisons.toSorted((a, b) => b.log10Evidence / b.threshold - a.log10Evidence / a.threshold)[0];
  if (reading === undefined || verdict === undefined || most === undefined) return undefined;
  const { name, effect = Number.NaN, low = -Infinity, high = Infinity, log10Evidence, effective } = most;
  return {
    type: "judge", target, experiment: id, verdict,
    eValue: 10 ** log10Evidence,
    n: Math.floor(effective),
    effect: { metric: name, estimate: effect, low, high },
    final: !isTried(rollout),
    message: reading.message,
    atWallMs,
  };
}

/** Where it stands, in a sentence. */
export function messageOf({ candidate, plan, state, reading, isSettled }: Omit<Rollout, "message">, by?: string): string {
  const name = candidateName(candidate);
  const found = reading === undefined ? "nothing is known of it yet" : reading.message;
  const person = by === undefined ? "a person" : by;
  switch (state.phase) {
    case "trying":
      return `${name} ${state.step < 0 ? "gets copies and answers nobody" : `answers ${percent(state.weight)} of the requests, step ${state.step + 1} of ${plan.steps.length}`}${state.reason === "kept" ? "; it is kept in spite of harm" : ""}`;
    case "asking":
      if (state.reason === "harm") return `${name} does harm, and a person decides whether it is taken back: ${found}`;
      if (state.reason === "not-worse") return `${name} is not worse, and a person decides whether it goes on: ${found}`;
      return `the time box is over, and a person decides whether ${name} goes on: ${found}`;
    case "promoted":
      if (isSettled) return `${name} is what the primary itself serves now`;
      if (state.reason === "rollback") return `${name}, the last known good, answers all requests`;
      return `${name} answers all requests${state.reason === "person" ? `: ${person} decided so` : ""}`;
    case "aborted":
      return `${name} gets no requests any more: ${whyAborted(state, found, person)}`;
  }
}

function whyAborted({ reason }: RolloutState, found: string, person: string): string {
  const reasons: Partial<Record<RolloutReason, string>> = {
    harm: found,
    declined: `a person was asked whether it goes on, and it does not: ${found}`,
    lost: "it is not there any more",
    rollback: "what is seen went bad with it",
  };
  return reasons[reason] ?? `${person} decided so`;
}

/** What a person is asked, or would be. */
export function questionOf({ candidate, plan, state, reading, message }: Rollout): { readonly question: string; readonly evidence: string } {
  const name = candidateName(candidate);
  const evidence = reading?.message ?? message;
  if (state.reason === "harm") return { question: `Take ${name} back, because it does harm?`, evidence };
  // Of what was decided without a person the answer is where it stands now.
  const next = plan.mode === "shadow" ? undefined : plan.steps[state.phase === "asking" ? state.step + 1 : state.step];
  const share = next === undefined || state.phase === "promoted" ? "all of the requests" : `${percent(next.weight)} of the requests`;
  return { question: `Give ${name} ${share}?`, evidence: state.reason === "time-box" ? `the time box is over without a verdict: ${evidence}` : evidence };
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}
