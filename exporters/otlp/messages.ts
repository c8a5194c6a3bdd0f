/**
 * What goes to a Collector, as protobuf: series, spans and log lines in OTLP's three requests. Pure. Field numbers are those
 * of opentelemetry-proto 1.x (metrics.proto, trace.proto, logs.proto); the tests read the bytes with a decoder that shares
 * nothing with this.
 *
 * OpenTelemetry's SDK is not used: it costs 45 MB resident, has clocks of its own, keeps nothing through an outage, and puts
 * the command line, where a password may stand, into the resource.
 */
import { hrTime } from "../hr-time.ts";
import type { AnyInstrument } from "../instruments.ts";
import type { Exemplar, FamilyView, SeriesView } from "../meter.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What describes the sender, and the scope under which it sends. */
export interface Sender {
  readonly attributes: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

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

export interface LogRecord {
  readonly atMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly attributes: Attributes;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

/** A request's bytes, and how many points, spans or records they hold. */
export interface Request {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly items: number;
}

/** So many points make one request: about a millisecond of work. Histograms count for four. */
const pointsMax = 1_000;
const histogramPoints = 4;
const cumulative = 2;
const spanKinds = { internal: 1, server: 2, client: 3 } as const;
const statusError = 2;
/** The trace flag `sampled`. */
const sampled = 1;
/** OpenTelemetry's least number of each range. */
const severities = { debug: 5, info: 9, warn: 13, error: 17 } as const;

/** Every live series, cumulative, in as many requests as it takes; whoever takes them may pause in between. Cost: about 1 us a point. */
export function* metricsRequests(families: Iterable<FamilyView>, sender: Sender, atWallMs: number): Generator<Request> {
  const now = hrTime(atWallMs);
  let chosen: { readonly family: FamilyView; readonly series: SeriesView[] }[] = [];
  let points = 0;
  let items = 0;
  const request = (): Request => {
    const parts = chosen;
    const made = { items, bytes: requestBytes(sender, (writer) => {
      for (const { family, series } of parts) writer.message(2, () => writeMetric(writer, family, series, now));
    }) };
    chosen = [];
    points = 0;
    items = 0;
    return made;
  };
  for (const family of families) {
    let series: SeriesView[] | undefined;
    for (const one of family.series) {
      if (series === undefined || chosen.length === 0) chosen.push({ family, series: (series = []) });
      series.push(one);
      items += 1;
      points += family.instrument.kind === "histogram" ? histogramPoints : 1;
      if (points >= pointsMax) yield request();
    }
  }
  if (items > 0) yield request();
}

export function tracesRequest(spans: readonly Span[], sender: Sender): Request {
  return { items: spans.length, bytes: requestBytes(sender, (writer) => {
    for (const span of spans) writer.message(2, () => writeSpan(writer, span));
  }) };
}

export function logsRequest(records: readonly LogRecord[], sender: Sender): Request {
  return { items: records.length, bytes: requestBytes(sender, (writer) => {
    for (const record of records) writer.message(2, () => writeLog(writer, record));
  }) };
}

/** The three requests are alike down to the scope. */
function requestBytes({ attributes, scope }: Sender, write: (writer: ProtobufWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writer.message(1, () => {
    writer.message(1, () => writeAttributes(writer, 1, attributes));
    writer.message(2, () => {
      writer.message(1, () => {
        writer.text(1, scope.name);
        writer.text(2, scope.version);
      });
      write(writer);
    });
  });
  return writer.bytes();
}

type Time = readonly [seconds: number, nanoseconds: number];

function writeMetric(writer: ProtobufWriter, { instrument, bounds }: FamilyView, series: readonly SeriesView[], now: Time): void {
  const { name, help, unit, kind } = instrument;
  writer.text(1, name);
  writer.text(2, help);
  if (unit !== "") writer.text(3, unit);
  const exponential = kind === "histogram" && series[0]?.exponential !== undefined;
  const field = kind === "gauge" ? 5 : kind === "counter" ? 7 : exponential ? 10 : 9;
  writer.message(field, () => {
    for (const one of series) {
      writer.message(1, () => {
        if (exponential) writeExponential(writer, one, now);
        else if (kind === "histogram") writeHistogram(writer, one, bounds, now);
        else writeNumber(writer, one, instrument, now);
      });
    }
    if (kind !== "gauge") writer.uint(2, cumulative);
    if (kind === "counter") writer.uint(3, 1);
  });
}

function writeNumber(writer: ProtobufWriter, { attributes, startTime, value }: SeriesView, { kind }: AnyInstrument, now: Time): void {
  if (kind === "counter") writer.time(2, ...startTime);
  writer.time(3, ...now);
  writer.double(4, value);
  writeAttributes(writer, 7, attributes as Attributes);
}

function writeHistogram(writer: ProtobufWriter, { attributes, startTime, value, counts, exemplars }: SeriesView, bounds: readonly number[], now: Time): void {
  writer.time(2, ...startTime);
  writer.time(3, ...now);
  writer.fixed64(4, sumOf(counts));
  writer.double(5, value);
  writer.fixed64s(6, counts);
  writer.doubles(7, bounds);
  for (const exemplar of exemplars ?? []) if (exemplar !== undefined) writer.message(8, () => writeExemplar(writer, exemplar));
  writeAttributes(writer, 9, attributes as Attributes);
}

function writeExponential(writer: ProtobufWriter, { attributes, startTime, value, exponential, exemplars }: SeriesView, now: Time): void {
  if (exponential === undefined) return;
  writeAttributes(writer, 1, attributes as Attributes);
  writer.time(2, ...startTime);
  writer.time(3, ...now);
  writer.fixed64(4, exponential.count);
  writer.double(5, value);
  writer.sint(6, exponential.scale);
  writer.fixed64(7, exponential.zeroCount);
  writer.message(8, () => {
    writer.sint(1, exponential.offset);
    writer.uints(2, exponential.counts());
  });
  for (const exemplar of exemplars ?? []) if (exemplar !== undefined) writer.message(11, () => writeExemplar(writer, exemplar));
}

function writeExemplar(writer: ProtobufWriter, { traceId, spanId, value, atWallMs }: Exemplar): void {
  writer.time(2, ...hrTime(atWallMs));
  writer.double(3, value);
  writer.hex(4, spanId);
  writer.hex(5, traceId);
}

function writeSpan(writer: ProtobufWriter, { traceId, spanId, parentSpanId, traceState, name, kind, startMs, endMs, attributes, events, error }: Span): void {
  writer.hex(1, traceId);
  writer.hex(2, spanId);
  if (traceState !== undefined) writer.text(3, traceState);
  if (parentSpanId !== undefined) writer.hex(4, parentSpanId);
  writer.text(5, name);
  writer.uint(6, spanKinds[kind]);
  writer.time(7, ...hrTime(startMs));
  writer.time(8, ...hrTime(endMs));
  writeAttributes(writer, 9, attributes);
  for (const event of events) {
    writer.message(11, () => {
      writer.time(1, ...hrTime(event.atMs));
      writer.text(2, event.name);
      writeAttributes(writer, 3, event.attributes);
    });
  }
  if (error !== undefined) {
    writer.message(15, () => {
      writer.text(2, error);
      writer.uint(3, statusError);
    });
  }
  writer.fixed32(16, sampled);
}

function writeLog(writer: ProtobufWriter, { atMs, level, message, attributes, traceId, spanId }: LogRecord): void {
  writer.time(1, ...hrTime(atMs));
  writer.uint(2, severities[level]);
  writer.text(3, level.toUpperCase());
  writer.message(5, () => writer.text(1, message));
  writeAttributes(writer, 6, attributes);
  if (traceId !== undefined) {
    writer.fixed32(8, sampled);
    writer.hex(9, traceId);
  }
  if (spanId !== undefined) writer.hex(10, spanId);
  writer.time(11, ...hrTime(atMs));
}

function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key] as AttributeValue;
    writer.message(field, () => {
      writer.text(1, key);
      writer.message(2, () => {
        if (typeof value === "string") writer.text(1, value);
        else if (typeof value === "boolean") writer.uint(2, value ? 1 : 0);
        else if (Number.isSafeInteger(value)) writer.int(3, value);
        else writer.double(4, value);
      });
    });
  }
}

function sumOf(counts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i += 1) sum += counts[i] as number;
  return sum;
}

/** How many points, spans or records a Collector says that it did not take although it answered 200: `partial_success`. */
export function rejectedIn(answer: Uint8Array): number {
  // { partial_success (1): { rejected (1): varint } }; anything else is no news.
  if (answer[0] !== 0x0a || answer[2] !== 0x08) return 0;
  let rejected = 0;
  for (let at = 3, factor = 1; at < answer.length && at < 11; at += 1, factor *= 128) {
    const byte = answer[at] as number;
    rejected += (byte & 0x7f) * factor;
    if (byte < 0x80) return rejected;
  }
  return 0;
}

