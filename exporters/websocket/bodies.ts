/**
 * Signals as the bodies of frames: wall times as ISO text, texts and lists cut to a bound so that a frame stays well below its
 * 64 KiB, numbers that JSON has no word for as null.
 */
import type { BodyOf } from "../frames.ts";
import type { Cause, DirectiveSignal, DriftSignal, JudgeSignal, RolloutSignal, ServedVersion, Signal, StateSignal, Target, TransitionSignal, VersionSignal } from "../signal.ts";
import { restored } from "./levels.ts";

const textMax = 1_000;
const nameMax = 200;
const culpritsMax = 32;
const weightsMax = 32;

export function stateBody(signal: StateSignal, leaseMs: number): BodyOf<"state"> {
  return {
    target: targetOf(signal.target),
    status: signal.status,
    rung: signal.rung,
    reason: signal.reason,
    cause: causeOf(signal.cause),
    since: iso(signal.sinceWallMs),
    rev: signal.rev,
    leaseMs,
  };
}

export function transitionBody(signal: TransitionSignal): BodyOf<"transition"> {
  return {
    target: targetOf(signal.target),
    from: signal.from,
    to: signal.to,
    rung: signal.rung,
    reason: signal.reason,
    cause: causeOf(signal.cause),
    at: iso(signal.atWallMs),
  };
}

export function directiveBody(signal: DirectiveSignal, rev: number): BodyOf<"directive"> {
  const directed = { target: targetOf(signal.target), rev, why: signal.why.slice(0, textMax), at: iso(signal.atWallMs) };
  switch (signal.action) {
    case "route":
    case "hold":
      return { ...directed, action: signal.action, rung: signal.rung };
    case "eject":
    case "drain":
      return { ...directed, action: signal.action };
    case "split":
      return { ...directed, action: signal.action, weights: Object.fromEntries(Object.entries(signal.weights).slice(0, weightsMax)) };
    case "restore":
      return { ...directed, action: signal.action, of: [...restored(signal)] };
  }
}

export function driftBody(signal: DriftSignal): BodyOf<"drift"> {
  return {
    target: targetOf(signal.target),
    status: signal.status,
    stream: signal.stream,
    detector: signal.detector,
    culprits: signal.culprits.slice(0, culpritsMax).map(({ name, share }) => ({ name: name.slice(0, nameMax), share })),
    statistic: finite(signal.statistic),
    threshold: finite(signal.threshold),
    message: signal.message.slice(0, textMax),
    at: iso(signal.atWallMs),
  };
}

export function judgeBody(signal: JudgeSignal): BodyOf<"judge"> {
  const { metric, estimate, low, high } = signal.effect;
  return {
    target: targetOf(signal.target),
    experiment: signal.experiment.slice(0, nameMax),
    verdict: signal.verdict,
    eValue: finite(signal.eValue),
    n: signal.n,
    effect: { metric: metric.slice(0, nameMax), estimate: finite(estimate), low: finite(low), high: finite(high) },
    final: signal.final,
    message: signal.message.slice(0, textMax),
    at: iso(signal.atWallMs),
  };
}

export function rolloutBody(signal: RolloutSignal): BodyOf<"rollout"> {
  return {
    target: targetOf(signal.target),
    rollout: signal.rollout.slice(0, nameMax),
    candidate: signal.candidate.slice(0, nameMax),
    phase: signal.phase,
    reason: signal.reason,
    step: signal.step,
    steps: signal.steps,
    weight: signal.weight,
    message: signal.message.slice(0, textMax),
    at: iso(signal.atWallMs),
  };
}

export function versionBody(signal: VersionSignal): BodyOf<"version"> {
  return {
    target: targetOf(signal.target),
    ...(signal.from !== undefined && { from: servedOf(signal.from) }),
    to: servedOf(signal.to),
    message: signal.message.slice(0, textMax),
    at: iso(signal.atWallMs),
  };
}

/** `seq`: the number under which it is announced, which is also a directive's `rev`. */
export function bodyOf(signal: Signal, seq: number, leaseMs: number): BodyOf<Signal["type"]> {
  switch (signal.type) {
    case "state":
      return stateBody(signal, leaseMs);
    case "transition":
      return transitionBody(signal);
    case "directive":
      return directiveBody(signal, seq);
    case "drift":
      return driftBody(signal);
    case "judge":
      return judgeBody(signal);
    case "rollout":
      return rolloutBody(signal);
    case "version":
      return versionBody(signal);
  }
}

export function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function targetOf({ model, version, endpoint }: Target): BodyOf<"state">["target"] {
  return { model, endpoint, ...(version !== undefined && { version }) };
}

function servedOf({ version, digest, reference }: ServedVersion): BodyOf<"version">["to"] {
  return {
    ...(version !== undefined && { version: version.slice(0, nameMax) }),
    ...(digest !== undefined && { digest: digest.slice(0, nameMax) }),
    ...(reference !== undefined && { reference: reference.slice(0, nameMax) }),
  };
}

function causeOf({ detector, code, evidence }: Cause): Cause {
  return { detector, code, evidence: evidence.slice(0, textMax) };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
