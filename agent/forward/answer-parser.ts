/**
 * An answer that is not plain, read from bytes by the parser of node:http: chunked or ended by the connection, informational
 * heads before it, no body at all, or garbage. A request is made up for it whose own bytes go nowhere, since the real one has
 * been sent already; what the server sends is put before the parser as if it had come to that.
 */
import { request } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { statusWords } from "./answer-head.ts";
import type { Attempt } from "./attempt.ts";
import { classify } from "./classify.ts";

/** From this status on the server may be about to end the connection. */
export const failingFrom = 500;

const headMaxBytes = 65_536;
const lineFeed = 0x0a;

/** How an answer ended: `reusable` says that it ended with the last byte given, and that the server keeps the connection. */
export type ParserEnd = (reusable: boolean) => void;

export class AnswerParser {
  readonly #attempt: Attempt;
  readonly #line: Line;
  readonly #request: ClientRequest;
  readonly #onEnd: ParserEnd;
  #message: IncomingMessage | undefined;
  /** What came before the parser was there, a turn later. */
  #early: Buffer[] | undefined = [];
  #endedAtLastByte = false;
  #over = false;

  constructor(attempt: Attempt, method: string, onEnd: ParserEnd) {
    this.#attempt = attempt;
    this.#onEnd = onEnd;
    this.#line = new Line();
    this.#request = request({ createConnection: () => this.#line, method, maxHeaderSize: headMaxBytes });
    this.#request.maxHeadersCount = 0;
    this.#request.on("socket", () => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const bytes of early) this.push(bytes);
    });
    this.#request.on("response", (message) => this.#begin(message));
    this.#request.on("upgrade", () => this.#fail(switchedUnasked()));
    this.#request.on("error", (error) => this.#fail(error));
    this.#request.end();
  }

  /**
   * What may be the last byte, of the last chunk or of a declared length, goes alone: so it is known whether the answer ended
   * with it or before.
   */
  push(bytes: Buffer): void {
    if (this.#over) return;
    if (this.#early !== undefined) {
      this.#early.push(bytes);
      return;
    }
    const last = bytes.length - 1;
    const apart = bytes[last] === lineFeed || this.#message?.headers["content-length"] !== undefined;
    if (apart && last > 0) this.#line.emit("data", bytes.subarray(0, last));
    const endedBefore = this.#message?.complete === true;
    this.#line.emit("data", apart ? bytes.subarray(last) : bytes);
    this.#endedAtLastByte = apart && !endedBefore && this.#message?.complete === true;
  }

  /** The server sends no more. */
  end(): void {
    this.#line.emit("end");
    this.#line.destroy();
  }

  pause(): void {
    this.#message?.pause();
  }

  resume(): void {
    this.#message?.resume();
  }

  destroy(): void {
    this.#over = true;
    this.#request.destroy();
  }

  #begin(message: IncomingMessage): void {
    const { statusCode: code = 0 } = message;
    if (code < 100) return this.#fail(Object.assign(new Error(`the status is ${code}`), { code: "HPE_INVALID_STATUS" }));
    this.#message = message;
    message.on("data", (chunk: Buffer) => this.#attempt.onData(chunk));
    message.on("error", (error) => this.#fail(error));
    message.on("end", () => this.#finish(message));
    const { statusCode = 0, statusMessage = "", rawHeaders, headers } = message;
    if (statusCode === 101) return this.#fail(switchedUnasked());
    const length = headers["content-length"];
    this.#attempt.onHead({ status: statusCode, statusText: statusWords(statusMessage), headers: rawHeaders, length: length === undefined ? undefined : Number(length) });
  }

  #finish(message: IncomingMessage): void {
    if (this.#over) return;
    this.#over = true;
    const keeps = message.httpVersion === "1.1" && !/\bclose\b/i.test(message.headers.connection ?? "");
    // Read before the attempt is told: what it wakes may send the next request at once.
    const reusable = keeps && this.#endedAtLastByte && (message.statusCode ?? failingFrom) < failingFrom;
    this.#attempt.onEnd(message.rawTrailers);
    this.#onEnd(reusable);
  }

  #fail(error: Error): void {
    // Garbage behind an answer that is whole takes nothing from it; its end is on its way.
    if (this.#over || this.#message?.complete === true) return;
    this.#over = true;
    this.#attempt.onFailure(classify(error, true));
    this.#onEnd(false);
  }
}

function switchedUnasked(): Error {
  return Object.assign(new Error("the server switched protocols unasked"), { code: "HPE_PAUSED_UPGRADE" });
}

/** The parser's end of a connection that is none: it hears what is emitted here, and writes to nobody. */
class Line extends Duplex {
  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}
