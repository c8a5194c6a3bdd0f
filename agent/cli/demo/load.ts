/**
 * Traffic for the demo: an open loop, so that a slow answer does not slow the asking down (a closed loop would hide just
 * the moments that matter). Loopback only, bounded in rate and in requests at once.
 */
import { Pool } from "undici";
import type { Clock } from "../../clock.ts";

export interface Question {
  readonly id: string;
  readonly body: string;
}

export interface Answered {
  readonly id: string;
  /** When it was sent, monotonic. */
  readonly sentMs: number;
  readonly durationMs: number;
  /** 0 where no answer came. */
  readonly status: number;
  readonly rung: string;
  readonly reason: string;
  readonly body: string;
  /** Why it counts as failed; undefined for a good answer in time. */
  readonly failure: string | undefined;
}

export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  readonly ratePerSecond: number;
  /** Each request's own deadline, told to the gateway and held against it. */
  readonly deadlineMs: number;
  readonly atOnceMax: number;
}

const periodMs = 5;

/** Sends `next()` at the rate until stopped; every answer is handed to `answered`. */
export function startLoad({ url, path, ratePerSecond, deadlineMs, atOnceMax }: LoadOptions, clock: Clock, next: () => Question, answered: (answer: Answered) => void) {
  const pool = new Pool(url, { connections: atOnceMax, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const startMs = clock.monotonicMs();
  const pending = new Set<Promise<void>>();
  let sent = 0;
  let skipped = 0;

  async function ask(question: Question): Promise<void> {
    const sentMs = clock.monotonicMs();
    // A little beyond the deadline, so that the gateway's lateness is seen and not only assumed.
    const abort = new AbortController();
    const cancel = clock.after(deadlineMs + 1_000, () => abort.abort());
    const result = { status: 0, rung: "", reason: "", body: "" };
    let failure: string | undefined;
    try {
      const response = await pool.request({
        path,
        method: "POST",
        headers: { "content-type": "application/json", "pilotfish-inference-id": question.id, "pilotfish-timeout-ms": String(deadlineMs) },
        body: question.body,
        signal: abort.signal,
      });
      result.status = response.statusCode;
      result.rung = String(response.headers["pilotfish-rung"] ?? "");
      result.reason = String(response.headers["pilotfish-reason"] ?? "");
      result.body = await response.body.text();
      if (result.status !== 200) failure = `status ${result.status}`;
    } catch (error) {
      failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    } finally {
      cancel();
    }
    const durationMs = clock.monotonicMs() - sentMs;
    if (failure === undefined && durationMs > deadlineMs) failure = `later than its deadline: ${Math.round(durationMs)} ms`;
    answered({ id: question.id, sentMs, durationMs, ...result, failure });
  }

  const cancel = clock.every(periodMs, () => {
    const due = Math.floor(((clock.monotonicMs() - startMs) / 1_000) * ratePerSecond);
    for (; sent + skipped < due; ) {
      if (pending.size >= atOnceMax) {
        skipped += 1;
        continue;
      }
      sent += 1;
      const one = ask(next());
      pending.add(one);
      void one.finally(() => pending.delete(one));
    }
  });

  return {
    /** Requests that could not be sent, because too many were waiting. */
    skipped: () => skipped,
    async stop(): Promise<void> {
      cancel();
      await Promise.allSettled(pending);
      await pool.close();
    },
  };
}
