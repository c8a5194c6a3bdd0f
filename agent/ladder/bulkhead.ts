/**
 * A bulkhead: at most so many questions at once, and a short queue for the rest. One rung that has become slow can not take
 * all of a gateway's memory with it, and who finds the queue full is told at once and asks the next rung.
 */
export interface BulkheadOptions {
  /** Questions at once. */
  readonly active: number;
  /** Questions that may wait for a place. */
  readonly waiting: number;
}

export class Bulkhead {
  readonly #options: BulkheadOptions;
  readonly #queue = new Set<() => void>();
  #active = 0;

  constructor(options: BulkheadOptions) {
    this.#options = options;
  }

  /** `in`: there is a place, which `leave` must give back. `given-up`: the signal was aborted while it waited. First come, first served. */
  enter(signal: AbortSignal): "in" | "full" | Promise<"in" | "given-up"> {
    if (this.#active < this.#options.active) {
      this.#active += 1;
      return "in";
    }
    if (this.#queue.size >= this.#options.waiting) return "full";
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#queue.delete(take);
        resolve("given-up");
      };
      const take = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve("in");
      };
      this.#queue.add(take);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The place goes to who has waited longest. */
  leave(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#active -= 1;
      return;
    }
    this.#queue.delete(next);
    next();
  }
}
