/** An answer written by node:http. */
import { STATUS_CODES } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { provenanceFields } from "./headers.ts";
import type { Provenance } from "./headers.ts";
import { lingerMs, Reply } from "./reply.ts";
import type { AnswerHead } from "./reply.ts";

export class OrdinaryReply extends Reply {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** A head was refused by node:http half-way: what it has noted of that one would frame the next one wrongly. */
  #spoilt = false;

  constructor(request: IncomingMessage, response: ServerResponse) {
    super();
    this.#request = request;
    this.#response = response;
    response.sendDate = false; // The server's own is passed on.
    // node:http loses what comes behind a wish to upgrade that nobody grants; so the client learns that nothing more is read.
    if (request.headers.upgrade !== undefined) this.closeAfter();
    response.on("error", () => {}); // A write that came after the client went: the connection's end is heard of elsewhere.
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get status(): number | undefined {
    return this.#response.headersSent ? this.#response.statusCode : undefined;
  }

  get delivered(): boolean {
    return this.#response.writableFinished;
  }

  closeAfter(): void {
    this.#response.shouldKeepAlive = false;
  }

  /** Said when it is this answer's turn: of requests that came at once, node:http would put it into the middle of an answer. */
  continue(): void {
    const response = this.#response;
    if (response.socket !== null) response.writeContinue();
    else response.once("socket", () => void (response.headersSent || response.writeContinue()));
  }

  head({ status, statusText, fields, added = [] }: AnswerHead, provenance: Provenance | undefined): void {
    if (this.#spoilt) throw new TypeError("a head was refused before");
    const all = provenance === undefined ? [...fields, ...added] : [...fields, ...added, ...provenanceFields(provenance)];
    this.#spoilt = true;
    // Always named: words that were refused would be tried again with the next head.
    this.#response.writeHead(status, statusText === "" ? (STATUS_CODES[status] ?? "unknown") : statusText, all);
    this.#spoilt = false;
  }

  write(chunk: Buffer): boolean {
    this.count(chunk);
    return this.#response.write(chunk);
  }

  onDrain(run: () => void): void {
    this.#response.on("drain", run);
  }

  end(chunks: readonly Buffer[] = [], trailers: readonly string[] = []): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      if (response.destroyed || response.writableFinished) return resolve();
      response.once("close", resolve).once("finish", resolve);
      chunks.forEach((chunk) => this.count(chunk));
      if (trailers.length > 0) response.addTrailers(pairs(trailers));
      if (chunks.length === 0) response.end();
      else response.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
  }

  async endWhileSending(body: Buffer, clock: Clock): Promise<void> {
    const request = this.#request;
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

  break(): void {
    this.#response.destroy();
  }
}

function pairs(fields: readonly string[]): [string, string][] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index] as string, fields[2 * index + 1] as string]);
}
