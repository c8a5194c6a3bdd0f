/**
 * What a worker has to tell, on its way to the main thread: gathered for a few milliseconds, so that a busy worker posts one
 * message and not hundreds, and in the order in which it was told. A failed attempt goes at once, with all that waits before
 * it, since failover decides by it: however the workers' messages mix, each one's failures in a row are in a row.
 *
 * What has not been heard yet is bounded in number and bytes. Beyond that nothing more is taken until the main thread has
 * caught up, and what is let go is counted.
 */
import { isFailure } from "../backend.ts";
import type { Cancel, Clock } from "../clock.ts";
import type { Observation } from "../observation.ts";
import { portable, type Call } from "./crossing.ts";

export interface Telling {
  readonly calls: readonly Call[];
  /** Calls that were let go before these. */
  readonly lost: number;
  /** To be given back to `heard`. */
  readonly bytes: number;
}

export interface OutboxBounds {
  readonly calls: number;
  readonly bytes: number;
}

const outboxBounds: OutboxBounds = { calls: 16_384, bytes: 32 * 1_048_576 };
const gatherMs = 5;
/** A batch as large as this goes at once. */
const batchCalls = 512;

export class Outbox {
  readonly #clock: Clock;
  readonly #post: (telling: Telling, transfer: readonly ArrayBuffer[]) => void;
  readonly #bounds: OutboxBounds;
  #calls: Call[] = [];
  #transfer: ArrayBuffer[] = [];
  #bytes = 0;
  #lost = 0;
  readonly #unheard = { calls: 0, bytes: 0 };
  #gathering: Cancel | undefined;

  constructor(clock: Clock, post: (telling: Telling, transfer: readonly ArrayBuffer[]) => void, bounds: OutboxBounds = outboxBounds) {
    this.#clock = clock;
    this.#post = post;
    this.#bounds = bounds;
  }

  tell(path: string, given: readonly unknown[]): void {
    const { args, transfer, bytes } = portable(given);
    if (this.#unheard.calls >= this.#bounds.calls || this.#unheard.bytes + bytes > this.#bounds.bytes) {
      this.#lost += 1;
      return;
    }
    this.#calls.push([path, args]);
    this.#transfer.push(...transfer);
    this.#bytes += bytes;
    this.#unheard.calls += 1;
    this.#unheard.bytes += bytes;
    if (this.#calls.length >= batchCalls || decides(path, given[0])) this.flush();
    else this.#gathering ??= this.#clock.after(gatherMs, () => this.flush());
  }

  /** The main thread has heard a batch of so many calls and bytes. */
  heard(calls: number, bytes: number): void {
    this.#unheard.calls -= calls;
    this.#unheard.bytes -= bytes;
  }

  /** Posts what waits. */
  flush(): void {
    this.#gathering?.();
    this.#gathering = undefined;
    if (this.#calls.length === 0 && this.#lost === 0) return;
    const telling: Telling = { calls: this.#calls, lost: this.#lost, bytes: this.#bytes };
    const transfer = this.#transfer;
    this.#calls = [];
    this.#transfer = [];
    this.#bytes = 0;
    this.#lost = 0;
    this.#post(telling, transfer);
  }
}

/** Failover may decide by it: a failure, or what became of a trial. */
function decides(path: string, told: unknown): boolean {
  if (path !== "observe") return false;
  const observation = told as Observation;
  return observation.kind === "attempt" && (observation.trial || isFailure(observation.outcome));
}
