/**
 * Connections to one backend for requests whose bytes are ready as they are: a head in Latin-1 and a body whose length it
 * tells. The other half of the plain lane; pool.ts serves everything else.
 *
 * Plain answers (answer-head.ts) are cut out of the bytes as they come, without a parser and without a copy. A connection is
 * used again only where its request went out whole and its answer ended with the last byte received; the one last used is
 * taken first, so that those which are not needed grow old and close. After a 5xx it is not used again: a server that breaks
 * down ends its connections without a word, and the second attempt would be the first to find out.
 */
import { connect } from "node:net";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Cancel, Clock } from "../clock.ts";
import { answerHeadReader } from "./answer-head.ts";
import type { PlainHead } from "./answer-head.ts";
import { AnswerParser, failingFrom } from "./answer-parser.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptLimits, Wire } from "./attempt.ts";
import { classify } from "./classify.ts";

export interface PlainPoolOptions {
  /** `http:`; a path in it is not used. */
  readonly server: URL;
  readonly connections: number;
  /** Names, in lower case, of fields of an answer that must be looked at before they go on. */
  readonly withheld: readonly string[];
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
}

export interface PlainRequest extends AttemptLimits {
  readonly method: string;
  /** All of the head in Latin-1, with its empty line. */
  readonly head: string;
  /** As long as the head says. */
  readonly body: Buffer | Readable | null;
}

export interface PlainPool {
  /** Starts one attempt. Never throws; what goes wrong is in the attempt's answer. */
  attempt(request: PlainRequest): Attempt;
  /** Breaks off whatever is still under way. */
  close(): void;
}

/** A body up to this is put behind its head, so that both leave in one write. */
const joinedMaxBytes = 16_384;
const endOfHead = Buffer.from("\r\n\r\n");
const sweepMs = 1_000;

interface Job {
  readonly attempt: Attempt;
  readonly request: PlainRequest;
}

/** What the connections of a pool share. */
interface Shared {
  readonly clock: Clock;
  readonly readHead: (text: string) => PlainHead | undefined;
  /** A connection can be given another request. */
  free(connection: Connection): void;
  closed(connection: Connection): void;
}

/** Opens nothing until the first attempt. */
export function plainPool(clock: Clock, { server, connections, withheld, connectTimeoutMs = 5_000 }: PlainPoolOptions): PlainPool {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const port = Number(server.port || 80);
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  const waiting: Job[] = [];
  let cancelSweep: Cancel | undefined;
  let closed = false;

  const dial = (job: Job): void => {
    const connection = new Connection(shared, connect({ host, port, noDelay: true, keepAlive: true }), job, connectTimeoutMs);
    open.add(connection);
    cancelSweep ??= clock.every(sweepMs, sweep);
  };

  const shared: Shared = {
    clock,
    readHead: answerHeadReader(withheld),
    free(connection) {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        if (connection.send(job)) return;
      }
      if (closed) connection.close();
      else idle.push(connection);
    },
    closed(connection) {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      const next = closed ? undefined : waiting.shift();
      if (next !== undefined) dial(next);
      else if (open.size === 0) stopSweep();
    },
  };

  /** Of connections that have not been needed, the oldest stand first. */
  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    for (const connection of idle) if (!connection.usable(nowMs)) connection.close();
  };

  const stopSweep = (): void => {
    cancelSweep?.();
    cancelSweep = undefined;
  };

  return {
    attempt(request) {
      const attempt = new Attempt(clock, request);
      const job = { attempt, request };
      for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
        if (connection.usable(attempt.startedMs)) {
          connection.send(job);
          return attempt;
        }
        connection.close();
      }
      if (closed) attempt.onFailure({ outcome: "refused", detail: "the gateway is closed" });
      else if (open.size < connections) dial(job);
      else waiting.push(job);
      return attempt;
    },
    close() {
      closed = true;
      stopSweep();
      for (const { attempt } of waiting.splice(0)) attempt.cancel("cancelled", "the gateway is closed");
      for (const connection of open) connection.close();
    },
  };
}

class Connection implements Wire {
  readonly #shared: Shared;
  readonly #socket: Socket;
  #job: Job | undefined;
  /** While idle: when it is too old to be used again, in the clock's monotonic milliseconds. */
  #freshUntilMs = 0;
  #connected = false;
  #error: unknown;
  /** The server sends no more. */
  #endSeen = false;
  /** The request's last byte has been written. */
  #sent = false;
  #upload: Readable | undefined;
  #head: PlainHead | undefined;
  #bodyLeft = 0;
  #parser: AnswerParser | undefined;

