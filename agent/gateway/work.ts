/**
 * What is in flight at the primary, for the progress probe: the gateway knows what it sent and when something came of it,
 * whatever the server's health endpoint says.
 *
 * A request whose client is still sending, or does not take the answer, is not counted as waiting: that is not the server's
 * delay.
 */
import type { Clock } from "../clock.ts";
import type { Attempt } from "../forward/attempt.ts";
import type { FailedOutcome } from "../forward/classify.ts";
import type { Upload } from "./upload.ts";

export interface WorkReading {
  /** Inferences that the primary has and has not answered to the end. */
  readonly inFlight: number;
  /** Answers and parts of streamed answers so far; only rises. */
  readonly completed: number;
  /** The longest that any of them has waited since the last byte either way; undefined while none waits for the primary. */
  readonly oldestWaitMs: number | undefined;
  /** The 0.95 quantile of the time to the head of the latest 128 answers; undefined before the first. */
  readonly usualMs: number | undefined;
}

const latestCount = 128;
const usualQuantile = 0.95;

export class Work {
  readonly #clock: Clock;
  readonly #inferences = new Map<Attempt, Upload>();
  readonly #others = new Set<Attempt>();
  readonly #latestMs: number[] = [];
  #latestNext = 0;
  #completed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Only inferences are counted; others can be called back too. */
  begin(attempt: Attempt, upload: Upload, inference: boolean): void {
    if (inference) this.#inferences.set(attempt, upload);
    else this.#others.add(attempt);
  }

  /** A part of a streamed answer has come. */
  progress(): void {
    this.#completed += 1;
  }

  end(attempt: Attempt): void {
    this.#others.delete(attempt);
    if (!this.#inferences.delete(attempt) || attempt.headMs === undefined) return;
    this.#completed += 1;
    this.#latestMs[this.#latestNext] = attempt.headMs;
    this.#latestNext = (this.#latestNext + 1) % latestCount;
  }

  read(): WorkReading {
    const nowMs = this.#clock.monotonicMs();
    let oldestWaitMs: number | undefined;
    for (const [attempt, upload] of this.#inferences) {
      if (upload.waitsForClient || attempt.sinkFull) continue;
      const waitMs = nowMs - Math.max(attempt.lastByteMs, upload.lastByteMs);
      if (oldestWaitMs === undefined || waitMs > oldestWaitMs) oldestWaitMs = waitMs;
    }
    return { inFlight: this.#inferences.size, completed: this.#completed, oldestWaitMs, usualMs: this.#usualMs() };
  }

  /** Calls back every attempt that has no answer byte yet. */
  release(outcome: FailedOutcome): void {
    for (const attempt of [...this.#inferences.keys(), ...this.#others]) {
      if (attempt.headMs === undefined) attempt.cancel(outcome, "called back: the primary makes no progress");
    }
  }

  #usualMs(): number | undefined {
    const sorted = this.#latestMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(usualQuantile * sorted.length))];
  }
}
