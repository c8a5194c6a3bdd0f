/**
 * The OpenTelemetry SDK as it is used here: it makes metrics, spans and log records, and its serialisers make requests of them.
 * It costs 10 MB resident in the bundle (`npm run bench:telemetry`), so this file is loaded only where an endpoint is configured.
 *
 * Its own exporters and batches stay out of it: they keep nothing through an outage, drop without a count and have clocks of
 * their own. What it has made goes to whoever opened it, at once. And it is told everything: left to itself NodeSDK exports to
 * localhost:4318 and puts the whole command line into the resource, where a password may stand.
 */
import { ROOT_CONTEXT, SpanStatusCode, TraceFlags, createTraceState, logs, metrics, trace, type Context } from "@opentelemetry/api";
import { ProtobufLogsSerializer, ProtobufMetricsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { MetricReader, type MetricProducer, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { NodeSDK, type NodeSDKConfiguration } from "@opentelemetry/sdk-node";
import { hrTime } from "../hr-time.ts";
import type { LogRecord } from "./log-record.ts";
import type { Span } from "./spans.ts";
import type { Lane } from "./spool.ts";

export type MadeSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number];
export type MadeRecord = Parameters<typeof ProtobufLogsSerializer.serializeRequest>[0][number];

export interface SdkDeps {
  /** Attributes of the resource: all of them. */
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: { readonly name: string; readonly version: string };
  readonly producer: MetricProducer;
  /** Undefined: none are wanted. */
  readonly made: { readonly span: ((span: MadeSpan) => void) | undefined; readonly record: ((record: MadeRecord) => void) | undefined };
}

export interface Sdk {
  /** What the producer has now, with the resource. */
  collect(): Promise<ResourceMetrics | undefined>;
  /** Makes it; `made.span` has it when this returns. */
  span(span: Span): void;
  /** Makes it; `made.record` has it when this returns. */
  record(record: LogRecord): void;
  close(): Promise<void>;
}

/** OpenTelemetry's numbers; of a range of severities, its least. */
const spanKinds = { internal: 0, server: 1, client: 2 } as const;
const severities = { debug: 5, info: 9, warn: 13, error: 17 } as const;
const recordAndSampled = 2;
const attributeLengthMax = 1_024;
const noWork = async (): Promise<void> => {};

/** Reads when it is asked to: when that is, is the exporter's business. */
class Reader extends MetricReader {
  isBound = false;

  protected override onInitialized(): void {
    this.isBound = true;
  }

  protected override readonly onForceFlush = noWork;
  protected override readonly onShutdown = noWork;
}

/** Starts it; a second one lives beside the first. Where OTEL_SDK_DISABLED says so, it makes nothing. */
export function openSdk({ resource, scope, producer, made }: SdkDeps): Sdk {
  const reader = new Reader({ metricProducers: [producer] });
  const ids = new GivenIds();
  const { span: onEnd, record: onEmit } = made;
  const sdk = new NodeSDK({
    resourceDetectors: [{ detect: () => ({ attributes: { ...resource } }) }],
    instrumentations: [],
    textMapPropagator: null,
    metricReaders: [reader],
    spanProcessors: onEnd === undefined ? [] : [{ onStart: () => {}, onEnd, forceFlush: noWork, shutdown: noWork }],
    logRecordProcessors: onEmit === undefined ? [] : [{ onEmit, forceFlush: noWork, shutdown: noWork }],
    // The gateway has decided, and said so to the backend.
    sampler: { shouldSample: () => ({ decision: recordAndSampled }), toString: () => "decided before" },
    idGenerator: ids,
    spanLimits: { attributeValueLengthLimit: attributeLengthMax },
  });
  // Globals are taken only where they are free: tracer and logger are had right away, while they are this SDK's.
  for (const api of [trace, logs, metrics]) api.disable();
  sdk.start();
  const tracer = trace.getTracer(scope.name, scope.version);
  const logger = logs.getLogger(scope.name, scope.version);

  return {
    collect: async () => (reader.isBound ? (await reader.collect()).resourceMetrics : undefined),
    span(span) {
      ids.next = span;
      const { name, kind, attributes, startMs, endMs, events, error } = span;
      const one = tracer.startSpan(name, { kind: spanKinds[kind], startTime: hrTime(startMs), attributes }, parentOf(span));
      for (const event of events) one.addEvent(event.name, event.attributes, hrTime(event.atMs));
      if (error !== undefined) one.setStatus({ code: SpanStatusCode.ERROR, message: error });
      one.end(hrTime(endMs));
    },
    record({ atMs, level, message, attributes, traceId, spanId }) {
      const timestamp = hrTime(atMs);
      const context = traceId === undefined || spanId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
      logger.emit({ timestamp, observedTimestamp: timestamp, severityNumber: severities[level], severityText: level.toUpperCase(), body: message, attributes, context });
    },
    close: () => sdk.shutdown(),
  };
}

/** The ids of a span are known before it is made: its backend heard them. */
class GivenIds implements NonNullable<NodeSDKConfiguration["idGenerator"]> {
  next: Pick<Span, "traceId" | "spanId"> = { traceId: "", spanId: "" };
  readonly generateTraceId = (): string => this.next.traceId;
  readonly generateSpanId = (): string => this.next.spanId;
}

function parentOf({ traceId, parentSpanId, traceState, kind }: Span): Context {
  if (parentSpanId === undefined) return ROOT_CONTEXT;
  const state = traceState === undefined ? {} : { traceState: createTraceState(traceState) };
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: kind === "server", ...state });
}

/** Requests of OTLP, as protobuf. */
export const encode = {
  metrics: (collected: ResourceMetrics) => bytesOf(ProtobufMetricsSerializer.serializeRequest(collected)),
  traces: (spans: readonly MadeSpan[]) => bytesOf(ProtobufTraceSerializer.serializeRequest([...spans])),
  logs: (records: readonly MadeRecord[]) => bytesOf(ProtobufLogsSerializer.serializeRequest([...records])),
} as const satisfies Record<Lane, unknown>;

function bytesOf(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error("the SDK could not serialise a request");
  return bytes;
}

/** How many points, spans or records a Collector says that it did not take although it answered 200. An answer that is none of OTLP's says nothing. */
export function rejectedIn(lane: Lane, answer: Uint8Array): number {
  if (answer.length === 0) return 0;
  try {
    switch (lane) {
      case "metrics":
        return ProtobufMetricsSerializer.deserializeResponse(answer).partialSuccess?.rejectedDataPoints ?? 0;
      case "traces":
        return ProtobufTraceSerializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0;
      case "logs":
        return ProtobufLogsSerializer.deserializeResponse(answer).partialSuccess?.rejectedLogRecords ?? 0;
    }
  } catch {
    return 0;
  }
}
