/**
 * One attempt at one backend: the request goes out once, the answer comes back or a failure with its reason does.
 *
 * The beginning of the answer is held back, up to as many bytes as the asker wants (`hold`), so that a backend which dies in
 * mid-answer leaves the asker free to go elsewhere. What is longer waits, with the backend kept from sending more, until the
 * asker pipes it on or cancels. All limits on time are the clock's. Whoever moves the bytes (undici behind pool.ts, or a
 * connection of plain-pool.ts) tells the attempt what comes, and hears from it over a `Wire`.
 */
import type { Readable } from "node:stream";
import type { Cancel, Clock } from "../clock.ts";
import type { FailedOutcome, Failure } from "./classify.ts";

export interface Head {
  readonly status: number;
  readonly statusText: string;
  /** Names and values by turns, as they came. */
  readonly headers: readonly string[];
  /** The declared Content-Length of the body; undefined where the answer is framed otherwise. */
  readonly length: number | undefined;
  /**
   * The end-to-end fields as they came, each with its line's end, where whoever read them knows that no more need be done to
   * them before they go on.
   */
  readonly lines?: string | undefined;
}

/** What an attempt may do to the connection that it is on. */
export interface Wire {
  pause(): void;
  resume(): void;
  /** The rest of the answer is not wanted. */
  abort(reason: Error): void;
}

/** The asker's part, whoever moves the bytes. */
export interface AttemptLimits {
  /** The moment, in the clock's monotonic milliseconds, by which the answer must be held. May move while it waits. */
  readonly deadlineMs: () => number;
  /** How many bytes of an answer with this head to hold back; 0 means until its first byte. */
  readonly hold: (head: Head) => number;
}

export interface AttemptRequest extends AttemptLimits {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** Names and values by turns; no hop-by-hop fields. Undici writes `host` first and Content-Length last. */
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | null;
}

/** `whole`: the body has ended and lies in `held`; else there is more, and `pipe` or `cancel` must follow. */
export type Answered = { readonly ok: true; readonly head: Head; readonly whole: boolean } | ({ readonly ok: false } & Failure);

/** A reader of the body: false means it wants no more until `resume()`. */
export type Sink = (chunk: Buffer) => boolean;

export class Attempt {
  readonly startedMs: number;
  /** Kept once: the answer is held, or it failed. Never rejects. */
  readonly answered: Promise<Answered>;
  /** The chunks held back so far. */
  readonly held: Buffer[] = [];
  /** Names and values by turns, once the body has ended. */
  trailers: readonly string[] = [];

  readonly #clock: Clock;
  readonly #limits: AttemptLimits;
  #wire: Wire | undefined;
  #settle!: (answered: Answered) => void;
  #cancelTimer: Cancel = () => {};
  #head: Head | undefined;
  #holdBytes = 0;
  #heldBytes = 0;
  #headMs: number | undefined;
  #lastByteMs: number;
  #ended = false;
  #failure: Failure | undefined;
  #sink: Sink | undefined;
  #sinkFull = false;
  #resumedMs = -Infinity;
  #settled = false;
  #piped: (failure: Failure | undefined) => void = () => {};

  constructor(clock: Clock, limits: AttemptLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.startedMs = clock.monotonicMs();
    this.#lastByteMs = this.startedMs;
    this.answered = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#watchDeadline();
  }

  /** Milliseconds from the start to the answer's head, once it came. */
  get headMs(): number | undefined {
    return this.#headMs === undefined ? undefined : this.#headMs - this.startedMs;
  }

  /** Undefined before it came. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** `answered` is kept: from now on the asker may have passed bytes on. */
  get settled(): boolean {
    return this.#settled;
  }

  /** It broke off or was given up. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** When the reader of the answer last took up again; before all times where it never had to. */
  get resumedMs(): number {
    return this.#resumedMs;
  }

