/**
 * What is in flight at the primary, for the progress probe: the gateway knows what it sent and when something came of it,
 * whatever the server's health endpoint says.
 *
 * A request whose client is still sending, or does not take the answer, is not counted as waiting: that is not the server's
 * delay. Neither is an answer that was given up: clients that leave a frozen server must not make it look alive.
 *
 * Answers of known length cost a store or two. A stream of events is followed part by part (stream.ts); which answers are
 * streams is looked up when somebody asks, or when such a part comes.
 */
import type { Clock } from "../clock.ts";
import type { Attempt } from "../forward/attempt.ts";
import type { FailedOutcome } from "../forward/classify.ts";
import { Latest } from "./latest.ts";
import { isEventStream, Stream, type StreamTimes } from "./stream.ts";
import type { Upload } from "./upload.ts";

export interface WorkReading {
  /** Inferences that the primary has and has not answered to the end. */
  readonly inFlight: number;
  /** Answers and parts of streamed answers so far; only rises. */
  readonly completed: number;
  /** The longest that any has waited since the last byte either way, or part of a stream; undefined while none waits for the primary. */
  readonly oldestWaitMs: number | undefined;
  /** The 0.95 quantile of the time to the head of the latest 128 answers that were no streams; undefined before the first. */
  readonly usualMs: number | undefined;
  /** Of those that wait for the first byte, or part, of their answer: the largest one's bytes over the median of 128 late ones. */
  readonly largestRatio: number | undefined;
  /**
   * How much larger requests took longer: 1 where one of twice the bytes took twice the time, 0.5 where it took no longer. The
   * largest of 32 late large ones; undefined before the first.
   */
  readonly sizeMatters: number | undefined;
  /** Undefined where no answer ever streamed. */
  readonly streams: StreamReading | undefined;
}

/** Of answers that come as server-sent events. Quantiles are the 0.95 ones, undefined before the first. */
export interface StreamReading {
  /** Those whose first part has not come, though their head may have. */
  readonly waiting: number;
  readonly oldestWaitMs: number | undefined;
  /** Those between their first part and their last. */
  readonly flowing: number;
  readonly longestSilenceMs: number | undefined;
  /** From the request's last byte to the first part, of the latest 128 streams. */
  readonly usualFirstMs: number | undefined;
  /** From one part to the next, of the latest 1,024; parts that come together count as one. */
  readonly usualTokenMs: number | undefined;
}

/** Who can say by what a request is known again; undefined while its body is not whole. */
export interface Fingerprinted {
  fingerprint(): string | undefined;
}

/** An attempt under way, and where it stands among the others. */
export interface Flight {
  readonly attempt: Attempt;
  readonly upload: Upload;
  /** Only inferences are counted; others can be called back too. */
  readonly inference: boolean;
  readonly of: Fingerprinted;
  place: number;
  /** Undefined while it is not known whether the answer streams; then the stream, or `none`. */
  stream: Stream | "none" | undefined;
}

const latestAnswers = 128;
const latestParts = 1_024;
const latestLarge = 32;
const usualQuantile = 0.95;
/** From so many times the median on a request is large. */
const largeRatio = 1.5;

export class Work {
  readonly #clock: Clock;
  /**
   * In no order. Not a Map, whose discarded tables hold on to each other and to all that was in them: with one for every few
   * requests, a fifth of what a request allocates lived until the next full collection.
   */
  readonly #flights: Flight[] = [];
  #inferences = 0;
  #completed = 0;
  readonly #headMs = new Latest(latestAnswers);
  readonly #requestBytes = new Latest(latestAnswers);
  /** Of large ones: how many times as long as usual they took, over how many times as large they were. */
  readonly #slopes = new Latest(latestLarge);
  /** Quantiles as they were when they were last read: they cost too much for each answer. */
  #medianBytes: number | undefined;
  #medianMs: number | undefined;
  #medianFirstMs: number | undefined;
  readonly #firstMs = new Latest(latestAnswers);
  readonly #tokenMs = new Latest(latestParts);
  /** An answer has streamed. */
  #streamed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Inferences that the primary has now. */
  get inFlight(): number {
    return this.#inferences;
  }

  /** Of these inferences. */
  fingerprints(): readonly string[] {
    return this.#flights.flatMap(({ inference, of }) => (inference ? (of.fingerprint() ?? []) : []));
  }

