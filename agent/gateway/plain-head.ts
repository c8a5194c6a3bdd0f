/**
 * The head of a request that the plain lane takes: a small language, read strictly. POST with exactly one decimal
 * Content-Length, or GET with none; HTTP/1.1; a path of visible ASCII; one Host; field lines without folding, control
 * characters or bare line feeds; no coding, upgrade, trailer or expectation; a connection that stays. Everything else is for
 * node:http, which knows the whole language. Source of the rules: RFC 9112, sections 2 to 6; each is at least as strict as the
 * parser of node:http (test/gateway/lanes.test.ts holds both against each other).
 */
import type { IncomingHttpHeaders } from "node:http";
import { eachField, fieldPattern, strictBeginning } from "../forward/field-lines.ts";
import { heededNames } from "./incoming.ts";

export interface PlainHead {
  readonly method: "POST" | "GET";
  readonly target: string;
  /** The body's; 0 for none. */
  readonly length: number;
  /** The end-to-end field lines as they came, each with its CR LF, without those in `heeded`'s own line of the inference's id. */
  readonly lines: string;
  /** The line of `pilotfish-inference-id`, which is replaced for inferences; "" where the client sent none. */
  readonly idLine: string;
  /** What the gateway heeds; lower-case names. */
  readonly heeded: IncomingHttpHeaders;
  /** Bytes up to and with the empty line. */
  readonly bytes: number;
}

/** `more`: nothing against it so far, but it is not whole. `unusual`: not this lane's. */
export type ReadHead = PlainHead | "more" | "unusual";

const requestLine = /(POST|GET) (\/[!"$-~]*) HTTP\/1\.1\r\n/y;
const beginning = new RegExp(`^(?:POST|GET) /[!"$-~]* HTTP/1\\.1\\r\\n${strictBeginning}$`);
const pattern = fieldPattern([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
  "trailer",
  "http2-settings",
  ...heededNames,
]);
const endOfHead = Buffer.from("\r\n\r\n");
const heededSet: ReadonlySet<string> = new Set(heededNames);

/** Reads the head that begins at the first of `bytes`. Cost: linear in the head, about 1 microsecond for a usual one. */
export function readPlainHead(bytes: Buffer, maxBytes: number): ReadHead {
  const end = bytes.indexOf(endOfHead);
  if (end < 0 || end + 4 >= maxBytes) {
    if (end >= 0 || bytes.length >= maxBytes) return "unusual";
    return beginning.test(bytes.toString("latin1")) ? "more" : "unusual";
  }
  const text = bytes.toString("latin1", 0, end + 2);
  requestLine.lastIndex = 0;
  const [, method, target] = requestLine.exec(text) ?? [];
  if (method === undefined || target === undefined) return "unusual";
  const all = text.slice(requestLine.lastIndex);

  let plain = true;
  let hosts = 0;
  let length: number | undefined;
  let lines = "";
  let from = 0;
  let idLine = "";
  const heeded: Record<string, string> = {};
  const leave = (start: number, after: number): void => {
    lines += all.slice(from, start);
    from = after;
  };
  const strict = eachField(all, pattern, (name, value, start, after) => {
    if (heededSet.has(name)) {
      if (heeded[name] !== undefined) plain = false;
      heeded[name] = value;
      if (name !== "pilotfish-inference-id") return;
      idLine = all.slice(start, after);
      return leave(start, after);
    }
    switch (name) {
      case "host":
        hosts += 1;
        return;
      case "content-length":
        if (length !== undefined || !/^\d{1,15}$/.test(value)) plain = false;
        length = Number(value);
        return;
      case "connection":
        if (!/^keep-alive$/i.test(value)) plain = false;
        return leave(start, after);
      case "keep-alive":
      case "proxy-connection":
        return leave(start, after);
      default:
        plain = false;
    }
  });
  if (!strict || !plain || hosts !== 1 || (method === "POST") !== (length !== undefined)) return "unusual";
  return { method: method as "POST" | "GET", target, length: length ?? 0, lines: lines + all.slice(from), idLine, heeded, bytes: end + 4 };
}
