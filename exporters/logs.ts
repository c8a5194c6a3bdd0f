/**
 * The log: JSON lines by pino, in its own fields or in those of the Elastic Common Schema.
 *
 * A room that logs about one request gives its `traceparent`; the line then carries the ids of its trace and span, under which
 * Grafana, Kibana and others find the trace. Secrets are taken out of every line (redact.ts).
 */
import { pino, type DestinationStream, type LoggerOptions } from "pino";
import * as z from "zod";
import { systemClock, type Clock } from "../agent/clock.ts";
import type { Log, LogFields } from "../agent/log.ts";
import { ecsFields, ecsVersion } from "./ecs.ts";
import { LineWriter } from "./line-writer.ts";
import { redactFields, redactText } from "./redact.ts";
import { parseTraceparent } from "./traceparent.ts";

export const logOptions = z.strictObject({
  /** The least severe that is written. */
  level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** `ecs`: the Elastic Common Schema, for Elasticsearch and Logstash. */
  format: z.enum(["json", "ecs"]).default("json"),
});
export type LogOptions = z.output<typeof logOptions>;

export interface OpenLog extends Log {
  /** Lines that were let go: too many waited for a slow destination, or it refused them. */
  readonly dropped: number;
  /** Waits until all is written, for at most a second. To be called last, before the process ends. */
  close(): Promise<void>;
}

/**
 * @param destination a file descriptor, written to without blocking, or a stream; neither is closed here.
 * @param version of Pilotfish, for the schema that has a field for it.
 */
export function makeLog({ level, format = "json" }: z.input<typeof logOptions>, destination: number | DestinationStream, clock: Clock = systemClock, version?: string): OpenLog {
  const writer = typeof destination === "number" ? new LineWriter(destination, clock) : undefined;
  const time = () => new Date(clock.wallMs()).toISOString();
  const formats = {
    json: {
      base: null,
      timestamp: () => `,"time":"${time()}"`,
      formatters: { level: (label) => ({ level: label }), log: (fields) => traced(redactFields(fields)) },
    },
    ecs: {
      base: { "ecs.version": ecsVersion, "service.name": "pilotfish", ...(version === undefined ? {} : { "service.version": version }) },
      messageKey: "message",
      timestamp: () => `,"@timestamp":"${time()}"`,
      formatters: { level: (label) => ({ "log.level": label }), log: (fields) => ecsFields(traced(redactFields(fields))) },
    },
  } satisfies Record<string, LoggerOptions>;
  // Errors are data by the time that pino would serialise them.
  const log = pino({ level: level ?? "info", serializers: { err: (error: unknown) => error }, ...formats[format] }, writer ?? (destination as DestinationStream));
  const at = (severity: keyof Log): Log["info"] => (fields, message) => log[severity](fields, redactText(message));
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    get dropped() {
      return writer?.dropped ?? 0;
    },
    close: async () => writer?.close(),
  };
}

/** A log that tells each line to somebody else too, whatever the level that is written. */
export function alsoTo(log: Log, heard: (level: keyof Log, fields: LogFields, message: string) => void): Log {
  const at = (level: keyof Log): Log["info"] => (fields, message) => {
    log[level](fields, message);
    heard(level, fields, message);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function traced(fields: Record<string, unknown>): Record<string, unknown> {
  if (typeof fields["traceparent"] !== "string") return fields;
  const { traceparent, ...others } = fields as { traceparent: string };
  const trace = parseTraceparent(traceparent);
  return trace === undefined ? others : { ...others, trace_id: trace.traceId, span_id: trace.spanId };
}
