/**
 * One client's connection in the plain lane: requests framed by plain-head.ts, one after the other, so that pipelined ones are
 * answered in their order. The first that is not plain goes to the ordinary lane with the connection and every byte from its
 * own first on; what is before the parser there never was before this one.
 *
 * A request is taken once its head is whole. Its body goes to the exchange's upload, which says when to read on.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { Attempt } from "../forward/attempt.ts";
import { fieldIn, fieldsOf } from "../forward/field-lines.ts";
import type { Exchange } from "./exchange.ts";
import type { Incoming, Sending } from "./incoming.ts";
import { readPlainHead } from "./plain-head.ts";
import type { PlainHead } from "./plain-head.ts";
import { PlainReply } from "./plain-reply.ts";
import { Upload } from "./upload.ts";
import type { UploadOptions } from "./upload.ts";

/** Of a trace context: an attempt with a span of its own is told it anew. */
const traceLines = /(?<=^|\n)trace(?:parent|state):[^\n]*\n/gi;

/** The gateway that serves the plain lane now. */
export interface PlainLane {
  readonly limits: { readonly headMax: number; readonly headTimeout: number; readonly bodyMax: number; readonly bodyTimeout: number; readonly idle: number };
  /** Serves the request to its end, and calls `over` then. */
  serve(incoming: Incoming, over: () => void): Exchange;
}

/** What the listener is to a connection. */
export interface PlainHost {
  readonly clock: Clock;
  /** Read for each request; undefined: nothing is plain. */
  lane(): PlainLane | undefined;
  /** Gives the socket to the ordinary lane, with the bytes that come first. */
  handOver(socket: Socket, bytes: Buffer): void;
  /** A part of a head has come. */
  arrived(): void;
  closed(connection: PlainConnection): void;
}

const nothing = Buffer.alloc(0);
/** Of requests that come before their turn so much is read: as long as it is less, it is also heard that the client has gone. */
const waitingMaxBytes = 65_536;
const requestTimeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";

export class PlainConnection {
  readonly #socket: Socket;
  readonly #host: PlainHost;
  /** `new`: nothing has come yet. `head`: a part of one has. `idle`: between two requests. */
  #state: "new" | "head" | "serving" | "idle" = "new";
  /** Since when it is in that state. */
  #sinceMs: number;
  /** Read and not yet looked at: a part of a head, or the next request. */
  #rest: Buffer = nothing;
  /** Bytes of the body that are still to come. */
  #bodyLeft = 0;
  #upload: Upload | undefined;
  #exchange: Exchange | undefined;
  #reply: PlainReply | undefined;

  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onDrain = (): void => this.#reply?.drained();
  /** As node:http does: who sends no more is not answered any more either. */
  readonly #onEnd = (): void => void this.#socket.end();
  readonly #onError = (): void => {};
  readonly #onClose = (): void => this.#closed();

