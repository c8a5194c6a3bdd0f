/** The ordinary lane: node:http takes the request in, undici sends it on. The full language of HTTP/1.1. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Attempt } from "../forward/attempt.ts";
import { endToEnd } from "./headers.ts";
import type { Incoming, Sending } from "./incoming.ts";
import { OrdinaryReply } from "./ordinary-reply.ts";
import { Upload } from "./upload.ts";
import type { UploadOptions } from "./upload.ts";

/** Undici can not send trailers, so they stay behind with what announces them (RFC 9110, section 6.5.1 allows it). */
const leftOut: ReadonlySet<string> = new Set(["expect", "trailer"]);
const leftOutOrReplaced: ReadonlySet<string> = new Set([...leftOut, "pilotfish-inference-id"]);
const leftOutOrTraced: ReadonlySet<string> = new Set([...leftOutOrReplaced, "traceparent", "tracestate"]);

export class OrdinaryIncoming implements Incoming {
  readonly method: string;
  readonly target: string;
  readonly declaredBytes: number | undefined;
  readonly heeded: IncomingHttpHeaders;
  readonly reply: OrdinaryReply;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage, response: ServerResponse) {
    const { method = "GET", url = "/", headers } = request;
    this.#request = request;
    this.method = method;
    this.target = url;
    this.heeded = headers;
    this.declaredBytes = headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : undefined;
    this.reply = new OrdinaryReply(request, response);
  }

  headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  header(name: string): string | undefined {
    return joined(this.#request.headers[name]);
  }

  upload(options: Omit<UploadOptions, "hasBody">): Upload {
    const request = this.#request;
    const upload = new Upload(request, { ...options, hasBody: this.declaredBytes !== 0 });
    if (!upload.hasBody) return upload;
    request.pause(); // Before there is a listener, which would set it going.
    request.on("data", (chunk: Buffer) => upload.take(chunk));
    request.on("end", () => upload.finish("whole"));
    request.on("error", () => upload.finish("cut"));
    request.on("close", () => upload.finish("cut"));
    return upload;
  }

  send({ to, path, body, added, replaced, deadlineMs, hold }: Sending): Attempt {
    const known = added.length === 0 ? leftOut : added.includes("traceparent") ? leftOutOrTraced : leftOutOrReplaced;
    const left = replaced === undefined ? known : new Set([...known, "content-length", ...Object.keys(replaced)]);
    const headers = endToEnd(this.#request.rawHeaders, to.host === undefined ? left : new Set([...left, "host"]));
    if (to.host !== undefined) headers.push("host", to.host);
    headers.push(...added, ...Object.entries(replaced ?? {}).flat());
    return to.ordinary.attempt({ method: this.method, path: to.basePath + path, headers, body, deadlineMs, hold });
  }
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "object" ? value.join(", ") : value;
}
