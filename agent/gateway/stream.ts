/**
 * One answer that comes as a stream of events, a token or a few in each: when its parts came. The head is none of them, since
 * servers send it before they work, and neither is a comment that keeps the connection alive: only events with data are.
 *
 * The times are those of OpenTelemetry's semantic conventions for generative AI: to the first token, and per token after it.
 */
import type { Attempt, Head } from "../forward/attempt.ts";
import { EventCounter } from "../protocols/event-counter.ts";
import { fieldValue } from "./headers.ts";
import type { Upload } from "./upload.ts";

/** Milliseconds. */
export interface StreamTimes {
  /** From the request's last byte to the first part. */
  readonly firstTokenMs: number;
  /** From each part to the next, on average; undefined where there was one only. */
  readonly perTokenMs: number | undefined;
}

export class Stream {
  readonly #events = new EventCounter();
  readonly #attempt: Attempt;
  readonly #upload: Upload;
  #parts = 0;
  #firstMs: number | undefined;
  #lastMs: number | undefined;

  constructor(attempt: Attempt, upload: Upload) {
    this.#attempt = attempt;
    this.#upload = upload;
  }

  /** A part has come. */
  get flows(): boolean {
    return this.#firstMs !== undefined;
  }

  /** Since when it is the server that keeps the next part waiting. */
  get silentSinceMs(): number {
    const { startedMs, resumedMs } = this.#attempt;
    return Math.max(startedMs, this.#upload.lastByteMs, this.#lastMs ?? startedMs, resumedMs);
  }

  /** True where the chunk brought a part or more. */
  hear(chunk: Uint8Array, nowMs: number): boolean {
    const events = this.#events.count(chunk);
    if (events === 0) return false;
    this.#parts += events;
    this.#firstMs ??= nowMs;
    this.#lastMs = nowMs;
    return true;
  }

  times(): StreamTimes | undefined {
    if (this.#firstMs === undefined || this.#lastMs === undefined) return undefined;
    const firstTokenMs = this.#firstMs - Math.max(this.#attempt.startedMs, this.#upload.lastByteMs);
    return { firstTokenMs, perTokenMs: this.#parts === 1 ? undefined : (this.#lastMs - this.#firstMs) / (this.#parts - 1) };
  }
}

/** Compressed events can not be told apart. */
export function isEventStream({ headers, length }: Head): boolean {
  if (length !== undefined || fieldValue(headers, "content-type")?.toLowerCase().startsWith("text/event-stream") !== true) return false;
  const encoding = fieldValue(headers, "content-encoding");
  return encoding === undefined || encoding.toLowerCase() === "identity";
}
