/**
 * What may not leave in a log line or a span, taken out: values under a secret's name, credentials in URLs, bearer and basic
 * tokens in text. A net below the rule, which is that no room logs a header, a body or a config's secrets in the first place.
 * Pure; a line's fields come out as plain data, bounded in depth, number and length.
 */
const secretName = /^(proxy-)?authorization$|^(set-)?cookie$|token$|password$|passwd$|secret$|secrets$|api[-_]?key$|credentials?$|private[-_]?key$/i;
/** What a secret is replaced by, which is pino's word too. */
export const redacted = "[Redacted]";
const depthMax = 5;
const entriesMax = 64;
const textMax = 16_384;

/** The user's part of a URL, and what follows a scheme of authorization. */
export function redactText(text: string): string {
  const cut = text.length > textMax ? `${text.slice(0, textMax)}…` : text;
  return cut
    .replaceAll(/([a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/@"']{1,512}@/gi, `$1${redacted}@`)
    .replaceAll(/\b(bearer|basic)\s+[a-z0-9._~+/=-]{4,}/gi, `$1 ${redacted}`)
    .replaceAll(/([?&](?:access_token|token|api_?key|key|password|secret|signature|sig)=)[^&\s"'#]+/gi, `$1${redacted}`);
}

/** A copy without secrets. An error becomes its type, message and stack; what is no data becomes its text. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copyOf(fields, 0) as Record<string, unknown>;
}

function copyOf(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
      return redactText(value);
    case "number":
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
    case "symbol":
    case "function":
      return String(value).slice(0, 100);
    case "object":
      return value === null ? null : copyOfObject(value, depth);
  }
}

function copyOfObject(value: object, depth: number): unknown {
  if (value instanceof Error) return errorOf(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  // A body, whatever it is called.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= depthMax) return Array.isArray(value) ? "[Array]" : "[Object]";
  if (Array.isArray(value)) return value.slice(0, entriesMax).map((one) => copyOf(one, depth + 1));
  const entries = value instanceof Map ? [...value].map(([key, one]): [string, unknown] => [String(key), one]) : Object.entries(value);
  return Object.fromEntries(entries.slice(0, entriesMax).map(([key, one]) => [key, secretName.test(key) ? redacted : copyOf(one, depth + 1)]));
}

interface ErrorFields {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly cause?: unknown;
}

function errorOf(error: Error, depth: number): ErrorFields {
  const { message, stack, cause } = error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    type: error.name,
    message: redactText(message),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined || depth >= depthMax ? {} : { cause: copyOf(cause, depth + 1) }),
  };
}
