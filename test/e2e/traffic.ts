/** Census traffic in an open loop: a slow answer does not slow the asking down. Bounded in rate and in requests at once. */
import { Pool } from "undici";
import { inferRequest, type CensusRow } from "../../examples/employment/rows.ts";
import { inferPath } from "./pilotfish.ts";

export interface Answer {
  readonly id: string;
  readonly rows: readonly CensusRow[];
  /** 0 where no answer came. */
  readonly status: number;
  readonly rung: string;
  readonly reason: string;
  /** What went wrong where the status is 0, else the answer. */
  readonly text: string;
}

export interface Traffic {
  /** In the order in which they came. */
  readonly answers: readonly Answer[];
  /** Other rows from now on. */
  switchTo(rows: readonly CensusRow[]): void;
  /** Kept once every request was answered. May be called again. */
  stop(): Promise<void>;
}

const periodMs = 20;
const connections = 64;
const deadlineMs = 5_000;

export function startTraffic(gateway: string, { perSecond, batch }: { readonly perSecond: number; readonly batch: number }, rows: readonly CensusRow[]): Traffic {
  const pool = new Pool(gateway, { connections, pipelining: 1 });
  const answers: Answer[] = [];
  const pending = new Set<Promise<void>>();
  const startMs = performance.now();
  let source = rows;
  let next = 0;
  let sent = 0;

  async function ask(id: string, asked: readonly CensusRow[]): Promise<void> {
    try {
      const { statusCode, headers, body } = await pool.request({
        method: "POST",
        path: inferPath,
        headers: { "content-type": "application/json", "pilotfish-inference-id": id },
        body: JSON.stringify(inferRequest(asked)),
        signal: AbortSignal.timeout(deadlineMs),
      });
      answers.push({ id, rows: asked, status: statusCode, rung: String(headers["pilotfish-rung"]), reason: String(headers["pilotfish-reason"]), text: await body.text() });
    } catch (error) {
      answers.push({ id, rows: asked, status: 0, rung: "", reason: "", text: String(error) });
    }
  }

  const timer = setInterval(() => {
    for (const due = ((performance.now() - startMs) / 1_000) * perSecond; sent < due; sent += 1) {
      if (next + batch > source.length) next = 0;
      const one = ask(`e2e-${sent}`, source.slice(next, (next += batch)));
      pending.add(one);
      void one.finally(() => pending.delete(one));
    }
  }, periodMs);

  const stop = async () => {
    clearInterval(timer);
    await Promise.all(pending);
    await pool.close();
  };
  let stopping: Promise<void> | undefined;

  return {
    answers,
    switchTo(other) {
      source = other;
      next = 0;
    },
    stop: () => (stopping ??= stop()),
  };
}
