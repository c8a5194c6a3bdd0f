/**
 * An engine that batches continuously, on a clock of its own, with clients that ask again when they are answered, and the
 * gateway's real account of both. Event by event; no time passes outside.
 *
 * In each step every request in the batch gets a token; a request that comes in has its prompt read first, in one go while
 * the others wait, or in chunks beside them. Answers stream, or come whole after their last token.
 */
import type { Clock } from "../../agent/clock.ts";
import { Attempt } from "../../agent/forward/attempt.ts";
import type { Upload } from "../../agent/gateway/upload.ts";
import { Work, type Flight } from "../../agent/gateway/work.ts";

export interface Engine {
  readonly stepMs: number;
  readonly batch: number;
  readonly clients: number;
  /** Times a step; between an answer and the client's next request. */
  readonly thinkSteps: number;
  readonly tokens: number;
  /** Ratio of answers that stream. */
  readonly streaming: number;
  /** A stream's head is sent before its first token. */
  readonly headFirst: boolean;
  /** One prompt in so many is `largeRatio` times as large as the others. */
  readonly largeEvery: number;
  readonly largeRatio: number;
  /** Steps that it takes to read a usual prompt. */
  readonly promptSteps: number;
  readonly chunked: boolean;
}

interface Request {
  readonly client: number;
  readonly flight: Flight;
  readonly attempt: Attempt;
  readonly streams: boolean;
  promptStepsLeft: number;
  tokensLeft: number;
}

const usualBytes = 400;
const part = Buffer.from('data: {"choices":[{"delta":{"content":"a"}}]}\n\n');
const streamHead = { status: 200, statusText: "", headers: ["content-type", "text/event-stream"], length: undefined } as const;
const wholeHead = { status: 200, statusText: "", headers: ["content-type", "application/json"], length: 2 } as const;
const never = () => {};

export class SimulatedEngine {
  readonly work: Work;
  /** When something came of the work that could be seen from outside: a part of a stream, or an answer. */
  readonly shownMs: number[] = [];
  /** When a step ended. */
  readonly steppedMs: number[] = [];
  readonly clock: Clock;

  readonly #engine: Engine;
  readonly #random: () => number;
  #nowMs = 0;
  #stepEndsMs = Infinity;
  #asked = 0;
  readonly #sendAtMs: (number | undefined)[];
  readonly #queue: Request[] = [];
  #running: Request[] = [];

  constructor(engine: Engine, random: () => number) {
    this.#engine = engine;
    this.#random = random;
    this.clock = { monotonicMs: () => this.#nowMs, wallMs: () => this.#nowMs, after: () => never, every: () => never, random };
    this.work = new Work(this.clock);
    this.#sendAtMs = Array.from({ length: engine.clients }, () => random() * engine.stepMs * (1 + engine.thinkSteps));
  }

  get running(): number {
    return this.#running.length;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Lets time pass; `hung`: clients go on, the engine does not. */
  advance(untilMs: number, hung: boolean): void {
    for (;;) {
      const sendMs = Math.min(...this.#sendAtMs.map((atMs) => atMs ?? Infinity));
      const nextMs = Math.min(sendMs, hung ? Infinity : this.#stepEndsMs);
      if (nextMs > untilMs) break;
      this.#nowMs = nextMs;
      if (sendMs === nextMs) this.#send(this.#sendAtMs.findIndex((atMs) => atMs === sendMs));
      else this.#step();
      if (this.#stepEndsMs === Infinity && !hung) this.#begin();
    }
    this.#nowMs = untilMs;
  }

  #send(client: number): void {
    const { largeEvery, largeRatio, promptSteps, tokens, streaming, headFirst } = this.#engine;
    this.#sendAtMs[client] = undefined;
    const ratio = (this.#asked += 1) % largeEvery === 0 ? largeRatio : 1;
    const upload = { bytes: usualBytes * ratio, lastByteMs: this.#nowMs, waitsForClient: false } as Upload;
    const attempt = new Attempt(this.clock, { deadlineMs: () => Infinity, hold: () => 0 });
    const streams = this.#random() < streaming;
    const flight = this.work.begin(attempt, upload, true, { fingerprint: () => undefined });
    if (streams && headFirst) attempt.onHead(streamHead);
    const tokensLeft = Math.max(1, Math.round(tokens * (0.5 + this.#random())));
    this.#queue.push({ client, flight, attempt, streams, promptStepsLeft: promptSteps * ratio, tokensLeft });
  }

  /** A step takes as long as its token, and as the prompts that it reads in one go. */
  #begin(): void {
    const { stepMs, batch, chunked } = this.#engine;
    this.#running.push(...this.#queue.splice(0, batch - this.#running.length));
    if (this.#running.length === 0) return;
    let steps = 0.8 + 0.4 * this.#random();
    for (const request of this.#running) {
      if (chunked) continue;
      steps += request.promptStepsLeft;
      request.promptStepsLeft = 0;
    }
    this.#stepEndsMs = this.#nowMs + stepMs * steps;
  }

  #step(): void {
    this.#stepEndsMs = Infinity;
    this.steppedMs.push(this.#nowMs);
    this.#running = this.#running.filter((request) => {
      if (request.promptStepsLeft >= 1) {
        request.promptStepsLeft -= 1;
        return true;
      }
      return this.#token(request);
    });
  }

  /** False where it was the last one. */
  #token(request: Request): boolean {
    const { attempt, flight, streams, client } = request;
    const { stepMs, thinkSteps } = this.#engine;
    request.tokensLeft -= 1;
    if (streams) {
      if (attempt.head === undefined) attempt.onHead(streamHead);
      this.work.progress(flight, part);
      this.shownMs.push(this.#nowMs);
    }
    if (request.tokensLeft > 0) return true;
    if (!streams) attempt.onHead(wholeHead);
    attempt.onEnd();
    this.work.end(flight);
    this.shownMs.push(this.#nowMs);
    this.#sendAtMs[client] = this.#nowMs + 2 * this.#random() * thinkSteps * stepMs;
    return false;
  }
}
