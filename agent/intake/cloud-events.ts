/**
 * CloudEvents 1.0 over HTTP, as far as payload loggers send them: one event in binary mode (attributes as `ce-` headers), one or a
 * batch in structured mode (JSON). Pure: what came to what it says, or every mistake in it.
 *
 * Sources: CloudEvents core 1.0.2, HTTP protocol binding 1.0.2, JSON event format 1.0.2.
 */
import type { IncomingHttpHeaders } from "node:http";
import { inner, isObject, parseFaithfully } from "../protocols/faithful-json.ts";

export interface CloudEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Milliseconds since 1970; undefined where the event does not say. */
  readonly atWallMs: number | undefined;
  /** The other attributes, extensions among them, by their lower-case names. */
  readonly attributes: Readonly<Record<string, string>>;
  /** As it came; of a structured event its JSON, numbers with the digits they came with. Empty where there is none. */
  readonly data: Uint8Array;
}

export interface EventMistake {
  /** A JSON pointer as a fragment, or the header's name. */
  readonly pointer: string;
  readonly detail: string;
}

export type EventsRead = { readonly ok: true; readonly events: readonly CloudEvent[] } | { readonly ok: false; readonly mistakes: readonly EventMistake[] };

export const structuredType = "application/cloudevents+json";
export const batchType = "application/cloudevents-batch+json";

export const eventsMax = 1_000;
const attributeMax = 4_096;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @param mediaType of the body, lower-case and without parameters. Cost: a structured body is parsed once. */
export function readCloudEvents(mediaType: string, headers: IncomingHttpHeaders, body: Uint8Array): EventsRead {
  if (mediaType !== structuredType && mediaType !== batchType) return one(binary(headers, body));
  const parsed = parseFaithfully(Buffer.from(body).toString("utf8"));
  if (parsed === undefined) return wrong("#", "the body is no JSON");
  if (mediaType === structuredType) return one(structured(parsed.document, "#"));
  if (!Array.isArray(parsed.document)) return wrong("#", "expected an array of events");
  if (parsed.document.length > eventsMax) return wrong("#", `expected at most ${eventsMax} events`);
  const read = parsed.document.map((event, i) => structured(event, `#/${i}`));
  const mistakes = read.flatMap((each) => ("pointer" in each ? [each] : []));
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, events: read as readonly CloudEvent[] };
}

function one(read: CloudEvent | EventMistake): EventsRead {
  return "pointer" in read ? { ok: false, mistakes: [read] } : { ok: true, events: [read] };
}

function wrong(pointer: string, detail: string): EventsRead {
  return { ok: false, mistakes: [{ pointer, detail }] };
}

function binary(headers: IncomingHttpHeaders, data: Uint8Array): CloudEvent | EventMistake {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith("ce-") || value === undefined) continue;
    try {
      attributes[name.slice(3)] = decodeURIComponent(String(value).replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
    } catch {
      return { pointer: name, detail: "it is no UTF-8 in percent-encoding" };
    }
  }
  return checked(attributes, data, (name) => `ce-${name}`);
}

function structured(event: unknown, at: string): CloudEvent | EventMistake {
  if (!isObject(event)) return { pointer: at, detail: "expected an event, an object" };
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === "data" || name === "data_base64" || value === null) continue;
    if (isObject(value) || Array.isArray(value)) return { pointer: `${at}/${pointed(name)}`, detail: "expected a text, a number or a boolean" };
    attributes[name] = typeof value === "string" ? value : JSON.stringify(value);
  }
  const base64 = inner(event, "data_base64");
  const data = inner(event, "data");
  if (base64 !== undefined && (typeof base64 !== "string" || !base64Pattern.test(base64))) return { pointer: `${at}/data_base64`, detail: "expected base64" };
  if (base64 !== undefined && data !== undefined) return { pointer: `${at}/data_base64`, detail: "expected either data or data_base64" };
  return checked(attributes, typeof base64 === "string" ? Buffer.from(base64, "base64") : dataBytes(data, attributes["datacontenttype"]), (name) => `${at}/${pointed(name)}`);
}

/** A text is its own data unless it is said to be JSON; anything else is JSON (JSON event format, 3.1). */
function dataBytes(data: unknown, type = "application/json"): Uint8Array {
  if (data === undefined) return new Uint8Array();
  return Buffer.from(typeof data === "string" && !/[/+]json\b/.test(type) ? data : JSON.stringify(data));
}

function checked(attributes: Readonly<Record<string, string>>, data: Uint8Array, place: (name: string) => string): CloudEvent | EventMistake {
  const { specversion, id = "", source = "", type = "", time, ...others } = attributes;
  if (specversion !== "1.0") return { pointer: place("specversion"), detail: 'expected "1.0"' };
  for (const [name, value] of Object.entries({ id, source, type })) {
    if (value === "" || value.length > attributeMax) return { pointer: place(name), detail: `expected 1 to ${attributeMax} characters` };
  }
  const atWallMs = time === undefined ? undefined : Date.parse(time);
  if (Number.isNaN(atWallMs)) return { pointer: place("time"), detail: "expected a time (RFC 3339)" };
  return { id, source, type, atWallMs, attributes: others, data };
}

function pointed(name: string): string {
  return encodeURIComponent(name.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1"));
}
