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

/** An attempt under way, and where it stands among the others. */
export interface Flight {
  readonly attempt: Attempt;
  readonly upload: Upload;
  /** Only inferences are counted; others can be called back too. */
  readonly inference: boolean;
  place: number;
}

const latestCount = 128;
const usualQuantile = 0.95;

export class Work {
  readonly #clock: Clock;
  /**
   * In no order. Not a Map, whose discarded tables hold on to each other and to all that was in them: with one for every few
   * requests, a fifth of what a request allocates lived until the next full collection.
   */
  readonly #flights: Flight[] = [];
  #inferences = 0;
  readonly #latestMs: number[] = [];
  #latestNext = 0;
  #completed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(attempt: Attempt, upload: Upload, inference: boolean): Flight {
    const flight = { attempt, upload, inference, place: this.#flights.length };
    this.#flights.push(flight);
    if (inference) this.#inferences += 1;
    return flight;
  }

  /** A part of a streamed answer has come. */
  progress(): void {
    this.#completed += 1;
  }

  /** To be called once for each. */
  end({ attempt, inference, place }: Flight): void {
    const last = this.#flights.pop() as Flight;
    if (last.attempt !== attempt) {
      this.#flights[place] = last;
      last.place = place;
    }
    if (!inference) return;
    this.#inferences -= 1;
    if (attempt.headMs === undefined) return;
    this.#completed += 1;
    this.#latestMs[this.#latestNext] = attempt.headMs;
    this.#latestNext = (this.#latestNext + 1) % latestCount;
  }

  read(): WorkReading {
    const nowMs = this.#clock.monotonicMs();
    let oldestWaitMs: number | undefined;
    for (const { attempt, upload, inference } of this.#flights) {
      if (!inference || upload.waitsForClient || attempt.sinkFull) continue;
      const waitMs = nowMs - Math.max(attempt.lastByteMs, upload.lastByteMs);
      if (oldestWaitMs === undefined || waitMs > oldestWaitMs) oldestWaitMs = waitMs;
    }
    return { inFlight: this.#inferences, completed: this.#completed, oldestWaitMs, usualMs: this.#usualMs() };
  }

  /** Calls back every attempt that has no answer byte yet. */
  release(outcome: FailedOutcome): void {
    // A copy, since a flight that is called back leaves the list.
    const called = this.#flights.slice();
    for (const { attempt } of called) {
      if (attempt.headMs === undefined) attempt.cancel(outcome, "called back: the primary makes no progress");
    }
  }

  #usualMs(): number | undefined {
    const sorted = this.#latestMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(usualQuantile * sorted.length))];
  }
}

/** Of several workers at the same primary, and of what others had completed before: counts add up, waits and usual times are the longest. */
export function merged(readings: readonly WorkReading[], completedBefore: number): WorkReading {
  const longest = (times: readonly (number | undefined)[]): number | undefined => times.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
  return {
    inFlight: readings.reduce((sum, { inFlight }) => sum + inFlight, 0),
    completed: readings.reduce((sum, { completed }) => sum + completed, completedBefore),
    oldestWaitMs: longest(readings.map(({ oldestWaitMs }) => oldestWaitMs)),
    usualMs: longest(readings.map(({ usualMs }) => usualMs)),
  };
}
