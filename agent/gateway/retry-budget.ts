/**
 * How many second attempts are allowed: a share of the requests of the last ten seconds, and a few where there were hardly
 * any. One budget for all requests, so that retries can never add more than that share to the load of a server in trouble.
 *
 * Ten buckets of a second each expire by their own time when they are read, so a quiet hour leaves nothing behind.
 */
const bucketMs = 1_000;
const bucketCount = 10;

export interface RetryPolicy {
  /** Retries to requests, 0 to 1. */
  readonly ratio: number;
  /** Allowed in ten seconds however few requests there were. */
  readonly min: number;
}

export class RetryBudget {
  readonly #policy: RetryPolicy;
  /** Which second each bucket is of, and its counts. */
  readonly #seconds = new Float64Array(bucketCount).fill(-1);
  readonly #requests = new Float64Array(bucketCount);
  readonly #retries = new Float64Array(bucketCount);

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** A request has come. */
  request(nowMs: number): void {
    this.#requests[this.#bucket(nowMs)]! += 1;
  }

  /** Takes a retry from the budget; false where it is spent. */
  take(nowMs: number): boolean {
    const bucket = this.#bucket(nowMs);
    const oldest = Math.floor(nowMs / bucketMs) - bucketCount;
    let requests = 0;
    let retries = 0;
    for (let i = 0; i < bucketCount; i += 1) {
      if (this.#seconds[i]! <= oldest) continue;
      requests += this.#requests[i]!;
      retries += this.#retries[i]!;
    }
    if (retries >= Math.max(this.#policy.min, this.#policy.ratio * requests)) return false;
    this.#retries[bucket]! += 1;
    return true;
  }

  #bucket(nowMs: number): number {
    const second = Math.floor(nowMs / bucketMs);
    const index = second % bucketCount;
    if (this.#seconds[index] !== second) {
      this.#seconds[index] = second;
      this.#requests[index] = 0;
      this.#retries[index] = 0;
    }
    return index;
  }
}
