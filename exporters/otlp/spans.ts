/**
 * The spans of one sampled inference, pure: one for the exchange, as the client saw it, and one below it for each attempt at
 * a rung. Changes of the primary's state that fell into its time are events on it, so that a slow answer explains itself.
 *
 * Attribute names are OpenTelemetry's of http and gen_ai where there is one, `pilotfish.` otherwise. No query, no header and
 * no body is told.
 */
import { isFailure, primaryName } from "../../agent/backend.ts";
import type { AttemptTrace, ExchangeObservation, ExchangeTrace } from "../../agent/observation.ts";
import type { TransitionSignal } from "../signal.ts";

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  /** W3C, as it came. */
  readonly traceState?: string | undefined;
  readonly name: string;
  readonly kind: "internal" | "server" | "client";
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Set where it failed: a word of a closed set. */
  readonly error?: string | undefined;
}

export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

const textMax = 1_024;

/** The exchange first, then its attempts in order; none where it was not traced or is no inference. */
export function spansOf(exchange: ExchangeObservation, transitions: readonly TransitionSignal[]): readonly Span[] {
  const { trace, inference, model, outcome, atWallMs, durationMs } = exchange;
  if (trace === undefined || !inference) return [];
  const startMs = atWallMs - durationMs;
  const events = transitions.filter((transition) => transition.atWallMs >= startMs && transition.atWallMs <= atWallMs);
  return [
    {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentSpanId: trace.parentSpanId,
      traceState: trace.state,
      name: `infer ${model}`,
      kind: "server",
      startMs,
      endMs: atWallMs,
      attributes: exchangeAttributes(exchange, trace),
      events: events.map((transition) => ({ name: "pilotfish.transition", atMs: transition.atWallMs, attributes: transitionAttributes(transition) })),
      error: isFailure(outcome) ? outcome : undefined,
    },
    ...trace.attempts.map((attempt) => attemptSpan(attempt, trace, startMs)),
  ];
}

/** A span without length on a trace of its own: a change of state belongs to no request. */
export function transitionSpan(transition: TransitionSignal, ids: { readonly traceId: string; readonly spanId: string }): Span {
  const { atWallMs } = transition;
  return { ...ids, name: "pilotfish.transition", kind: "internal", startMs: atWallMs, endMs: atWallMs, attributes: transitionAttributes(transition), events: [] };
}

function attemptSpan({ spanId, backend, outcome, status, startMs, durationMs }: AttemptTrace, { traceId, spanId: parentSpanId, state, method }: ExchangeTrace, exchangeMs: number): Span {
  return {
    traceId,
    spanId,
    parentSpanId,
    traceState: state,
    name: `attempt ${backend}`,
    // The primary is another process for certain; a rung may be this one.
    kind: backend === primaryName ? "client" : "internal",
    startMs: exchangeMs + startMs,
    endMs: exchangeMs + startMs + durationMs,
    attributes: {
      "pilotfish.backend": backend,
      "pilotfish.outcome": outcome,
      ...(backend === primaryName ? { "http.request.method": method } : {}),
      ...(status === undefined ? {} : { "http.response.status_code": status }),
      ...(isFailure(outcome) ? { "error.type": outcome } : {}),
    },
    events: [],
    error: isFailure(outcome) ? outcome : undefined,
  };
}

function exchangeAttributes(exchange: ExchangeObservation, { method, path, protocol }: ExchangeTrace): Attributes {
  const { status, outcome, requestBytes, responseBytes, inferenceId, model, version, rung, reason, attempts } = exchange;
  return {
    "http.request.method": method,
    "url.path": path.slice(0, textMax),
    "http.response.status_code": status,
    "http.request.body.size": requestBytes,
    "http.response.body.size": responseBytes,
    ...(protocol === "openai" ? genAi(path, model) : {}),
    "pilotfish.inference.id": inferenceId,
    "pilotfish.model": model.slice(0, textMax),
    "pilotfish.protocol": protocol,
    "pilotfish.rung": rung,
    "pilotfish.reason": reason,
    "pilotfish.outcome": outcome,
    "pilotfish.attempts": attempts,
    ...(version === undefined ? {} : { "pilotfish.model.version": version }),
    ...(isFailure(outcome) ? { "error.type": outcome } : {}),
  };
}

/** By the last words of the path, which OpenAI's API and all that speak like it share. */
function genAi(path: string, model: string): Attributes {
  const operation = path.endsWith("/chat/completions") ? "chat" : path.endsWith("/embeddings") ? "embeddings" : path.endsWith("/completions") ? "text_completion" : "generate_content";
  return { "gen_ai.operation.name": operation, "gen_ai.request.model": model.slice(0, textMax) };
}

function transitionAttributes({ target, from, to, rung, reason, cause }: TransitionSignal): Attributes {
  return {
    "pilotfish.model": target.model,
    "pilotfish.from": from,
    "pilotfish.to": to,
    "pilotfish.rung": rung,
    "pilotfish.reason": reason,
    "pilotfish.cause.detector": cause.detector,
    "pilotfish.cause.code": cause.code,
    "pilotfish.cause.evidence": cause.evidence.slice(0, textMax),
  };
}
