/**
 * One attempt at one backend: the request goes out once, the answer comes back or a failure with its reason does.
 *
 * The beginning of the answer is held back, up to as many bytes as the asker wants (`hold`), so that a backend which dies in
 * mid-answer leaves the asker free to go elsewhere. What is longer waits, with the backend kept from sending more, until the
 * asker pipes it on or cancels. All limits on time are the clock's; undici's own are off.
 */
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Cancel, Clock } from "../clock.ts";
import { classify } from "./classify.ts";
import type { FailedOutcome, Failure } from "./classify.ts";

export interface Head {
  readonly status: number;
  readonly statusText: string;
  /** Names and values by turns, as they came. */
  readonly headers: readonly string[];
  /** The declared Content-Length of the body; undefined where the answer is framed otherwise. */
  readonly length: number | undefined;
}

export interface AttemptRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** Names and values by turns; no hop-by-hop fields. Undici writes `host` first and Content-Length last. */
  readonly headers: readonly string[];
  readonly body: Buffer | Readable | null;
  /** The moment, in the clock's monotonic milliseconds, by which the answer must be held. May move while it waits. */
  deadlineMs(): number;
  /** How many bytes of an answer with this head to hold back; 0 means until its first byte. */
  hold(head: Head): number;
}

/** `whole`: the body has ended and lies in `held`; else there is more, and `pipe` or `cancel` must follow. */
export type Answered = { readonly ok: true; readonly head: Head; readonly whole: boolean } | ({ readonly ok: false } & Failure);

/** A reader of the body: false means it wants no more until `resume()`. */
export type Sink = (chunk: Buffer) => boolean;

export class Attempt implements Dispatcher.DispatchHandler {
  readonly startedMs: number;
  /** Kept once: the answer is held, or it failed. Never rejects. */
  readonly answered: Promise<Answered>;
  /** The chunks held back so far. */
  readonly held: Buffer[] = [];
  /** Names and values by turns, once the body has ended. */
  trailers: readonly string[] = [];

  readonly #clock: Clock;
  readonly #request: AttemptRequest;
  #controller: Dispatcher.DispatchController | undefined;
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
  #piped: (failure: Failure | undefined) => void = () => {};

  constructor(clock: Clock, request: AttemptRequest) {
    this.#clock = clock;
    this.#request = request;
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
    this.#controller?.abort(new Error(detail));
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
      if (!this.#sinkFull) this.#controller?.resume();
    });
  }

  /** The sink wants more. */
  resume(): void {
    this.#sinkFull = false;
    this.#lastByteMs = this.#clock.monotonicMs();
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: to throw here gives the connection back unharmed, to abort would break it.
    if (this.#failure !== undefined) throw new Error(this.#failure.detail);
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, statusText?: string): void {
    if (status < 200 || this.#failure !== undefined) return;
    this.#headMs = this.#lastByteMs = this.#clock.monotonicMs();
    const headers = (controller.rawHeaders as readonly Buffer[]).map((field) => field.toString("latin1"));
    this.#head = { status, statusText: statusText ?? "", headers, length: contentLength(headers) };
    this.#holdBytes = this.#request.hold(this.#head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    this.#lastByteMs = this.#clock.monotonicMs();
    if (this.#sink !== undefined) {
      if (!this.#sink(chunk)) {
        this.#sinkFull = true;
        controller.pause();
      }
      return;
    }
    this.held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > this.#holdBytes) {
      controller.pause();
      this.#answer(false);
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#failure !== undefined) return;
    this.#ended = true;
    this.trailers = ((controller.rawTrailers ?? []) as readonly Buffer[]).map((field) => field.toString("latin1"));
    this.#answer(true);
    this.#cancelTimer();
    this.#piped(undefined);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#ended) this.#fail(classify(error, this.#controller !== undefined));
  }

  #answer(whole: boolean): void {
    this.#cancelTimer();
    this.#settle({ ok: true, head: this.#head as Head, whole });
  }

  #fail(failure: Failure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#cancelTimer();
    this.#settle({ ok: false, ...failure });
    this.#piped(failure);
  }

  #watchDeadline(): void {
    const leftMs = this.#request.deadlineMs() - this.#clock.monotonicMs();
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

function contentLength(headers: readonly string[]): number | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === "content-length") return Number(headers[i + 1]);
  }
  return undefined;
}
