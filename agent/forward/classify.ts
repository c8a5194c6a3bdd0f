/**
 * What an error of the HTTP client means for the backend, in our closed set of outcomes. The one place that knows undici's,
 * node:http's and the system's error codes.
 */
import type { Outcome } from "../backend.ts";

export type FailedOutcome = Extract<
  Outcome,
  "refused" | "reset" | "timeout" | "stalled" | "invalid" | "unsupported" | "cancelled" | "too-large"
>;

export interface Failure {
  readonly outcome: FailedOutcome;
  /** For people and logs; at most 200 characters. */
  readonly detail: string;
}

/** The request can not be put on the wire: its path, method or a header breaks HTTP's rules. */
const unsendable = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH"]);

/**
 * Bytes came back that are no HTTP. An end of input in the middle of a message is a parser's error too, and a broken
 * connection. Undici 8 leaves the parser's code undefined, so name and message have to do; node:http gives it.
 */
function isGarbage({ name, code, message }: { readonly name: string; readonly code: string; readonly message: string }): boolean {
  if (name === "HTTPParserError") return !message.includes("EOF");
  if (code.startsWith("HPE_")) return code !== "HPE_INVALID_EOF_STATE";
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return true; // A length that its chunks contradict.
  return code === "UND_ERR_HEADERS_OVERFLOW" || message === "bad response" || message === "bad upgrade";
}

/**
 * `connected`: the request was being written to a connection. Before that every error means that no connection could be
 * made; after it, that the connection broke, unless what came over it was no HTTP.
 */
export function classify(error: unknown, connected: boolean): Failure {
  const { name = "", code = "", message = String(error) } = error as { name?: string; code?: string; message?: string };
  const detail = (message === "" ? code : message).slice(0, 200);
  if (unsendable.has(code)) return { outcome: "unsupported", detail };
  if (!connected) return { outcome: "refused", detail };
  return { outcome: isGarbage({ name, code, message }) ? "invalid" : "reset", detail };
}