  constructor(socket: Socket, host: PlainHost) {
    this.#socket = socket;
    this.#host = host;
    this.#sinceMs = host.clock.monotonicMs();
    socket.on("data", this.#onData).on("drain", this.#onDrain).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** Between two requests, with nothing of the next one read. */
  get idle(): boolean {
    return this.#state === "idle";
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection where its client has been slow for too long. */
  checkTime(nowMs: number): void {
    const limits = this.#host.lane()?.limits;
    if (limits === undefined) return;
    const forMs = nowMs - this.#sinceMs;
    if (this.#state === "idle") {
      if (forMs > limits.idle) this.destroy();
    } else if (this.#state !== "serving") {
      if (forMs > limits.headTimeout) this.#tooSlow();
    } else if (this.#bodyLeft > 0 && forMs > limits.bodyTimeout) {
      this.#tooSlow();
    }
  }

  #tooSlow(): void {
    if (this.#reply?.started !== true && this.#socket.writable) this.#socket.write(requestTimeout);
    this.destroy();
  }

  #take(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#bodyLeft > 0) {
      const body = bytes.length > this.#bodyLeft ? bytes.subarray(0, this.#bodyLeft) : bytes;
      bytes = bytes.subarray(body.length);
      this.#takeBody(body);
      if (bytes.length === 0) return;
    }
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#state !== "serving") this.#next();
    else if (this.#rest.length >= waitingMaxBytes) this.#socket.pause();
  }

  #takeBody(body: Buffer): void {
    this.#bodyLeft -= body.length;
    this.#upload?.take(body);
    if (this.#bodyLeft > 0) return;
    this.#upload?.finish("whole");
    if (this.#exchange === undefined) this.#wait();
    else if (this.#socket.isPaused()) this.#socket.resume(); // To hear of it where the client goes.
  }

  /** Looks at what may be the next request. */
  #next(): void {
    const lane = this.#host.lane();
    const head = lane === undefined ? "unusual" : readPlainHead(this.#rest, lane.limits.headMax);
    if (head === "more") {
      if (this.#state === "idle") this.#sinceMs = this.#host.clock.monotonicMs();
      this.#state = "head";
      this.#host.arrived();
    } else if (lane === undefined || head === "unusual" || head.length > lane.limits.bodyMax || !this.#goesOnPlain(lane, head)) {
      this.#handOver();
    } else {
      this.#serve(lane, head);
    }
  }

  /** What has come behind a request may be plain too. Else both are judged by the same parser: one may hide in the other. */
  #goesOnPlain({ limits }: PlainLane, { bytes, length }: PlainHead): boolean {
    return this.#rest.length <= bytes + length || readPlainHead(this.#rest.subarray(bytes + length), limits.headMax) !== "unusual";
  }

  #serve(lane: PlainLane, head: PlainHead): void {
    const after = this.#rest.subarray(head.bytes);
    const body = after.length > head.length ? after.subarray(0, head.length) : after;
    this.#rest = after.length > body.length ? after.subarray(body.length) : nothing;
    this.#bodyLeft = head.length - body.length;
    this.#state = "serving";
    if (this.#bodyLeft > 0) {
      this.#sinceMs = this.#host.clock.monotonicMs();
      this.#socket.pause();
    }
    const reply = new PlainReply(this.#socket, lane.limits.idle, () => this.destroy());
    this.#reply = reply;
    const incoming = new PlainIncoming(head, reply, (options) => this.#open(head, body, options));
    this.#exchange = lane.serve(incoming, () => this.#over(reply));
  }

  #open(head: PlainHead, body: Buffer, options: Omit<UploadOptions, "hasBody">): Upload {
    const upload = new Upload(this.#socket, { ...options, hasBody: head.length > 0 });
    this.#upload = upload;
    if (body.length > 0) upload.take(body);
    if (this.#bodyLeft === 0) upload.finish("whole");
    return upload;
  }

  #over(reply: PlainReply): void {
    this.#exchange = undefined;
    this.#reply = undefined;
    if (this.#socket.destroyed) return;
    if (reply.closes) this.#socket.destroySoon();
    else if (this.#bodyLeft === 0) this.#wait();
    else this.#socket.resume(); // The rest of a body that nobody wants stands before the next request.
  }

  /** For the next request, which may have come already. */
  #wait(): void {
    this.#upload = undefined;
    this.#state = "idle";
    this.#sinceMs = this.#host.clock.monotonicMs();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#rest.length > 0) this.#next();
  }

  #handOver(): void {
    const socket = this.#socket;
    socket.pause();
    socket.off("data", this.#onData).off("drain", this.#onDrain).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    this.#host.closed(this);
    this.#host.handOver(socket, this.#rest);
  }

  #closed(): void {
    this.#host.closed(this);
    if (this.#bodyLeft > 0) this.#upload?.finish("cut");
    this.#exchange?.gone();
  }
}

class PlainIncoming implements Incoming {
  readonly reply: PlainReply;
  readonly #head: PlainHead;
  readonly #open: (options: Omit<UploadOptions, "hasBody">) => Upload;

  constructor(head: PlainHead, reply: PlainReply, open: (options: Omit<UploadOptions, "hasBody">) => Upload) {
    this.#head = head;
    this.reply = reply;
    this.#open = open;
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  get declaredBytes(): number {
    return this.#head.length;
  }

  get heeded(): IncomingHttpHeaders {
    return this.#head.heeded;
  }

  headers(): IncomingHttpHeaders {
    const headers: Record<string, string> = {};
    const fields = fieldsOf(this.#head.lines + this.#head.idLine);
    for (let i = 0; i < fields.length; i += 2) {
      const name = (fields[i] as string).toLowerCase();
      const before = headers[name];
      headers[name] = before === undefined ? (fields[i + 1] as string) : `${before}, ${fields[i + 1]}`;
    }
    return headers;
  }

  header(name: string): string | undefined {
    return fieldIn(this.#head.lines + this.#head.idLine, name);
  }

  upload(options: Omit<UploadOptions, "hasBody">): Upload {
    return this.#open(options);
  }

  send({ to, path, body, added, replaced, deadlineMs, hold }: Sending): Attempt {
    const { method, idLine } = this.#head;
    const own = added.includes("traceparent") ? this.#head.lines.replace(traceLines, "") : this.#head.lines;
    const asked = replaced === undefined ? own : withFields(own, { ...replaced, "content-length": String((body as Buffer).length) });
    const lines = to.host === undefined ? asked : withFields(asked, { host: to.host });
    let more = added.length === 0 ? idLine : "";
    for (let i = 0; i < added.length; i += 2) more += `${added[i]}: ${added[i + 1]}\r\n`;
    const all = to.basePath + path;
    if (to.plain === undefined) return to.ordinary.attempt({ method, path: all, headers: fieldsOf(lines + more), body, deadlineMs, hold });
    return to.plain.attempt({ method, head: `${method} ${all} HTTP/1.1\r\n${lines}${more}\r\n`, body, deadlineMs, hold });
  }
}

/** The lines with these fields (lower-case names) instead of those of the same names. */
function withFields(lines: string, replaced: Readonly<Record<string, string>>): string {
  const fields = fieldsOf(lines);
  let all = "";
  for (let i = 0; i < fields.length; i += 2) if (replaced[(fields[i] as string).toLowerCase()] === undefined) all += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return Object.entries(replaced).reduce((text, [name, value]) => `${text}${name}: ${value}\r\n`, all);
}
