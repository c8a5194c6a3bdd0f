/**
 * The client's side of an exchange: the head, the body and the end of its answer, the bytes counted and, for a sampled
 * exchange, kept.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { provenanceFields } from "./headers.ts";
import type { Provenance } from "./headers.ts";

/** How long a client may go on sending a body that was refused, so that it reads the refusal before its connection ends. */
const lingerMs = 1_000;

export class Reply {
  bytes = 0;

  readonly #response: ServerResponse;
  #copied: Buffer[] | undefined;
  #copyMaxBytes = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.sendDate = false; // The server's own is passed on.
    response.on("error", () => {}); // A write that came after the client went: the connection's end is heard of elsewhere.
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get status(): number | undefined {
    return this.#response.headersSent ? this.#response.statusCode : undefined;
  }

  /** The client has had all of it. */
  get delivered(): boolean {
    return this.#response.writableFinished;
  }

  /** The connection ends after this answer. */
  closeAfter(): void {
    this.#response.shouldKeepAlive = false;
  }

  continue(): void {
    this.#response.writeContinue();
  }

  head(status: number, statusText: string, fields: readonly string[], provenance: Provenance | undefined): void {
    const all = provenance === undefined ? [...fields] : [...fields, ...provenanceFields(provenance)];
    if (statusText === "") this.#response.writeHead(status, all);
    else this.#response.writeHead(status, statusText, all);
  }

  /** False: the client takes no more for now; `onDrain` tells when it does. */
  write(chunk: Buffer): boolean {
    this.#count(chunk);
    return this.#response.write(chunk);
  }

  onDrain(run: () => void): void {
    this.#response.on("drain", run);
  }

  /** Kept when the last byte has left, or the client has. */
  end(chunks: readonly Buffer[] = [], trailers: readonly string[] = []): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      if (response.destroyed || response.writableFinished) return resolve();
      response.once("close", resolve).once("finish", resolve);
      chunks.forEach((chunk) => this.#count(chunk));
      if (trailers.length > 0) response.addTrailers(pairs(trailers));
      if (chunks.length === 0) response.end();
      else response.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
  }

  /** Like `end`, for a client in the middle of sending: it would lose an answer whose connection is reset at once. */
  async endWhileSending(body: Buffer, request: IncomingMessage, clock: Clock): Promise<void> {
    this.closeAfter();
    this.write(body);
    request.resume();
    await new Promise<void>((resolve) => {
      const cancel = clock.after(lingerMs, resolve);
      const sent = (): void => {
        cancel();
        resolve();
      };
      request.once("end", sent).once("close", sent);
      if (request.readableEnded || request.destroyed) sent();
    });
    await this.end();
  }

  /** Breaks the connection off: the client sees that its answer is not whole. */
  break(): void {
    this.#response.destroy();
  }

  /** From now on keeps the body for `copy`, as long as it has no more than `maxBytes`. */
  keepCopy(maxBytes: number): void {
    this.#copied = [];
    this.#copyMaxBytes = maxBytes;
  }

  /** The body so far in a buffer of its own; undefined where it is not kept. */
  copy(): Uint8Array | undefined {
    return this.#copied === undefined ? undefined : owned(this.#copied);
  }

  #count(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#copyMaxBytes) this.#copied = undefined;
    this.#copied?.push(chunk);
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

function pairs(fields: readonly string[]): [string, string][] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index] as string, fields[2 * index + 1] as string]);
}
