/**
 * OTLP: the same series as `/metrics`, spans of sampled inferences, and what the log has to say, pushed to a Collector.
 *
 * The OpenTelemetry SDK makes and serialises them (otlp/sdk.ts, loaded only where there is an endpoint); when they are made and
 * how they are delivered is ours. Three lanes, one for each kind, each delivered in order (otlp/delivery.ts). Nothing here waits
 * for the Collector; what it can not take waits in a bounded spool, on disk where there is a store, and what goes beyond that
 * bound is counted in `pilotfish.dropped`. Requests are encoded in parts of about a millisecond and packed on the thread pool.
 */
import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as z from "zod";
import { systemClock, type Clock } from "../agent/clock.ts";
import { ask } from "../agent/forward/ask.ts";
import type { Log, LogFields } from "../agent/log.ts";
import type { ExchangeObservation } from "../agent/observation.ts";
import { bytes, duration } from "../agent/units.ts";
import { instruments } from "./instruments.ts";
import type { Meter } from "./meter.ts";
import { Delivery, type PostBatch } from "./otlp/delivery.ts";
import { logRecord, type LogRecord } from "./otlp/log-record.ts";
import { metricsParts } from "./otlp/parts.ts";
import type { MadeRecord, MadeSpan } from "./otlp/sdk.ts";
import { spansOf, transitionSpan, type Span } from "./otlp/spans.ts";
import { lanes, memorySpool, type Lane, type Spool } from "./otlp/spool.ts";
import type { Signal, TransitionSignal } from "./signal.ts";

const logLevels = ["off", "debug", "info", "warn", "error"] as const;

