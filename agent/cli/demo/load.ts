/**
 * Traffic for the demo: an open loop, so that a slow answer does not slow the asking down (a closed loop would hide just
 * the moments that matter). Loopback only, bounded in rate and in requests at once.
 */
import { Agent, request, type IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../clock.ts";

export interface Question {
  readonly id: string;
  readonly body: string;
  /** Beside those that every request has; lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
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
  const agent = new Agent({ keepAlive: true, maxSockets: atOnceMax });
  const startMs = clock.monotonicMs();
  const pending = new Set<Promise<void>>();
  let sent = 0;
  let skipped = 0;

  async function ask(question: Question): Promise<void> {
    const sentMs = clock.monotonicMs();
    // A little beyond the deadline, so that the gateway's lateness is seen and not only assumed.
    const abort = new AbortController();
    const cancel = clock.after(deadlineMs + 1_000, () => abort.abort());
    let reply: Reply = { status: 0, headers: {}, body: "" };
    let failure: string | undefined;
    try {
      reply = await post(new URL(path, url), agent, question, deadlineMs, abort.signal);
      if (reply.status !== 200) failure = `status ${reply.status}: ${reply.body.slice(0, 200)}`;
    } catch (error) {
      failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    } finally {
      cancel();
    }
    const durationMs = clock.monotonicMs() - sentMs;
    if (failure === undefined && durationMs > deadlineMs) failure = `later than its deadline: ${Math.round(durationMs)} ms`;
    const { status, headers, body } = reply;
    answered({ id: question.id, sentMs, durationMs, status, rung: String(headers["pilotfish-rung"] ?? ""), reason: String(headers["pilotfish-reason"] ?? ""), body, failure });
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
      agent.destroy();
    },
  };
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function post(url: URL, agent: Agent, { id, body, headers: own }: Question, deadlineMs: number, signal: AbortSignal): Promise<Reply> {
  const headers = {
    ...own,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "pilotfish-inference-id": id,
    "pilotfish-timeout-ms": String(deadlineMs),
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: "POST", agent, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString("utf8") }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}
