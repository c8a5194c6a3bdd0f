/**
 * A question that is passed on to another server and the answer that comes back, both as bytes. What concerns one connection
 * alone stays behind (RFC 9110, section 7.6.1), and so do the headers in which the other server may speak as a gateway itself.
 */
import type { Question, RungAnswer } from "../backend.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { noAnswer } from "./answer-check.ts";

/** What came back from another server. */
export type Sent =
  | {
      readonly ok: true;
      readonly status: number;
      /** Lower-case names. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
    }
  | { readonly ok: false; readonly outcome: "refused" | "reset" | "timeout" | "invalid" | "too-large" | "cancelled"; readonly detail: string };

/** Asks `server`, whose path goes before the question's, over connections that are kept. Never rejects. */
export type Send = (server: URL, question: Question, timeoutMs: number, signal: AbortSignal) => Promise<Sent>;

const ofOneConnection = new Set(["connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** The same question as another server is to get it. `deadlineMs` stays behind: that time is this clock's. */
export function passedOn({ method, path, headers, body, shadow }: Question, changedPath: string = path): Question {
  // Whoever gets a copy may want to know that nobody waits for the answer.
  return { method, path: changedPath, headers: { ...endToEnd(headers), ...(shadow === undefined ? {} : { "pilotfish-shadow": shadow }) }, body };
}

/** The answer of a rung that asks a server. `failed`: the server did not do its part, and may be held to account for it. */
export function answerFrom(sent: Sent, protocol: Protocol, version: string | undefined): { readonly answer: RungAnswer; readonly failed: boolean } {
  if (!sent.ok) {
    const { outcome, detail } = sent;
    return { answer: { outcome: outcome === "timeout" || outcome === "cancelled" ? "timeout" : "error", detail: `${outcome}: ${detail}` }, failed: outcome !== "cancelled" && outcome !== "too-large" };
  }
  const { status, headers, body } = sent;
  if (status === 429 || (status === 503 && headers["retry-after"] !== undefined)) return { answer: { outcome: "overloaded", detail: `answered ${status}` }, failed: false };
  if (status >= 500) return { answer: { outcome: "error", detail: `answered ${status}` }, failed: true };
  if (status >= 400) return { answer: { outcome: "rejected", detail: `answered ${status}` }, failed: false };
  // A redirection answers nobody, and is not followed.
  if (status >= 300) return { answer: { outcome: "error", detail: `answered ${status}` }, failed: true };
  const why = noAnswer(body, headers, protocol);
  if (why !== undefined) return { answer: { outcome: "error", detail: `answered ${status} with what is no answer: ${why}` }, failed: true };
  return { answer: { outcome: "ok", status, headers: endToEnd(headers) as Record<string, string>, body, version: version ?? protocol.versionIn(body) }, failed: false };
}

function endToEnd<Value extends string | readonly string[] | undefined>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
  const named = new Set(String(headers.connection ?? "").toLowerCase().split(/\s*,\s*/));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofOneConnection.has(name) && !named.has(name) && !name.startsWith("pilotfish-")));
}
