/**
 * What all workers of one gateway count together, in memory that they share: for each count a slot a worker, which only that
 * worker writes. The limits are so the whole gateway's, whichever worker a connection has fallen to, no worker waits for
 * another, and what a worker had counted when it died is taken back by clearing its slots.
 *
 * A gateway that is alone has the same with one slot.
 */
import { retryCells } from "./retry-budget.ts";

export interface Shared {
  /** Whose slot is ours. */
  readonly own: number;
  /** Requests being served. */
  readonly active: Int32Array;
  /** KiB kept for a second attempt or a rung, rounded up. */
  readonly keptKiB: Int32Array;
  /** When a connection or a request came last. */
  readonly arrivedMs: Float64Array;
  /** The cells of the one retry budget. */
  readonly retries: Int32Array;
}

export function shared(workers: number = 1): Shared {
  const slots = () => new Int32Array(new SharedArrayBuffer(4 * workers));
  const arrivedMs = new Float64Array(new SharedArrayBuffer(8 * workers)).fill(-Infinity);
  return { own: 0, active: slots(), keptKiB: slots(), arrivedMs, retries: retryCells() };
}

/** Takes back what a worker that is gone had counted. */
export function clear({ active, keptKiB }: Shared, slot: number): void {
  Atomics.store(active, slot, 0);
  Atomics.store(keptKiB, slot, 0);
}

export function sum(slots: Int32Array): number {
  let total = 0;
  for (let slot = 0; slot < slots.length; slot += 1) total += Atomics.load(slots, slot);
  return total;
}

/** So many of something, with a bound on all workers' together. Cost: O(workers) to take one. */
export class Tally {
  readonly #slots: Int32Array;
  readonly #own: number;

  constructor(slots: Int32Array = new Int32Array(1), own: number = 0) {
    this.#slots = slots;
    this.#own = own;
  }

  /** Counts first and looks then, so that two who take the last one at once may both be refused, but never both get it. */
  take(most: number): boolean {
    Atomics.add(this.#slots, this.#own, 1);
    if (sum(this.#slots) <= most) return true;
    this.give();
    return false;
  }

  give(): void {
    Atomics.sub(this.#slots, this.#own, 1);
  }
}
