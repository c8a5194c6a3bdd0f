/**
 * Answers that a person should look at, the latest of them. It is bounded and lets its oldest go: a question that nobody has
 * looked at for so long is not worth more than the newest.
 */
export interface Review {
  readonly inferenceId: string;
  readonly model: string;
  /** Of the least sure row. */
  readonly confidence: number;
  /** The first rows that are not sure. */
  readonly rows: readonly number[];
  readonly atWallMs: number;
}

export class ReviewList {
  readonly #max: number;
  readonly #reviews: Review[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** True where an older one was let go. */
  add(review: Review): boolean {
    this.#reviews.push(review);
    if (this.#reviews.length <= this.#max) return false;
    this.#reviews.shift();
    return true;
  }

  /** Oldest first. */
  all(): readonly Review[] {
    return this.#reviews;
  }
}
