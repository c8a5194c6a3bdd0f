/**
 * An answer written straight to the client's socket: the head's lines as they came, what the gateway adds, and the body, in as
 * few writes as there are pieces. The same bytes as node:http would write.
 */
import { STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { isSaneVersion } from "./headers.ts";
import type { Provenance } from "./headers.ts";
import { Reply } from "./reply.ts";
import type { AnswerHead } from "./reply.ts";

/** A body up to this is put behind its head, so that both leave in one write. */
const joinedMaxBytes = 16_384;
const bodyless: ReadonlySet<number> = new Set([204, 304]);
const lastChunk = "0\r\n";

export class PlainReply extends Reply {
  readonly #socket: Socket;
  readonly #idleSeconds: number;
  readonly #broken: () => void;
  #status: number | undefined;
  /** Waits for the first of the body. */
  #head: string | undefined;
  #chunked = false;
  #ended = false;
  #delivered = false;
  #closes = false;
  #drain: (() => void) | undefined;

  /** `broken`: called by `break`, to end the connection at once. */
  constructor(socket: Socket, idleMs: number, broken: () => void) {
    super();
    this.#socket = socket;
    this.#idleSeconds = Math.floor(idleMs / 1_000);
    this.#broken = broken;
  }

  get started(): boolean {
    return this.#status !== undefined;
  }

  get status(): number | undefined {
    return this.#status;
  }

  get delivered(): boolean {
    return this.#delivered;
  }

  /** The connection is to end with this answer. */
  get closes(): boolean {
    return this.#closes;
  }

  closeAfter(): void {
    this.#closes = true;
  }

  /** Requests that wait for it are the ordinary lane's. */
  continue(): void {}

  head({ status, statusText, fields, lines, added, length }: AnswerHead, provenance: Provenance | undefined): void {
    const words = statusText === "" ? (STATUS_CODES[status] ?? "unknown") : statusText;
    this.#chunked = length === undefined && !bodyless.has(status);
    this.#head =
      `HTTP/1.1 ${status} ${words}\r\n${lines ?? linesOf(fields)}${added === undefined ? "" : linesOf(added)}${provenance === undefined ? "" : provenanceLines(provenance)}` +
      `${this.#closes ? "Connection: close\r\n" : `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#idleSeconds}\r\n`}` +
      `${this.#chunked ? "Transfer-Encoding: chunked\r\n" : ""}\r\n`;
    this.#status = status;
  }

  write(chunk: Buffer): boolean {
    this.count(chunk);
    return this.#send(chunk);
  }

  onDrain(run: () => void): void {
    this.#drain = run;
  }

  /** The client takes more again. */
  drained(): void {
    this.#drain?.();
  }

  async end(chunks: readonly Buffer[] = [], trailers: readonly string[] = []): Promise<void> {
    if (this.#ended || this.#socket.destroyed) return;
    this.#ended = true;
    const [only] = chunks;
    const body = chunks.length === 1 ? only : chunks.length === 0 ? undefined : Buffer.concat(chunks);
    if (body !== undefined) this.count(body);
    if (body !== undefined && body.length > 0) this.#send(body);
    const rest = this.#chunked ? `${this.#taken()}${lastChunk}${linesOf(trailers)}\r\n` : this.#taken();
    if (rest !== "") this.#socket.write(rest, "latin1");
    // Most answers are with the system by now; the others once the socket has nothing more to write.
    if (this.#socket.writableLength > 0) await this.#flushed();
    this.#delivered = this.#socket.writableLength === 0 && !this.#socket.destroyed;
  }

  /** A body over its limit is the ordinary lane's to refuse; nothing is left to be read here. */
  endWhileSending(body: Buffer, _clock: Clock): Promise<void> {
    this.closeAfter();
    return this.end([body]);
  }

  break(): void {
    this.#ended = true;
    this.#broken();
  }

  #send(chunk: Buffer): boolean {
    const head = this.#taken();
    const socket = this.#socket;
    if (this.#chunked) {
      socket.cork();
      socket.write(`${head}${chunk.length.toString(16)}\r\n`, "latin1");
      socket.write(chunk);
      const more = socket.write("\r\n", "latin1");
      socket.uncork();
      return more;
    }
    if (head === "") return socket.write(chunk);
    if (chunk.length <= joinedMaxBytes) {
      const bytes = Buffer.allocUnsafe(head.length + chunk.length);
      bytes.write(head, 0, "latin1");
      bytes.set(chunk, head.length);
      return socket.write(bytes);
    }
    socket.cork();
    socket.write(head, "latin1");
    const more = socket.write(chunk);
    socket.uncork();
    return more;
  }

  /** The head, where it has not left yet. */
  #taken(): string {
    const head = this.#head ?? "";
    this.#head = "";
    return head;
  }

  /** An empty write is over when all before it are. */
  #flushed(): Promise<void> {
    return new Promise((resolve) => this.#socket.write("", "latin1", () => resolve()));
  }
}

/** The lines of `provenanceFields`. Each part of it is known to fit in a line. */
function provenanceLines({ rung, reason, version, inferenceId }: Provenance): string {
  const lines = `pilotfish-rung: ${rung}\r\npilotfish-reason: ${reason}\r\npilotfish-inference-id: ${inferenceId}\r\n`;
  return isSaneVersion(version) ? `${lines}pilotfish-model-version: ${version}\r\n` : lines;
}

/** Throws a TypeError for a name or value that would break out of its line. */
function linesOf(fields: readonly string[]): string {
  let lines = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}
