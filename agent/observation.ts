/**
 * What rooms that see say they saw. An observation is a fact, never an opinion: who judges it is not known here.
 * Plain data, so that it can cross a thread.
 */
import type { AnyInstrument } from "../exporters/instruments.ts";
import type { Outcome, Reason } from "./backend.ts";
import type { ShadowObservation, TrialMark, TrialObservation } from "./trial.ts";

/** One attempt at one backend has ended. */
export interface AttemptObservation {
  readonly kind: "attempt";
  readonly backend: string;
  readonly outcome: Outcome;
  readonly status: number | undefined;
  /** Until the answer's head came, or until it failed. */
  readonly firstByteMs: number;
  readonly durationMs: number;
  /** Set on the request that was let through to end a probation. */
  readonly trial: boolean;
  /** Of a sampled request, where traces are wanted: the attempt's own span. */
  readonly trace?: { readonly traceId: string; readonly spanId: string } | undefined;
}

/** How a sampled request was traced. Times are milliseconds since the exchange began. */
export interface ExchangeTrace {
  readonly traceId: string;
  /** Of the exchange; each attempt has one of its own below it, which is what its backend is told. */
  readonly spanId: string;
  /** The client's; undefined where the trace begins here. */
  readonly parentSpanId: string | undefined;
  /** `tracestate`, as it came. */
  readonly state: string | undefined;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly protocol: string;
  readonly attempts: readonly AttemptTrace[];
}

export interface AttemptTrace {
  readonly spanId: string;
  readonly backend: string;
  readonly outcome: Outcome;
  readonly status: number | undefined;
  readonly startMs: number;
  readonly durationMs: number;
}

/** One request and its answer, as the client saw it. */
export interface ExchangeObservation {
  readonly kind: "exchange";
  readonly inferenceId: string;
  /** True for an inference, false for metadata, health and whatever else passes. */
  readonly inference: boolean;
  readonly model: string;
  /** Of the answer, where it is known. */
  readonly version: string | undefined;
  readonly rung: string;
  readonly reason: Reason;
  readonly outcome: Outcome;
  readonly status: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of an answer that came as a stream of tokens: to the first, and per token after it where there was more than one. */
  readonly stream?: { readonly firstTokenMs: number; readonly perTokenMs: number | undefined } | undefined;
  /** W3C, as it came or as it was made for a sampled request. */
  readonly traceparent: string | undefined;
  /** Absent where it is not sampled or nobody wants traces. */
  readonly trace?: ExchangeTrace | undefined;
  readonly atWallMs: number;
}

/** What the monitors want to know of an exchange. */
export type HeardExchange = Pick<ExchangeObservation, "kind" | "inference" | "model" | "rung" | "reason" | "outcome" | "attempts" | "durationMs">;

/** The bodies of a sampled inference that was answered. Undecoded: decoding is the analysis thread's work. */
export interface SampleObservation {
  readonly kind: "sample";
  readonly inferenceId: string;
  readonly model: string;
  readonly version: string | undefined;
  readonly rung: string;
  /** Which protocol the bodies are in. */
  readonly protocol: string;
  readonly request: Uint8Array;
  readonly response: Uint8Array;
  /** While a rollout runs: the side that it was dealt to. */
  readonly trial?: TrialMark | undefined;
  readonly atWallMs: number;
}

/** A rung was asked with a copy of an inference that the primary had answered well. Undecoded, as a sample is. */
export interface CopyObservation {
  readonly kind: "copy";
  readonly inferenceId: string;
  readonly rung: string;
  /** Changes with the rung's options: what was known of another rung of that name does not count. */
  readonly key: string;
  readonly protocol: string;
  /** What became of the copy. */
  readonly outcome: Outcome;
  /** The primary's answer. */
  readonly primary: Uint8Array;
  /** The rung's; empty where there is none. */
  readonly answer: Uint8Array;
  readonly durationMs: number;
  readonly atWallMs: number;
}

/** The true answer for an inference, arriving later. */
export interface ActualObservation {
  readonly kind: "actual";
  readonly inferenceId: string;
  /** One per row of the inference's batch; a single row takes a single value. */
  readonly values: readonly (number | string | boolean)[];
  readonly atWallMs: number;
}

export const probeReasons = [
  "none", // it passed, or it is unknown without a fault
  "refused",
  "reset",
  "timeout",
  "status", // an answer with the wrong status
  "invalid", // an answer that can not be read
  "mismatch", // an answer that is not the known one
  "stalled", // work in flight and nothing came of it
  "no-source", // what it needs to judge is missing: unknown
] as const;
export type ProbeReason = (typeof probeReasons)[number];

/** A question asked of the primary, and whether it was answered well. */
export interface ProbeObservation {
  readonly kind: "probe";
  readonly probe: "http" | "inference" | "progress";
  readonly verdict: "pass" | "fail" | "unknown";
  readonly reason: ProbeReason;
  readonly durationMs: number;
  /** For people: what was asked, what came. Bounded to 200 characters. */
  readonly detail: string;
}

/** One value for one series. */
export interface Point {
  readonly instrument: AnyInstrument;
  readonly labels: Readonly<Record<string, string>>;
  /** Counters give their total since the source began, gauges their value. */
  readonly value: number;
}

/** What a collector read. `unknown`: the source is missing or hung; its series vanish. */
export interface ReadingObservation {
  readonly kind: "reading";
  readonly collector: string;
  readonly status: "ok" | "unknown";
  readonly detail: string;
  readonly points: readonly Point[];
  /** Which process was read, as far as one was: another one has another name, even under the same number. */
  readonly process?: string;
}

export type Observation =
  | AttemptObservation
  | ExchangeObservation
  | SampleObservation
  | CopyObservation
  | ActualObservation
  | TrialObservation
  | ShadowObservation
  | ProbeObservation
  | ReadingObservation;

/** What a room is handed to say what it saw. Never waits, never throws. */
export type Observe = (observation: Observation) => void;