  /** When the backend last gave a sign of life: its last byte, or the start. */
  get lastByteMs(): number {
    return this.#lastByteMs;
  }

  /** The reader of the answer keeps the backend waiting, not the other way round. */
  get sinkFull(): boolean {
    return this.#sinkFull;
  }

  /** Gives up, and lets the connection go. Nothing happens where the attempt has ended already. */
  cancel(outcome: FailedOutcome, detail: string): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#fail({ outcome, detail });
    this.#wire?.abort(new Error(detail));
  }

  /**
   * Sends what is held and all that follows to `sink`; kept once the body has ended (undefined) or broken off. Breaks off
   * itself after `silenceMs` without a byte from the backend (`timeout`) or without a taker for it (`cancelled`).
   */
  pipe(sink: Sink, silenceMs: number): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) return resolve(this.#failure);
      for (const chunk of this.held.splice(0)) this.#sinkFull = !sink(chunk);
      if (this.#ended) return resolve(undefined);
      this.#sink = sink;
      this.#piped = resolve;
      this.#lastByteMs = this.#clock.monotonicMs();
      this.#watchSilence(silenceMs);
      if (!this.#sinkFull) this.#wire?.resume();
    });
  }

  /** The sink wants more. */
  resume(): void {
    if (this.#ended || this.#failure !== undefined) return; // The connection may be another's by now.
    this.#sinkFull = false;
    this.#lastByteMs = this.#resumedMs = this.#clock.monotonicMs();
    this.#wire?.resume();
  }

  /** The request was or is being written to a connection. */
  get sent(): boolean {
    return this.#wire !== undefined;
  }

  /** For whoever moves the bytes: the request is sent now. False: it was given up meanwhile, and nothing may be sent. */
  onSend(wire: Wire): boolean {
    if (this.#failure !== undefined) return false;
    this.#wire = wire;
    return true;
  }

  onHead(head: Head): void {
    if (this.#failure !== undefined) return;
    this.#headMs = this.#lastByteMs = this.#clock.monotonicMs();
    this.#head = head;
    this.#holdBytes = this.#limits.hold(head);
  }

  onData(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#lastByteMs = this.#clock.monotonicMs();
    if (this.#sink !== undefined) {
      if (!this.#sink(chunk)) {
        this.#sinkFull = true;
        this.#wire?.pause();
      }
      return;
    }
    this.held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > this.#holdBytes) {
      this.#wire?.pause();
      this.#answer(false);
    }
  }

  onEnd(trailers: readonly string[] = []): void {
    if (this.#failure !== undefined) return;
    this.#ended = true;
    this.trailers = trailers;
    this.#answer(true);
    this.#cancelTimer();
    this.#piped(undefined);
  }

  onFailure(failure: Failure): void {
    if (!this.#ended) this.#fail(failure);
  }

  #answer(whole: boolean): void {
    this.#cancelTimer();
    this.#settled = true;
    this.#settle({ ok: true, head: this.#head as Head, whole });
  }

  #fail(failure: Failure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#cancelTimer();
    this.#settled = true;
    this.#settle({ ok: false, ...failure });
    this.#piped(failure);
  }

  #watchDeadline(): void {
    const leftMs = this.#limits.deadlineMs() - this.#clock.monotonicMs();
    if (leftMs <= 0) return this.cancel("timeout", "no answer within its share of the deadline");
    this.#cancelTimer = this.#clock.after(leftMs, () => this.#watchDeadline());
  }

  #watchSilence(silenceMs: number): void {
    const leftMs = this.#lastByteMs + silenceMs - this.#clock.monotonicMs();
    if (leftMs > 0) this.#cancelTimer = this.#clock.after(leftMs, () => this.#watchSilence(silenceMs));
    else if (this.#sinkFull) this.cancel("cancelled", `the client took no byte for ${silenceMs} ms`);
    else this.cancel("timeout", `no byte for ${silenceMs} ms in the middle of the answer`);
  }
}
