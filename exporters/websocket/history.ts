/**
 * The last frames that were published, by their number: from here a subscriber is served that comes back, or that reads
 * more slowly than signals are made. A ring: the oldest frame makes room for the newest.
 */
export class History {
  readonly #size: number;
  /** Frame number n lies at (n - 1) modulo size. */
  readonly #frames: Buffer[] = [];
  #lastSeq = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** The number of the newest frame; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The number of the oldest frame still here; one above `lastSeq` where there is none. */
  get oldestSeq(): number {
    return this.#lastSeq - this.#frames.length + 1;
  }

  /** The frame must bear the number `lastSeq + 1`. */
  add(frame: Buffer): void {
    this.#frames[this.#lastSeq % this.#size] = frame;
    this.#lastSeq += 1;
  }

  /** undefined where it is gone or not yet made. */
  at(seq: number): Buffer | undefined {
    return seq >= this.oldestSeq && seq <= this.#lastSeq ? this.#frames[(seq - 1) % this.#size] : undefined;
  }
}
