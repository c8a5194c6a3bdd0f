/**
 * A request as its lane hands it to the exchange: what it asks, and the means to move it. What is decided about a request does
 * not depend on the lane; how its bytes move does.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Attempt, AttemptLimits } from "../forward/attempt.ts";
import type { Destination } from "./destination.ts";
import type { Reply } from "./reply.ts";
import type { Upload, UploadOptions } from "./upload.ts";

/** The fields that the gateway itself heeds. */
export const heededNames = ["pilotfish-inference-id", "x-request-id", "traceparent", "pilotfish-timeout-ms", "x-envoy-expected-rq-timeout-ms", "pilotfish-priority"] as const;

/** What is sent to a server besides what the client sent. */
export interface Sending extends AttemptLimits {
  readonly to: Destination;
  /** With query, below the server's own path. */
  readonly path: string;
  readonly body: Buffer | Readable | null;
  /** Fields to add, names and values by turns; the client's own of these names stay behind. */
  readonly added: readonly string[];
  /** Set where the body is not the client's own: fields that stand for the client's of these names. Lower-case names. */
  readonly replaced?: Readonly<Record<string, string>> | undefined;
}

export interface Incoming {
  readonly method: string;
  /** The request's target as it was sent. */
  readonly target: string;
  /** Content-Length; undefined for a chunked body, 0 for none. */
  readonly declaredBytes: number | undefined;
  /** At least the fields in `heededNames`, in lower case. */
  readonly heeded: IncomingHttpHeaders;
  readonly reply: Reply;
  /** All fields, for a rung; lower-case names. */
  headers(): IncomingHttpHeaders;
  /** One field's value, those of several joined; undefined where there is none. Lower-case name. */
  header(name: string): string | undefined;
  /** To be called once. */
  upload(options: Omit<UploadOptions, "hasBody">): Upload;
  /** One attempt at a server. */
  send(sending: Sending): Attempt;
}
