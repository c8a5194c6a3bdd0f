/** The latest numbers of a stream, and their quantiles. Cost: 8 bytes and one store for each; a quantile sorts them. */
export class Latest {
  readonly #values: Float64Array;
  #next = 0;
  #filled = 0;

  /** @param count how many are kept. */
  constructor(count: number) {
    this.#values = new Float64Array(count);
  }

  push(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#values.length;
    if (this.#filled < this.#values.length) this.#filled += 1;
  }

  /** The smallest of them that at least the share `q` does not exceed; undefined while there are none. */
  quantile(q: number): number | undefined {
    const sorted = this.#values.subarray(0, this.#filled).toSorted();
    return sorted[Math.min(this.#filled - 1, Math.floor(q * this.#filled))];
  }
}
