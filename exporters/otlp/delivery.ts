/**
 * One lane of batches on its way to the Collector, in order.
 *
 * While the Collector takes them, batches go out as they come. When one can not be delivered, it and all that follow go into
 * the spool, and leave it again from the oldest on once the Collector is back: each is removed after it was taken, so one
 * that was under way when the process ended may be sent twice, and none is lost before the spool's bound is. What a lane
 * left in the spool is sent first after a restart.
 *
 * What is tried again follows the OTLP specification: 429, 502, 503, 504 and no answer at all; anything else is refused for
 * good. Retry-After is heeded, else the pause doubles from 1 s up to 60 s. Source: OTLP specification 1.x, OTLP/HTTP response.
 */
import { wait, type Cancel, type Clock } from "../../agent/clock.ts";
import type { Log } from "../../agent/log.ts";
import type { Batch, Lane, Spool, SpooledBatch } from "./spool.ts";

export interface PostAnswer {
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly body: Uint8Array;
  /** For people. */
  readonly detail: string;
}

/** Sends one batch; settles within the time-out, never rejects. */
export type PostBatch = (lane: Lane, body: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<PostAnswer>;

export interface DeliveryDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly post: PostBatch;
  readonly spool: Spool;
  readonly dropped: (items: number) => void;
  /** Items that the Collector says it did not take, by the body of an answer that is a 200 all the same. */
  readonly rejectedIn: (lane: Lane, answer: Uint8Array) => number;
}

/** Batches that wait for one that is being sent; where there are more, they are the spool's. */
const waitingMax = 16;
const pauseMs = { first: 1_000, most: 60_000, retryAfterMost: 600_000 };
const retried: ReadonlySet<number | undefined> = new Set([undefined, 429, 502, 503, 504]);

export class Delivery {
  readonly #lane: Lane;
  readonly #deps: DeliveryDeps;
  readonly #abort = new AbortController();
  #waiting: Batch[] = [];
  /** From the start on, since a run before this one may have left something. */
  #fromSpool = true;
  #added = 0;
  #failures = 0;
  #complaining = false;
  #running: Promise<void> | undefined;
  #cancelPause: Cancel | undefined;
  #closed = false;

  constructor(lane: Lane, deps: DeliveryDeps) {
    this.#lane = lane;
    this.#deps = deps;
    this.#run();
  }

  push(batch: Batch): void {
    if (this.#fromSpool || this.#closed) return this.#spool(batch);
    this.#waiting.push(batch);
    // The first is being sent.
    if (this.#waiting.length > waitingMax) this.#spill(1);
    this.#run();
  }

  /** Sends what waits for at most `timeoutMs`, unless the Collector is away; what is left goes into the spool. */
  async close(timeoutMs: number): Promise<void> {
    const inTime = wait(this.#deps.clock, timeoutMs, this.#abort.signal).catch(() => {});
    await Promise.race([this.#running, inTime]);
    this.#closed = true;
    this.#cancelPause?.();
    this.#abort.abort(new Error("closing"));
    for (const batch of this.#waiting.splice(0)) this.#spool(batch);
  }

  /** From now on everything goes through the spool: those that wait, from this one on, and what comes. */
  #spill(from: number): void {
    this.#fromSpool = true;
    for (const batch of this.#waiting.splice(from)) this.#spool(batch);
  }

  #spool(batch: Batch): void {
    this.#added += 1;
    this.#deps.spool.add(this.#lane, batch);
  }

  #run(): void {
    if (this.#running !== undefined || this.#cancelPause !== undefined || this.#closed) return;
    this.#running = this.#deliver().finally(() => {
      this.#running = undefined;
      // What came after the last look.
      if (this.#waiting.length > 0) this.#run();
    });
  }

  async #deliver(): Promise<void> {
    for (;;) {
      const batch = await this.#next();
      if (batch === undefined || this.#isClosed()) return;
      const { status, retryAfter, body, detail } = await this.#deps.post(this.#lane, batch.body, this.#abort.signal);
      if (this.#isClosed()) return;
      if (retried.has(status)) return this.#later(retryAfter, detail);
      if (status !== undefined && status >= 200 && status < 300) this.#taken(batch, this.#deps.rejectedIn(this.#lane, body));
      else this.#refused(batch, detail);
      if ("id" in batch) this.#deps.spool.remove(batch.id);
      else this.#waiting.shift();
    }
  }

  async #next(): Promise<Batch | SpooledBatch | undefined> {
    // Older than whatever the spool holds.
    if (this.#waiting.length > 0) return this.#waiting[0];
    while (this.#fromSpool) {
      const added = this.#added;
      const batch = await this.#deps.spool.oldest(this.#lane);
      if (batch !== undefined || this.#isClosed()) return batch;
      // What was added meanwhile may have been too late to be seen.
      if (added === this.#added) this.#fromSpool = false;
    }
    return this.#waiting[0];
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #taken({ items }: Batch, rejected: number): void {
    if (rejected > 0) this.#deps.dropped(Math.min(rejected, items));
    if (this.#complaining) this.#deps.log.info({ lane: this.#lane }, "OTLP exports arrive again");
    this.#failures = 0;
    this.#complaining = false;
  }

  #refused({ items }: Batch, detail: string): void {
    this.#deps.dropped(items);
    this.#failures = 0;
    this.#complain(detail);
  }

  #later(retryAfter: string | undefined, detail: string): void {
    const { clock } = this.#deps;
    this.#complain(detail);
    // Where those behind it are in the spool already, the one that failed stays here, or it would come after them.
    this.#spill(this.#fromSpool ? 1 : 0);
    this.#failures += 1;
    const backoffMs = Math.min(pauseMs.most, pauseMs.first * 2 ** (this.#failures - 1)) * (0.75 + 0.5 * clock.random());
    const askedMs = retryAfterMs(retryAfter, clock.wallMs());
    this.#cancelPause = clock.after(askedMs ?? backoffMs, () => {
      this.#cancelPause = undefined;
      this.#run();
    });
  }

  /** When delivery begins to fail, not at each attempt. */
  #complain(detail: string): void {
    if (!this.#complaining) this.#deps.log.warn({ lane: this.#lane, detail: detail.slice(0, 200) }, "OTLP exports fail");
    this.#complaining = true;
  }
}

/** Seconds or a date (RFC 9110, 10.2.3), as a wait of at most ten minutes; undefined where it is neither. */
export function retryAfterMs(value: string | undefined, nowWallMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - nowWallMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), pauseMs.retryAfterMost);
}