  constructor(shared: Shared, socket: Socket, first: Job, connectTimeoutMs: number) {
    this.#shared = shared;
    this.#socket = socket;
    this.#job = first;
    const cancelTimer = shared.clock.after(connectTimeoutMs, () => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)));
    socket.once("connect", () => {
      cancelTimer();
      this.#connected = true;
      this.#job = undefined;
      if (!this.send(first)) this.#shared.free(this);
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("drain", () => this.#upload?.resume());
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => {
      cancelTimer();
      this.#broken();
      shared.closed(this);
    });
  }

  /** Idle, not too old, and not on its way out. */
  usable(nowMs: number): boolean {
    return nowMs < this.#freshUntilMs && !this.#socket.destroyed;
  }

  /** False: the attempt was given up meanwhile, and nothing was sent. */
  send(job: Job): boolean {
    if (!job.attempt.onSend(this)) return false;
    const { head, body } = job.request;
    this.#job = job;
    this.#head = undefined;
    this.#parser = undefined;
    this.#sent = !(body instanceof Readable);
    if (body === null) {
      this.#socket.write(head, "latin1");
    } else if (body instanceof Readable) {
      this.#socket.write(head, "latin1");
      this.#follow(body);
    } else if (body.length <= joinedMaxBytes) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, "latin1");
      bytes.set(body, head.length);
      this.#socket.write(bytes);
    } else {
      this.#socket.cork();
      this.#socket.write(head, "latin1");
      this.#socket.write(body);
      this.#socket.uncork();
    }
    return true;
  }

  pause(): void {
    this.#socket.pause();
    this.#parser?.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.#parser?.resume();
  }

  abort(): void {
    this.#leave();
    this.close();
  }

  close(): void {
    this.#parser?.destroy();
    this.#socket.destroy();
  }

  #follow(upload: Readable): void {
    this.#upload = upload;
    upload.on("data", (chunk: Buffer) => {
      if (this.#upload === upload && !this.#socket.write(chunk)) upload.pause();
    });
    upload.on("end", () => {
      if (this.#upload === upload) this.#sent = true;
    });
    upload.on("error", () => {});
  }

  #take(chunk: Buffer): void {
    const job = this.#job;
    if (this.#parser !== undefined) this.#parser.push(chunk);
    else if (job === undefined) this.close(); // Nobody asked: whatever follows could not be told apart either.
    else if (this.#head === undefined) this.#begin(job, chunk);
    else this.#body(job, this.#head, chunk);
  }

  #begin(job: Job, chunk: Buffer): void {
    const end = chunk.indexOf(endOfHead);
    const head = end < 0 ? undefined : this.#shared.readHead(chunk.toString("latin1", 0, end + 2));
    if (head === undefined) {
      this.#parser = new AnswerParser(job.attempt, job.request.method, (reusable) => this.#finish(reusable));
      this.#parser.push(chunk);
      return;
    }
    this.#head = head;
    this.#bodyLeft = head.length;
    job.attempt.onHead(head);
    this.#body(job, head, chunk.subarray(end + 4));
  }

  #body({ attempt }: Job, { status, reuseMs }: PlainHead, chunk: Buffer): void {
    const excess = chunk.length - this.#bodyLeft;
    const bytes = excess > 0 ? chunk.subarray(0, this.#bodyLeft) : chunk;
    this.#bodyLeft -= bytes.length;
    if (bytes.length > 0) attempt.onData(bytes);
    if (this.#bodyLeft > 0) return;
    attempt.onEnd();
    this.#finish(excess <= 0 && reuseMs > 0 && status < failingFrom);
  }

  #finish(reusable: boolean): void {
    if (this.#job === undefined) return;
    this.#leave();
    this.#parser = undefined;
    if (!reusable || !this.#sent || this.#socket.destroyed) return this.close();
    this.#socket.resume();
    this.#freshUntilMs = this.#shared.clock.monotonicMs() + (this.#head?.reuseMs ?? 4_000);
    this.#shared.free(this);
  }

  #leave(): void {
    this.#job = undefined;
    this.#upload?.destroy();
    this.#upload = undefined;
  }

  #ended(): void {
    this.#endSeen = true;
    if (this.#parser !== undefined) this.#parser.end();
    else this.#socket.destroy();
  }

  #broken(): void {
    const job = this.#job;
    if (job === undefined) return;
    // Where the server only ended, the parser has been told, and it may be how the answer ends.
    if (this.#parser !== undefined && this.#endSeen && this.#error === undefined) return;
    this.#leave();
    this.#parser?.destroy();
    const error = this.#error ?? Object.assign(new Error("the connection closed before the answer was whole"), { code: "ECONNRESET" });
    job.attempt.onFailure(classify(error, this.#connected));
  }
}
