/**
 * One short question to a server, with the whole answer read within its time: for probes, collectors and pushes. Each goes
 * over a fresh connection of its own, so that it neither queues behind the traffic nor finds a dead connection kept alive.
 */
import type { Clock } from "../clock.ts";
import { backendPool, type BackendPool } from "./pool.ts";

export interface AskRequest {
  readonly url: string | URL;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** For all of it: connecting, sending, and the answer to its last byte. */
  readonly timeoutMs: number;
  /** Longest body taken; default 1 MiB. */
  readonly bodyMaxBytes?: number;
  readonly signal?: AbortSignal;
  /** Certificates, in PEM, of whom a server of https is to be certified by; default those that Node knows. */
  readonly ca?: string | undefined;
}

export type Asked =
  | {
      readonly ok: true;
      /** Any status: what it means is for the asker to say. Redirections are not followed. */
      readonly status: number;
      /** Lower-case names; fields that came more than once are joined by ", ". */
      readonly headers: Record<string, string>;
      readonly body: Buffer;
      readonly durationMs: number;
    }
  | {
      readonly ok: false;
      readonly outcome: "refused" | "reset" | "timeout" | "invalid" | "too-large" | "cancelled";
      /** A sentence for a person. */
      readonly detail: string;
      readonly durationMs: number;
    };

/** Never rejects. Cost: one connection, and the body in memory. */
export async function ask(clock: Clock, request: AskRequest): Promise<Asked> {
  const url = URL.parse(request.url.toString());
  if (url === null || !/^https?:$/.test(url.protocol)) return { ok: false, outcome: "invalid", detail: `no http address: ${request.url.toString().slice(0, 150)}`, durationMs: 0 };
  const pool = backendPool(clock, { server: url, connections: 1, connectTimeoutMs: request.timeoutMs, ca: request.ca });
  const asked = await askOver(clock, pool, request);
  void pool.close();
  return asked;
}

/** The same over connections that are kept. */
export async function askOver(clock: Clock, pool: BackendPool, request: AskRequest): Promise<Asked> {
  const startMs = clock.monotonicMs();
  const failed = (outcome: Extract<Asked, { ok: false }>["outcome"], detail: string): Asked => {
    return { ok: false, outcome, detail, durationMs: clock.monotonicMs() - startMs };
  };
  const { method = "GET", headers = {}, bodyMaxBytes = 1_048_576, signal } = request;
  if (signal?.aborted === true) return failed("cancelled", "cancelled before it was sent");
  const url = new URL(request.url);
  const attempt = pool.attempt({
    method,
    path: url.pathname + url.search,
    headers: Object.entries(headers).flat(),
    body: request.body === undefined ? null : Buffer.from(request.body),
    deadlineMs: () => startMs + request.timeoutMs,
    hold: () => bodyMaxBytes,
  });
  const onAbort = () => attempt.cancel("cancelled", "cancelled while waiting");
  signal?.addEventListener("abort", onAbort, { once: true });
  const answered = await attempt.answered;
  signal?.removeEventListener("abort", onAbort);
  attempt.cancel("cancelled", "over");

  if (!answered.ok) {
    const { outcome, detail } = answered;
    return failed(outcome === "stalled" || outcome === "unsupported" ? "invalid" : outcome, detail);
  }
  if (!answered.whole) return failed("too-large", `the answer has more than ${bodyMaxBytes} bytes`);
  return {
    ok: true,
    status: answered.head.status,
    headers: record(answered.head.headers),
    body: Buffer.concat(attempt.held),
    durationMs: clock.monotonicMs() - startMs,
  };
}

/** What a room is handed to ask with. */
export type Ask = typeof ask;

function record(fields: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    const value = fields[i + 1] as string;
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
