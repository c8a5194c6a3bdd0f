/**
 * OTLP: the same series as `/metrics`, and a span for each sampled inference and each transition, pushed to a Collector.
 *
 * The SDK costs about 45 MB resident, so it is loaded only where an endpoint is configured. It is told everything: left to
 * itself NodeSDK exports to localhost:4318 and puts the whole command line into the resource, where a password may stand.
 * Nothing here waits for the Collector. What can not be delivered is let go and counted in `pilotfish.dropped`; counters
 * heal by themselves, being cumulative.
 */
import type { Attributes, Context, SpanOptions } from "@opentelemetry/api";
import type { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import * as z from "zod";
import { isFailure } from "../agent/backend.ts";
import { systemClock, wait, type Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import type { ExchangeObservation } from "../agent/observation.ts";
import { duration } from "../agent/units.ts";
import { hrTime } from "./hr-time.ts";
import { instruments } from "./instruments.ts";
import type { Counter, Meter } from "./meter.ts";
import type { Signal, TransitionSignal } from "./signal.ts";
import { parseTraceparent } from "./traceparent.ts";

export const otlpOptions = z.strictObject({
  /** Of a Collector, OTLP over HTTP with protobuf, such as http://127.0.0.1:4318; `/v1/metrics` and `/v1/traces` follow. Off without it. */
  endpoint: z.url({ protocol: /^https?$/, error: 'expected the URL of an OTLP endpoint, such as "http://127.0.0.1:4318"' }).optional(),
  /** Sent with each export, such as an authorization. */
  headers: z.record(z.string().min(1), z.string()).default({}),
  /** Between two exports of metrics. */
  interval: duration(100).prefault("30s"),
  /** For one export with its retries; at most the interval counts. */
  timeout: duration(100).prefault("10s"),
  traces: z.boolean().default(true),
  metrics: z.boolean().default(true),
});
export type OtlpOptions = z.output<typeof otlpOptions>;

export interface ResourceDescription {
  readonly serviceName: string;
  readonly version: string;
  readonly instanceId: string;
  /** Such as `k8s.pod.name`. Never a command line, an environment or a payload. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface OpenTelemetryDeps {
  readonly meter: Meter;
  readonly resource: ResourceDescription;
  readonly log: Log;
  /** For the bound on closing; the SDK has timers of its own. */
  readonly clock?: Clock;
}

export interface OpenTelemetry {
  /** A span for an inference whose `traceparent` says that it is sampled; all others cost a look at it. */
  exchange(observation: ExchangeObservation): void;
  /** A span without length for a transition, on its own trace; other signals are passed over. */
  signal(signal: Signal): void;
  /** Sends what waits, for at most two seconds: the SDK would try a dead Collector for as long as the timeout. */
  close(): Promise<void>;
}

type ExportResult = Parameters<Parameters<OTLPTraceExporter["export"]>[1]>[0];

/** Spans that were ended and not yet sent; the next one is let go. The SDK's own queue holds as many. */
const spansMax = 2_048;
const attributeLengthMax = 1_024;
const closeTimeoutMs = 2_000;
/** OpenTelemetry's ExportResultCode.SUCCESS. */
const success = 0;

const off: OpenTelemetry = { exchange: () => {}, signal: () => {}, close: async () => {} };

/** Where no endpoint is configured, nothing is loaded and what comes back does nothing. */
export async function startOpenTelemetry(options: OtlpOptions, { meter, resource, log, clock = systemClock }: OpenTelemetryDeps): Promise<OpenTelemetry> {
  const { endpoint, headers, interval, timeout } = options;
  if (endpoint === undefined || !(options.traces || options.metrics)) return off;

  const [{ NodeSDK }, { PeriodicExportingMetricReader }, { OTLPMetricExporter }, { OTLPTraceExporter }, api] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-metrics-otlp-proto"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("@opentelemetry/api"),
  ]);
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } = api;
  const base = endpoint.replace(/\/+$/, "");
  const droppedSpans = meter.counter(instruments.dropped, { what: "spans" });
  let spans = 0;

  const metricExporter = new OTLPMetricExporter({ url: `${base}/v1/metrics`, headers, timeoutMillis: timeout });
  watch(metricExporter, deliveryOf("metrics", meter.counter(instruments.dropped, { what: "points" }), log), pointsIn);

  const traceExporter = new OTLPTraceExporter({ url: `${base}/v1/traces`, headers, timeoutMillis: timeout });
  const spanDelivery = deliveryOf("traces", droppedSpans, log);
  watch(traceExporter, (count, error) => {
    spans -= count;
    spanDelivery(count, error);
  }, ({ length }) => length);

  const sdk = new NodeSDK({
    // Our own detector is the one and only: those of the SDK would tell the command line.
    resourceDetectors: [{ detect: () => ({ attributes: attributesOf(resource) }) }],
    instrumentations: [],
    logRecordProcessors: [],
    metricReaders: options.metrics
      ? [new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: interval, exportTimeoutMillis: Math.min(timeout, interval), metricProducers: [meter] })]
      : [],
    // With an exporter the SDK makes a BatchSpanProcessor: 512 spans a batch, 2,048 in its queue, a batch at least each 5 s.
    ...(options.traces ? { traceExporter } : { spanProcessors: [] }),
    spanLimits: { attributeValueLengthLimit: attributeLengthMax },
  });
  // After a reload the old tracer would stay the global one and the new SDK be refused.
  trace.disable();
  sdk.start();
  const tracer = trace.getTracer(resource.serviceName, resource.version);

  /** A span is made where there is room for it, and ended at once: what is known is known after the fact. */
  function record(name: string, start: SpanOptions, parent: Context, failure: string | undefined, endMs: number): void {
    if (spans >= spansMax) return droppedSpans.add();
    const span = tracer.startSpan(name, start, parent);
    if (span.isRecording()) spans += 1;
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end(hrTime(endMs));
  }

  return {
    exchange(observation) {
      if (!options.traces || !observation.inference || observation.traceparent === undefined) return;
      const parent = parseTraceparent(observation.traceparent);
      if (parent?.sampled !== true) return;
      const { model, outcome, atWallMs, durationMs } = observation;
      const server = { kind: SpanKind.SERVER, startTime: hrTime(atWallMs - durationMs), attributes: exchangeAttributes(observation) };
      const context = trace.setSpanContext(ROOT_CONTEXT, { traceId: parent.traceId, spanId: parent.spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
      record(`infer ${model}`, server, context, isFailure(outcome) ? outcome : undefined, atWallMs);
    },
    signal(signal) {
      if (!options.traces || signal.type !== "transition") return;
      const moment = { startTime: hrTime(signal.atWallMs), attributes: transitionAttributes(signal) };
      record("pilotfish.transition", moment, ROOT_CONTEXT, undefined, signal.atWallMs);
    },
    close: () => Promise.race([sdk.shutdown(), wait(clock, closeTimeoutMs)]),
  };
}

/**
 * Says how an export ended, and tells the SDK that all is well: it could only log the failure once more, at each attempt, and
 * would leave its shutdown half done.
 */
function watch<Items>(
  exporter: { export(items: Items, done: (result: ExportResult) => void): void },
  ended: (count: number, error: Error | undefined) => void,
  countIn: (items: Items) => number,
): void {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => {
    const count = countIn(items);
    send(items, ({ code, error }) => {
      ended(count, code === success ? undefined : (error ?? new Error("the export failed")));
      done({ code: success });
    });
  };
}

/** Counts what was lost; logs when delivery begins to fail and when it is restored, not at each attempt. */
function deliveryOf(what: string, dropped: Counter, log: Log): (count: number, error: Error | undefined) => void {
  let failing = false;
  return (count, error) => {
    if (error !== undefined) dropped.add(count);
    if ((error !== undefined) === failing) return;
    failing = error !== undefined;
    if (error === undefined) log.info({ what }, "OTLP exports arrive again");
    else log.warn({ what, detail: error.message.slice(0, 200) }, "OTLP exports fail");
  };
}

function pointsIn({ scopeMetrics }: ResourceMetrics): number {
  return scopeMetrics.flatMap(({ metrics }) => metrics).reduce((sum, { dataPoints }) => sum + dataPoints.length, 0);
}

function attributesOf({ serviceName, version, instanceId, attributes }: ResourceDescription): Attributes {
  return { ...attributes, "service.name": serviceName, "service.version": version, "service.instance.id": instanceId };
}

/** OpenTelemetry's names for what is HTTP, our own for what no convention has. */
function exchangeAttributes(exchange: ExchangeObservation): Attributes {
  const { status, outcome, requestBytes, responseBytes, inferenceId, model, version, rung, reason, attempts } = exchange;
  return {
    "http.response.status_code": status,
    "http.request.body.size": requestBytes,
    "http.response.body.size": responseBytes,
    "pilotfish.inference.id": inferenceId,
    "pilotfish.model": model,
    "pilotfish.rung": rung,
    "pilotfish.reason": reason,
    "pilotfish.outcome": outcome,
    "pilotfish.attempts": attempts,
    ...(version === undefined ? {} : { "pilotfish.model.version": version }),
    ...(isFailure(outcome) ? { "error.type": outcome } : {}),
  };
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
    "pilotfish.cause.evidence": cause.evidence,
  };
}
