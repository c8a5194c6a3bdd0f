/**
 * The body that a client sends: taken only as fast as the backend takes it, and kept meanwhile, by reference, so that a second
 * attempt or a rung can be given the same bytes, also when the first attempt fails while they still come.
 *
 * All kept bodies together have a bound. A body that does not fit is still passed on, but once only. Whoever reads the client's
 * connection tells `take` and `finish` what comes, and is told when to read on.
 */
import { Readable } from "node:stream";
import type { Clock } from "../clock.ts";
import { sum } from "./shared.ts";

/** `cut`: the client broke off before the body was whole. */
export type UploadEnd = "whole" | "cut" | "too-large";

/** Bytes that all uploads may keep at once, those of other workers among them; these are known to the KiB. */
export class KeptBytes {
  readonly #maxBytes: number;
  readonly #slots: Int32Array;
  readonly #own: number;
  #bytes = 0;

  constructor(maxBytes: number, keptKiB: Int32Array = new Int32Array(1), own: number = 0) {
    this.#maxBytes = maxBytes;
    this.#slots = keptKiB;
    this.#own = own;
  }

  take(bytes: number): boolean {
    const mine = Atomics.load(this.#slots, this.#own);
    if ((sum(this.#slots) - mine) * 1_024 + this.#bytes + bytes > this.#maxBytes) return false;
    this.#count(bytes);
    return true;
  }

  give(bytes: number): void {
    this.#count(-bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    Atomics.store(this.#slots, this.#own, Math.ceil(this.#bytes / 1_024));
  }
}

/** The client's connection; at first it is paused. */
export interface UploadSource {
  pause(): void;
  resume(): void;
}

export interface UploadOptions {
  readonly clock: Clock;
  readonly hasBody: boolean;
  /** Longest body taken. */
  readonly maxBytes: number;
  /** Where what is kept is counted; undefined for a body that is passed on once. */
  readonly kept: KeptBytes | undefined;
  /** Called once, when the body has ended one way or another. */
  readonly ended: (end: UploadEnd) => void;
}

export class Upload {
  readonly hasBody: boolean;
  bytes = 0;
  /** When the client last sent something. */
  lastByteMs: number;

  readonly #source: UploadSource;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #ended: (end: UploadEnd) => void;
  #kept: KeptBytes | undefined;
  #keptBytes = 0;
  #chunks: Buffer[] = [];
  #end: UploadEnd | undefined;
  #flowing = false;
  #reader: Reader | undefined;
  #readingAll = false;
  #onlyKept = false;
  #allRead: () => void = () => {};

  constructor(source: UploadSource, { clock, hasBody, maxBytes, kept, ended }: UploadOptions) {
    this.#source = source;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#ended = ended;
    this.#kept = kept;
    this.lastByteMs = clock.monotonicMs();
    this.hasBody = hasBody;
    if (!hasBody) this.finish("whole");
  }

  /** The same bytes can be had once more. */
  get replayable(): boolean {
    return this.#kept !== undefined || !this.hasBody;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** The next byte is the client's to send; nobody else keeps it. */
  get waitsForClient(): boolean {
    return this.#end === undefined && this.#flowing;
  }

  /** Takes the rest of the body as fast as it comes; kept when it has ended one way or another. To be asked for once at a time. */
  readAll(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#end !== undefined) return resolve();
      this.#allRead = resolve;
      this.#readingAll = true;
      this.#flow(true);
    });
  }

  /** The same, but stops where the body does not fit in what may be kept: whoever asks could not send it a second time. */
  async readKept(): Promise<void> {
    if (!this.replayable) return;
    this.#onlyKept = true;
    await this.readAll();
    this.#onlyKept = false;
  }

  /** The whole body, once it has ended and where it was kept. */
  whole(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** The body for an attempt, from its first byte: a Buffer where all of it is here, else a stream that follows the client. */
  body(): Buffer | Readable | null {
    this.#reader?.destroy();
    this.#reader = undefined;
    if (!this.hasBody) return null;
    if (this.#end === "whole" && this.#kept !== undefined) return this.whole();
    const reader = new Reader((wanting) => this.#feed(wanting));
    reader.once("close", () => this.#left(reader));
    this.#reader = reader;
    return reader;
  }

  /** The exchange is over: forgets what was kept, and what still comes. */
  release(): void {
    if (this.#end === undefined) {
      this.finish("cut");
      this.#flow(true);
    }
    this.#reader?.destroy();
    this.#chunks = [];
    this.#kept?.give(this.#keptBytes);
    this.#kept = undefined;
    this.#keptBytes = 0;
  }

  /** The client has sent this. */
  take(chunk: Buffer): void {
    if (this.#end !== undefined) return;
    this.lastByteMs = this.#clock.monotonicMs();
    this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) return this.finish("too-large");
    this.#chunks.push(chunk);
    this.#keep(chunk.length);
    if (this.#reader?.wanting === true) this.#feed(this.#reader);
    else if (!this.#readingAll) this.#flow(false);
  }

  #keep(bytes: number): void {
    if (this.#kept === undefined) return;
    if (this.#kept.take(bytes)) {
      this.#keptBytes += bytes;
      return;
    }
    this.#kept.give(this.#keptBytes);
    this.#kept = undefined;
    this.#keptBytes = 0;
    if (this.#onlyKept) {
      this.#readingAll = false;
      this.#allRead();
    }
    if (this.#reader === undefined) return;
    this.#chunks.splice(0, this.#reader.taken);
    this.#reader.taken = 0;
  }

  /** Gives the reader what it has not had yet, and asks the client for more when that is not enough. */
  #feed(reader: Reader): void {
    reader.wanting = true;
    while (reader.taken < this.#chunks.length) {
      const chunk = this.#chunks[reader.taken] as Buffer;
      if (this.#kept === undefined) this.#chunks.shift();
      else reader.taken += 1;
      if (!reader.push(chunk)) {
        reader.wanting = false;
        if (!this.#readingAll) this.#flow(false);
        return;
      }
    }
    // A body that does not become whole leaves its reader without an end: who called for it breaks the attempt off.
    if (this.#end === "whole") reader.push(null);
    else if (this.#end === undefined) this.#flow(true);
  }

  /** Nobody reads any more; whoever comes next begins anew. */
  #left(reader: Reader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    if (this.#end === undefined && !this.#readingAll) this.#flow(false);
  }

  /** The client has sent all, or will not. What comes after that is not heard. */
  finish(end: UploadEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (end === "too-large") this.#flow(false);
    this.#allRead();
    this.#ended(end);
    if (this.#reader?.wanting === true) this.#feed(this.#reader);
  }

  #flow(flowing: boolean): void {
    if (flowing === this.#flowing) return;
    this.#flowing = flowing;
    if (flowing) this.#source.resume();
    else this.#source.pause();
  }
}

/** One reading of an upload from its first byte. */
class Reader extends Readable {
  /** How many chunks it has had. */
  taken = 0;
  /** It asked for more and has not been told to wait. */
  wanting = false;
  readonly #want: (reader: Reader) => void;

  constructor(want: (reader: Reader) => void) {
    super();
    this.#want = want;
  }

  override _read(): void {
    this.#want(this);
  }
}
