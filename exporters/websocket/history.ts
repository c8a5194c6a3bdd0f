/**
 * The last of what was published, by number: from here a subscriber is served that comes back, or that reads more slowly
 * than signals are made. A ring: the oldest makes room for the newest.
 */
export class History<T> {
  readonly #size: number;
  /** Number n lies at (n - 1) modulo size. */
  readonly #items: T[] = [];
  #lastSeq = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** The number of the newest; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The number of the oldest still here; one above `lastSeq` where there is none. */
  get oldestSeq(): number {
    return this.#lastSeq - this.#items.length + 1;
  }

  /** Takes the number `lastSeq + 1`. */
  add(item: T): void {
    this.#items[this.#lastSeq % this.#size] = item;
    this.#lastSeq += 1;
  }

  /** undefined where it is gone or not yet made. */
  at(seq: number): T | undefined {
    return seq >= this.oldestSeq && seq <= this.#lastSeq ? this.#items[(seq - 1) % this.#size] : undefined;
  }
}