export const otlpOptions = z.strictObject({
  /** Of a Collector, OTLP over HTTP with protobuf, such as http://127.0.0.1:4318; `/v1/metrics`, `/v1/traces` and `/v1/logs` follow. Off without it. */
  endpoint: z.url({ protocol: /^https?$/, error: 'expected the URL of an OTLP endpoint, such as "http://127.0.0.1:4318"' }).optional(),
  /** Sent with each export, such as an authorization. */
  headers: z.record(z.string().min(1), z.string()).default({}),
  /** Between two exports of metrics. */
  interval: duration(100).prefault("30s"),
  /** For one export. */
  timeout: duration(100).prefault("10s"),
  traces: z.boolean().default(true),
  metrics: z.boolean().default(true),
  /** The least severe line of the log that is sent; `log.level` does not matter here. */
  logs: z.enum(logLevels).default("warn"),
  /** How latencies are sent: in the catalogue's buckets, or in buckets that follow the values. */
  histograms: z.enum(["explicit", "exponential"]).default("explicit"),
  /** What waits through an outage, packed; the oldest goes first. In memory, without a store, at most 8 MiB. */
  queueMax: bytes().prefault("32MiB"),
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
  /** Not one whose lines come back here. */
  readonly log: Log;
  readonly clock?: Clock;
  /** Where batches wait through an outage; in memory where there is none. */
  readonly spool?: Spool | undefined;
  /** For tests: sends a batch. */
  readonly post?: PostBatch;
  /** For tests: packs a batch, on the thread pool by default. */
  readonly pack?: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
}

export interface OpenTelemetry {
  /** The spans of an inference that was traced; all others cost a look at it. */
  exchange(observation: ExchangeObservation): void;
  /** A span without length for a transition, on its own trace; other signals are passed over. */
  signal(signal: Signal): void;
  logged(level: LogRecord["level"], fields: LogFields, message: string): void;
  /** Sends what waits, for at most two seconds; what is left stays in the spool. */
  close(): Promise<void>;
}

/** Spans, or records, that wait to be packed into a batch; the next one is let go. */
const waitingMax = 2_048;
/** Spans or records, and points, of one request: about a millisecond of work. */
const batchMax = 128;
const pointsMax = 500;
const flushMs = 5_000;
const closeTimeoutMs = 2_000;
const memoryMax = 8 * 1_048_576;
/** Transitions are events of the requests that were under way; so many are remembered. */
const transitionsMax = 32;
/** By lane, what counts its losses in `pilotfish.dropped`. */
export const droppedAs = { metrics: "points", traces: "spans", logs: "logs" } as const satisfies Record<Lane, string>;

export const telemetryOff: OpenTelemetry = { exchange: () => {}, signal: () => {}, logged: () => {}, close: async () => {} };

const zip = promisify(gzip);
const packed = async (body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => Uint8Array.from(await zip(body, { level: 1 }));

/** A request of OTLP, and how many points, spans or records are in it. */
interface Request {
  readonly bytes: Uint8Array;
  readonly items: number;
}

/** Where no endpoint is configured, nothing is loaded and what comes back does nothing. */
export async function startOpenTelemetry(options: OtlpOptions, deps: OpenTelemetryDeps): Promise<OpenTelemetry> {
  const { endpoint } = options;
  const wanted = lanes.filter((lane) => (lane === "logs" ? options.logs !== "off" : options[lane]));
  if (endpoint === undefined || wanted.length === 0) return telemetryOff;
  const { encode, openSdk, rejectedIn } = await import("./otlp/sdk.ts");

  const { meter, resource, log, clock = systemClock, post = postTo(endpoint, options, clock), pack = packed } = deps;
  const counters = Object.fromEntries(lanes.map((lane) => [lane, meter.counter(instruments.dropped, { what: droppedAs[lane] })]));
  const dropped = (lane: Lane, items: number) => counters[lane]?.add(items);
  if (deps.spool === undefined) log.info({ queueMax: Math.min(options.queueMax, memoryMax) }, "what OTLP can not deliver waits in memory and is lost at a restart: store.path is not set");
  const spool = deps.spool ?? memorySpool(Math.min(options.queueMax, memoryMax), dropped);
  const deliveries = new Map(wanted.map((lane) => [lane, new Delivery(lane, { clock, log, post, spool, rejectedIn, dropped: (items) => dropped(lane, items) })]));

  /** Batches are packed one after the other, so that they leave in the order in which they were made. Never rejects. */
  let packing: Promise<void> = Promise.resolve();
  function send(lane: Lane, requests: () => Iterable<Request> | AsyncIterable<Request>): Promise<void> {
    packing = packing
      .then(async () => {
        for await (const { bytes: body, items } of requests()) {
          deliveries.get(lane)?.push({ body: await pack(body), items });
          await setImmediate();
        }
      })
      .catch((error: unknown) => log.error({ lane, error }, "OTLP: a batch could not be made"));
    return packing;
  }

  const spans = gatherer<MadeSpan>((batch) => send("traces", () => [{ bytes: encode.traces(batch), items: batch.length }]));
  const records = gatherer<MadeRecord>((batch) => send("logs", () => [{ bytes: encode.logs(batch), items: batch.length }]));
  const sdk = openSdk({
    resource: attributesOf(resource),
    scope: { name: resource.serviceName, version: resource.version },
    producer: meter,
    made: { span: options.traces ? spans.add : undefined, record: options.logs === "off" ? undefined : records.add },
  });
  const tell = (span: Span): void => (spans.isFull() ? dropped("traces", 1) : sdk.span(span));

  function exportMetrics(): void {
    if (!options.metrics) return;
    // Points have the time of now, however long those before them are packed.
    const collecting = sdk.collect().catch((error: unknown) => {
      log.error({ error }, "OTLP: the metrics could not be collected");
      return undefined;
    });
    void send("metrics", async function* () {
      const collected = await collecting;
      if (collected === undefined) return;
      for (const { metrics, items } of metricsParts(collected, pointsMax)) yield { bytes: encode.metrics(metrics), items };
    });
  }
  const flush = () => {
    spans.flush();
    records.flush();
  };
  const cancels = [clock.every(options.interval, exportMetrics), clock.every(flushMs, flush)];
  const transitions: TransitionSignal[] = [];

  return {
    exchange(observation) {
      if (!options.traces || observation.trace === undefined) return;
      for (const span of spansOf(observation, transitions)) tell(span);
    },
    signal(signal) {
      if (!options.traces || signal.type !== "transition") return;
      transitions.push(signal);
      if (transitions.length > transitionsMax) transitions.shift();
      tell(transitionSpan(signal, newIds()));
    },
    logged(level, fields, message) {
      if (options.logs === "off" || logLevels.indexOf(level) < logLevels.indexOf(options.logs)) return;
      if (records.isFull()) return dropped("logs", 1);
      sdk.record(logRecord(level, fields, message, clock.wallMs()));
    },
    async close() {
      for (const cancel of cancels) cancel();
      flush();
      exportMetrics();
      await packing;
      await Promise.all([...deliveries.values()].map((delivery) => delivery.close(closeTimeoutMs)));
      await sdk.close();
    },
  };
}

interface Gatherer<Item> {
  readonly add: (item: Item) => void;
  /** No more may be added until some were sent. */
  readonly isFull: () => boolean;
  readonly flush: () => void;
}

/** Takes items until there are enough for a batch, or until they are flushed. */
function gatherer<Item>(send: (batch: readonly Item[]) => Promise<void>): Gatherer<Item> {
  let waiting: Item[] = [];
  let inHand = 0;
  const flush = () => {
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    inHand += batch.length;
    void send(batch).then(() => (inHand -= batch.length));
  };
  return {
    add(item) {
      waiting.push(item);
      if (waiting.length >= batchMax) flush();
    },
    isFull: () => waiting.length + inHand >= waitingMax,
    flush,
  };
}

function postTo(endpoint: string, { headers, timeout }: OtlpOptions, clock: Clock): PostBatch {
  const base = endpoint.replace(/\/+$/, "");
  const fields = { ...headers, "content-type": "application/x-protobuf", "content-encoding": "gzip" };
  return async (lane, body, signal) => {
    const asked = await ask(clock, { url: `${base}/v1/${lane}`, method: "POST", headers: fields, body: Buffer.from(body.buffer), timeoutMs: timeout, bodyMaxBytes: 65_536, signal });
    if (!asked.ok) return { status: undefined, retryAfter: undefined, body: new Uint8Array(0), detail: asked.detail };
    return { status: asked.status, retryAfter: asked.headers["retry-after"], body: asked.body, detail: `status ${asked.status}` };
  };
}

function attributesOf({ serviceName, version, instanceId, attributes }: ResourceDescription): Readonly<Record<string, string>> {
  return { ...attributes, "service.name": serviceName, "service.version": version, "service.instance.id": instanceId };
}

function newIds(): { readonly traceId: string; readonly spanId: string } {
  const hex = randomBytes(24).toString("hex");
  return { traceId: hex.slice(0, 32), spanId: hex.slice(32) };
}
