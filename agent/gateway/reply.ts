/**
 * The client's side of an exchange: the head, the body and the end of its answer, the bytes counted and, for a sampled
 * exchange, kept. What writes them is each lane's own: ordinary-reply.ts, plain-reply.ts.
 */
import type { Clock } from "../clock.ts";
import type { Provenance } from "./headers.ts";

/** How long a client may go on sending a body that was refused, so that it reads the refusal before its connection ends. */
export const lingerMs = 1_000;

/** The head of an answer, without what belongs to one connection only. */
export interface AnswerHead {
  readonly status: number;
  /** "" for the usual words. */
  readonly statusText: string;
  /** Names and values by turns. */
  readonly fields: readonly string[];
  /** Stands for `fields` where they can go on as they came: lines, each with its end. */
  readonly lines?: string | undefined;
  /** What the gateway says of this request besides; names and values by turns. */
  readonly added?: readonly string[] | undefined;
  /** The body's declared Content-Length. */
  readonly length: number | undefined;
}

export abstract class Reply {
  bytes = 0;
  #copied: Buffer[] | undefined;
  #copyMaxBytes = 0;

  /** A byte of the answer may have left. */
  abstract get started(): boolean;
  abstract get status(): number | undefined;
  /** The client has had all of it. */
  abstract get delivered(): boolean;
  /** The connection ends after this answer. */
  abstract closeAfter(): void;
  abstract continue(): void;
  /** Throws a TypeError for what may not stand in a head; nothing has left then. */
  abstract head(head: AnswerHead, provenance: Provenance | undefined): void;
  /** False: the client takes no more for now; `onDrain` tells when it does. */
  abstract write(chunk: Buffer): boolean;
  abstract onDrain(run: () => void): void;
  /** Kept when the last byte has left, or the client has. */
  abstract end(chunks?: readonly Buffer[], trailers?: readonly string[]): Promise<void>;
  /** Like `end`, for a client in the middle of sending: it would lose an answer whose connection is reset at once. */
  abstract endWhileSending(body: Buffer, clock: Clock): Promise<void>;
  /** Breaks the connection off: the client sees that its answer is not whole. */
  abstract break(): void;

  /** From now on keeps the body for `copy`, as long as it has no more than `maxBytes`. */
  keepCopy(maxBytes: number): void {
    this.#copied = [];
    this.#copyMaxBytes = maxBytes;
  }

  /** The body so far in a buffer of its own; undefined where it is not kept. */
  copy(): Uint8Array | undefined {
    return this.#copied === undefined ? undefined : owned(this.#copied);
  }

  protected count(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.#copied === undefined) return;
    if (this.bytes > this.#copyMaxBytes) this.#copied = undefined;
    else this.#copied.push(chunk);
  }
}

/** The bytes in a buffer that belongs to nobody else, so that it can be handed to another thread. */
export function owned(chunks: readonly Buffer[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