  begin(attempt: Attempt, upload: Upload, inference: boolean, of: Fingerprinted): Flight {
    const flight: Flight = { attempt, upload, inference, of, place: this.#flights.length, stream: undefined };
    this.#flights.push(flight);
    if (inference) this.#inferences += 1;
    return flight;
  }

  /** Bytes of an answer have come that is passed on as it comes. */
  progress(flight: Flight, chunk: Uint8Array): void {
    const stream = this.#streamOf(flight);
    if (stream === undefined) {
      this.#completed += 1;
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const { flows, silentSinceMs } = stream;
    if (!stream.hear(chunk, nowMs)) return;
    this.#completed += 1;
    const tookMs = nowMs - silentSinceMs;
    (flows ? this.#tokenMs : this.#firstMs).push(tookMs);
    if (!flows) this.#learn(flight.upload.bytes, tookMs, this.#medianFirstMs);
  }

  /** When the parts of its answer came; undefined where it did not stream. */
  times(flight: Flight | undefined): StreamTimes | undefined {
    return flight?.stream === undefined || flight.stream === "none" ? undefined : flight.stream.times();
  }

  /** To be called once for each. */
  end(flight: Flight): void {
    const { attempt, upload, inference, place } = flight;
    const last = this.#flights.pop() as Flight;
    if (last.attempt !== attempt) {
      this.#flights[place] = last;
      last.place = place;
    }
    if (!inference) return;
    this.#inferences -= 1;
    if (attempt.headMs === undefined || attempt.failed) return;
    this.#requestBytes.push(upload.bytes);
    const stream = this.#streamOf(flight);
    if (stream?.flows === false) return;
    this.#completed += 1;
    if (stream !== undefined) return;
    this.#headMs.push(attempt.headMs);
    this.#learn(upload.bytes, attempt.headMs, this.#medianMs);
  }

  /** Does a larger request take longer, and how much? */
  #learn(bytes: number, tookMs: number, medianMs: number | undefined): void {
    if (medianMs === undefined || !(medianMs > 0) || this.#medianBytes === undefined) return;
    const ratio = bytes / this.#medianBytes;
    if (ratio >= largeRatio) this.#slopes.push(tookMs / medianMs / ratio);
  }

  read(): WorkReading {
    const nowMs = this.#clock.monotonicMs();
    const waits = new Oldest(nowMs);
    const firsts = new Oldest(nowMs);
    const silences = new Oldest(nowMs);
    let largestBytes: number | undefined;
    for (const flight of this.#flights) {
      const { attempt, upload, inference } = flight;
      if (!inference || upload.waitsForClient || attempt.sinkFull) continue;
      const stream = this.#streamOf(flight);
      if (stream !== undefined) (stream.flows ? silences : firsts).see(stream.silentSinceMs);
      waits.see(stream === undefined ? Math.max(attempt.lastByteMs, upload.lastByteMs) : stream.silentSinceMs);
      const hasBegun = stream === undefined ? attempt.headMs !== undefined : stream.flows;
      if (!hasBegun) largestBytes = Math.max(largestBytes ?? 0, upload.bytes);
    }
    this.#medianMs = this.#headMs.quantile(0.5);
    this.#medianFirstMs = this.#firstMs.quantile(0.5);
    const medianBytes = this.#requestBytes.quantile(0.5);
    this.#medianBytes = medianBytes === undefined ? undefined : Math.max(1, medianBytes);
    return {
      inFlight: this.#inferences,
      completed: this.#completed,
      oldestWaitMs: waits.ms,
      usualMs: this.#headMs.quantile(usualQuantile),
      largestRatio: largestBytes === undefined || this.#medianBytes === undefined ? undefined : largestBytes / this.#medianBytes,
      sizeMatters: this.#slopes.quantile(1),
      streams: this.#streamed
        ? {
            waiting: firsts.count,
            oldestWaitMs: firsts.ms,
            flowing: silences.count,
            longestSilenceMs: silences.ms,
            usualFirstMs: this.#firstMs.quantile(usualQuantile),
            usualTokenMs: this.#tokenMs.quantile(usualQuantile),
          }
        : undefined,
    };
  }

  /** Calls back every attempt of which nobody has had a byte yet: a head alone, and what is held back, is nobody's. */
  release(outcome: FailedOutcome): void {
    // A copy, since a flight that is called back leaves the list.
    const called = this.#flights.slice();
    for (const { attempt } of called) {
      if (!attempt.settled) attempt.cancel(outcome, "called back: the primary makes no progress");
    }
  }

  #streamOf(flight: Flight): Stream | undefined {
    const { head } = flight.attempt;
    if (flight.stream === undefined && head !== undefined) {
      flight.stream = flight.inference && isEventStream(head) ? new Stream(flight.attempt, flight.upload) : "none";
      this.#streamed ||= flight.stream !== "none";
    }
    return flight.stream === "none" ? undefined : flight.stream;
  }
}

/** How many there are, and how long ago the oldest of them began. */
class Oldest {
  count = 0;
  ms: number | undefined;
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  see(sinceMs: number): void {
    this.count += 1;
    this.ms = Math.max(this.ms ?? 0, this.#nowMs - sinceMs);
  }
}

/** Of several workers at the same primary, and of what others had completed before: counts add up, waits and usual times are the longest. */
export function merged(readings: readonly WorkReading[], completedBefore: number): WorkReading {
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const most = (values: readonly (number | undefined)[]): number | undefined => values.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
  const streams = readings.flatMap((reading) => reading.streams ?? []);
  return {
    inFlight: total(readings.map(({ inFlight }) => inFlight)),
    completed: completedBefore + total(readings.map(({ completed }) => completed)),
    oldestWaitMs: most(readings.map(({ oldestWaitMs }) => oldestWaitMs)),
    usualMs: most(readings.map(({ usualMs }) => usualMs)),
    largestRatio: most(readings.map(({ largestRatio }) => largestRatio)),
    sizeMatters: most(readings.map(({ sizeMatters }) => sizeMatters)),
    streams:
      streams.length === 0
        ? undefined
        : {
            waiting: total(streams.map(({ waiting }) => waiting)),
            oldestWaitMs: most(streams.map(({ oldestWaitMs }) => oldestWaitMs)),
            flowing: total(streams.map(({ flowing }) => flowing)),
            longestSilenceMs: most(streams.map(({ longestSilenceMs }) => longestSilenceMs)),
            usualFirstMs: most(streams.map(({ usualFirstMs }) => usualFirstMs)),
            usualTokenMs: most(streams.map(({ usualTokenMs }) => usualTokenMs)),
          },
  };
}
