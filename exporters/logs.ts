/**
 * The log: JSON lines by pino.
 *
 * A room that logs about one request gives its `traceparent`; the line then carries `trace_id` and `span_id`, under which
 * Grafana and others find the trace.
 */
import { pino, stdSerializers, type DestinationStream } from "pino";
import { z } from "zod";
import { systemClock, type Clock } from "../agent/clock.ts";
import type { Log, LogFields } from "../agent/log.ts";
import { LineWriter } from "./line-writer.ts";
import { parseTraceparent } from "./traceparent.ts";

export const logOptions = z.strictObject({
  /** The least severe that is written. */
  level: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type LogOptions = z.output<typeof logOptions>;

export interface OpenLog extends Log {
  /** Lines that were let go: too many waited for a slow destination, or it refused them. */
  readonly dropped: number;
  /** Waits until all is written, for at most a second. To be called last, before the process ends. */
  close(): Promise<void>;
}

/** Fields that are never written, wherever they stand in the first three levels. */
const secrets = ["authorization", "proxy-authorization", "cookie", "set-cookie", "token", "password", "secret", "apiKey"];

/** @param destination a file descriptor, written to without blocking, or a stream; neither is closed here. */
export function makeLog({ level }: LogOptions, destination: number | DestinationStream, clock: Clock = systemClock): OpenLog {
  const writer = typeof destination === "number" ? new LineWriter(destination, clock) : undefined;
  const log = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: traced },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      redact: secrets.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
    },
    writer ?? (destination as DestinationStream),
  );
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
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
