/**
 * Signals as the bodies of frames: wall times as ISO text, texts and lists cut to a bound so that a frame stays well below its
 * 64 KiB, numbers that JSON has no word for as null.
 */
import type { BodyOf } from "../frames.ts";
import type { Cause, DirectiveSignal, DriftSignal, Signal, StateSignal, Target, TransitionSignal } from "../signal.ts";

const textMax = 1_000;
const nameMax = 200;
const culpritsMax = 32;

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

export function directiveBody(signal: DirectiveSignal): BodyOf<"directive"> {
  return { target: targetOf(signal.target), action: signal.action, why: signal.why.slice(0, textMax), at: iso(signal.atWallMs) };
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

export function bodyOf(signal: Signal, leaseMs: number): BodyOf<Signal["type"]> {
  switch (signal.type) {
    case "state":
      return stateBody(signal, leaseMs);
    case "transition":
      return transitionBody(signal);
    case "directive":
      return directiveBody(signal);
    case "drift":
      return driftBody(signal);
  }
}

export function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function targetOf({ model, version, endpoint }: Target): BodyOf<"state">["target"] {
  return { model, endpoint, ...(version !== undefined && { version }) };
}

function causeOf({ detector, code, evidence }: Cause): Cause {
  return { detector, code, evidence: evidence.slice(0, textMax) };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
