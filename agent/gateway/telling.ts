/** What is said of an exchange once it is over: how it went, and of a sampled one its bodies. */
import { primaryName } from "../backend.ts";
import type { TrialMark } from "../trial.ts";
import type { Inquiry } from "./inquiry.ts";
import { owned } from "./reply.ts";
import type { StreamTimes } from "./stream.ts";
import type { Verdict } from "./verdict.ts";

/** The status noted for a client that left before it had one; nginx's. */
const clientClosedRequest = 499;

export interface Account {
  /** At the primary, at rungs and at a candidate. */
  readonly attempts: number;
  /** Of the primary's answer, where it streamed. */
  readonly stream: StreamTimes | undefined;
  /** Where it was a trial of a rollout. */
  readonly trial: TrialMark | undefined;
  readonly atWallMs: number;
}

export function tell(inquiry: Inquiry, { rung, reason, version, outcome }: Verdict, { attempts, stream, trial, atWallMs }: Account): void {
  const { room, reply, upload, inferenceId, tracing, method, path } = inquiry;
  const { deps } = room;
  const { clock, observe, protocol } = deps;
  const model = deps.model ?? inquiry.modelAsked;
  observe({
    kind: "exchange",
    inferenceId,
    inference: inquiry.target !== undefined,
    model,
    version,
    rung,
    reason,
    outcome,
    status: reply.status ?? clientClosedRequest,
    durationMs: clock.monotonicMs() - inquiry.startMs,
    attempts,
    requestBytes: upload.bytes,
    responseBytes: reply.bytes,
    stream: rung === primaryName ? stream : undefined,
    traceparent: inquiry.traceparent ?? tracing?.traceparent,
    trace: tracing?.told(inquiry.tracestate, method, path, protocol.name),
    atWallMs,
  });
  if (!inquiry.sampled || outcome !== "ok") return;
  const response = reply.copy();
  if (response === undefined || upload.bytes > room.options.sample.bodyMax) return deps.dropped?.("sample-too-large");
  if (!upload.ended || !upload.replayable) return deps.dropped?.("sample-not-kept");
  observe({ kind: "sample", inferenceId, model, version, rung, protocol: protocol.name, request: owned([upload.whole()]), response, ...(trial && { trial }), atWallMs });
}
