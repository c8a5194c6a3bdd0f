/** A line of the log as OTLP's record, pure: OpenTelemetry's names for an error, its trace where it is about a request. */
import type { LogFields } from "../../agent/log.ts";
import { redactFields, redactText } from "../redact.ts";
import { parseTraceparent } from "../traceparent.ts";

export interface LogRecord {
  readonly atMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
}

type AttributeValue = string | number | boolean;

const textMax = 4_096;

export function logRecord(level: LogRecord["level"], fields: LogFields, message: string, atMs: number): LogRecord {
  const { traceparent, ...others } = redactFields(fields);
  const trace = typeof traceparent === "string" ? parseTraceparent(traceparent) : undefined;
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined || value === null) continue;
    if ((name === "err" || name === "error") && typeof value === "object") Object.assign(attributes, exceptionOf(value));
    else attributes[name] = typeof value === "object" ? JSON.stringify(value).slice(0, textMax) : (value as AttributeValue);
  }
  return { atMs, level, message: redactText(message), attributes, traceId: trace?.traceId, spanId: trace?.spanId };
}

function exceptionOf(error: object): Record<string, AttributeValue> {
  const { type, message, stack } = error as Readonly<Record<string, unknown>>;
  return {
    ...(typeof type === "string" ? { "exception.type": type } : {}),
    ...(typeof message === "string" ? { "exception.message": message } : {}),
    ...(typeof stack === "string" ? { "exception.stacktrace": stack.slice(0, textMax) } : {}),
  };
}
