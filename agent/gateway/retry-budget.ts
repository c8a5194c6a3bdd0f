/**
 * How many second attempts are allowed: a share of the requests of the last ten seconds, and a few where there were hardly
 * any. One budget for all requests, so that retries can never add more than that share to the load of a server in trouble.
 *
 * Ten buckets of a second each expire by their own time when they are read, so a quiet hour leaves nothing behind. Their cells
 * may lie in memory that several threads share, whose clocks count from the same moment. Two that enter a new second at once
 * may lose a count or two of it; a retry is never given out twice.
 */
const bucketMs = 1_000;
const bucketCount = 10;

export interface RetryPolicy {
  /** Retries to requests, 0 to 1. */
  readonly ratio: number;
  /** Allowed in ten seconds however few requests there were. */
  readonly min: number;
}

/** For each bucket which second it is of, and its counts of requests and of retries. */
export function retryCells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(3 * bucketCount * Int32Array.BYTES_PER_ELEMENT));
}

export class RetryBudget {
  readonly #policy: RetryPolicy;
  readonly #seconds: Int32Array;
  readonly #requests: Int32Array;
  readonly #retries: Int32Array;

  constructor(policy: RetryPolicy, cells: Int32Array = retryCells()) {
    this.#policy = policy;
    this.#seconds = cells.subarray(0, bucketCount);
    this.#requests = cells.subarray(bucketCount, 2 * bucketCount);
    this.#retries = cells.subarray(2 * bucketCount);
  }

  /** A request has come. */
  request(nowMs: number): void {
    Atomics.add(this.#requests, this.#bucket(nowMs), 1);
  }

  /** Takes a retry from the budget; false where it is spent. */
  take(nowMs: number): boolean {
    const bucket = this.#bucket(nowMs);
    // Counted before the sum is taken, so that of two threads that want the last one not both get it.
    Atomics.add(this.#retries, bucket, 1);
    const oldest = Math.floor(nowMs / bucketMs) - bucketCount;
    let requests = 0;
    let retries = 0;
    for (let i = 0; i < bucketCount; i += 1) {
      if (Atomics.load(this.#seconds, i) <= oldest) continue;
      requests += Atomics.load(this.#requests, i);
      retries += Atomics.load(this.#retries, i);
    }
    if (retries - 1 < Math.max(this.#policy.min, this.#policy.ratio * requests)) return true;
    Atomics.sub(this.#retries, bucket, 1);
    return false;
  }

  #bucket(nowMs: number): number {
    const second = Math.floor(nowMs / bucketMs);
    const index = second % bucketCount;
    const before = Atomics.load(this.#seconds, index);
    if (before !== second && Atomics.compareExchange(this.#seconds, index, before, second) === before) {
      Atomics.store(this.#requests, index, 0);
      Atomics.store(this.#retries, index, 0);
    }
    return index;
  }
}
