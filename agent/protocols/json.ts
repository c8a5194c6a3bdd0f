/**
 * JSON as model servers' clients write it: perhaps compressed, with NaN and Infinity as Python writes them, with tensors'
 * bytes after it. Nothing here throws for what it reads, and everything takes time linear in the body.
 */
import { gunzipSync, inflateSync } from "node:zlib";

/** A compressed body may not grow beyond this. */
const unpackedMaxBytes = 64 * 1_048_576;

export type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: "empty" | "not-json" };

/** The value of a body in JSON. NaN and the infinities outside of strings, which are no JSON, become null. */
export function parseJson(packed: Uint8Array): Json {
  if (packed.length === 0) return { ok: false, reason: "empty" };
  const body = unpack(packed);
  return body === undefined ? { ok: false, reason: "not-json" } : parseText(textOf(body));
}

/** As `parseJson`, of text. */
export function parseText(text: string): Json {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    // Tried again only where it could help: a body that is no JSON at all is the common case.
    if (!/NaN|Infinity/.test(text)) return { ok: false, reason: "not-json" };
  }
  try {
    return { ok: true, value: JSON.parse(withoutNonFinite(text)) as unknown };
  } catch {
    return { ok: false, reason: "not-json" };
  }
}

export function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
}

/**
 * The body itself, or what gzip or zlib (HTTP's "deflate") have packed in it, told by their first bytes, with which no JSON
 * begins; undefined where the archive is broken or too large.
 */
export function unpack(body: Uint8Array, maxBytes: number = unpackedMaxBytes): Uint8Array | undefined {
  const [first, second] = body;
  const isGzip = first === 0x1f && second === 0x8b;
  const isZlib = first === 0x78 && second !== undefined && (0x7800 + second) % 31 === 0;
  if (!isGzip && !isZlib) return body;
  try {
    return (isGzip ? gunzipSync : inflateSync)(body, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

/** NaN, Infinity and -Infinity outside of strings become null. One pass, whatever the text. */
export function withoutNonFinite(text: string): string {
  let inString = false;
  return text.replaceAll(/\\.|"|-?\bInfinity\b|\bNaN\b/gs, (found) => {
    if (found === '"') inString = !inString;
    return inString || found === '"' || found.startsWith("\\") ? found : "null";
  });
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The property of an object, and only its own; undefined where there is none. */
export function property(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

export function textAt(value: unknown, key: string): string | undefined {
  const found = property(value, key);
  return typeof found === "string" ? found : undefined;
}
