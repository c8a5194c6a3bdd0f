/**
 * One subscriber: a place in the history that runs after its end. Coming back with a cursor, falling behind and having lost
 * too much are one mechanism: serve from the history what is there, else `reset` and a snapshot. So there is no queue for a
 * subscriber, only the bytes that its socket has not yet taken, and their bound.
 */
import type { WebSocket } from "ws";
import type { Cancel, Clock } from "../../agent/clock.ts";
import type { Log } from "../../agent/log.ts";
import { frameBytesMax, readFrame, type BodyOf, type PublisherFrame, type SubscriberFrame } from "../frames.ts";
import type { Publication } from "./publication.ts";

export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  unreadable: 1007,
  tooMany: 1008,
  tryLater: 1013,
  tooSlow: 4008,
} as const;

export interface SubscriberOptions {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** How many signals may wait for a subscriber that does not read before they are let go. */
  readonly bufferFrames: number;
}

export interface SubscriberDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly publication: Publication;
  readonly dropped: (what: string, count?: number) => void;
  /** The connection is gone. Called once. */
  readonly gone: () => void;
}

/** Above so many bytes that the socket has not taken, a subscriber counts as slow. */
const waitingBytesMax = 262_144;
const helloMs = 1_000;
const closeMs = 1_000;
const reconnectAfterMs = 1_000;
const missedMax = 3;
const badFramesMax = 3;
/** Within one heartbeat, pings and pongs too. */
const heardFramesMax = 100;

export class Subscriber {
  readonly #socket: WebSocket;
  readonly #remote: string;
  readonly #options: SubscriberOptions;
  readonly #deps: SubscriberDeps;
  readonly #waits: Cancel[];
  #phase: "greeting" | "live" | "closing" = "greeting";
  /** The number of the last frame that was sent. */
  #sentSeq = 0;
  /** Signals announced while the socket took none. */
  #waiting = 0;
  #slowSinceMs: number | undefined;
  /** Heartbeats without a sign of the other side. */
  #missed = 0;
  /** Frames since the last heartbeat. */
  #heard = 0;
  #badFrames = 0;

  constructor(socket: WebSocket, remote: string, options: SubscriberOptions, deps: SubscriberDeps) {
    const { clock, publication } = deps;
    this.#socket = socket;
    this.#remote = remote;
    this.#options = options;
    this.#deps = deps;
    socket.on("message", (data, isBinary) => this.#hear(data as Buffer, isBinary));
    socket.on("ping", () => this.#noteLife());
    socket.on("pong", () => this.#noteLife());
    socket.on("error", (error) => deps.log.debug({ remote, error: error.message }, "a subscriber's connection failed"));
    socket.once("close", (code) => this.#closed(code));
    this.#waits = [
      clock.after(helloMs, () => this.#begin(undefined)),
      clock.every(options.heartbeatMs, () => this.#beat()),
      clock.every(options.leaseMs / 3, () => this.#refresh()),
    ];
    this.#tell("welcome", {
      heartbeatMs: options.heartbeatMs,
      leaseMs: options.leaseMs,
      oldestSeq: publication.history.oldestSeq,
      frameBytesMax,
    });
  }

  /** A signal was published: sends it now, if the socket takes it. */
  push(): void {
    if (this.#isSlow()) this.#waiting += 1;
    this.#pump();
  }

  /** Says goodbye and closes; cuts the connection if the other side does not follow. */
  goodbye(reason: string): void {
    if (this.#phase === "closing") return;
    this.#tell("goodbye", { reason, reconnectAfterMs });
    this.#end(closeCodes.goingAway, "going away");
  }

  #begin(cursor: string | undefined): void {
    if (this.#phase !== "greeting") return;
    this.#phase = "live";
    if (cursor === undefined) return this.#snapshot();
    const { epoch, history } = this.#deps.publication;
    const [cursorEpoch, text] = cursor.split(":");
    if (cursorEpoch !== epoch) return this.#reset("epoch");
    const seq = Number(text);
    const isServed = Number.isInteger(seq) && seq >= history.oldestSeq - 1 && seq <= history.lastSeq;
    if (!isServed) return this.#reset("gap");
    this.#sentSeq = seq;
    this.#pump();
    this.#refresh();
  }

  #pump(): void {
    const { history } = this.#deps.publication;
    if (this.#phase !== "live") return;
    while (!this.#isSlow()) {
      const behind = history.lastSeq - this.#sentSeq;
      if (behind === 0) {
        this.#waiting = 0;
        return;
      }
      const frame = history.at(this.#sentSeq + 1);
      if (frame === undefined || this.#waiting > this.#options.bufferFrames) {
        this.#deps.dropped("signal_frames", behind);
        this.#reset("gap");
      } else {
        this.#sentSeq += 1;
        this.#send(frame);
      }
    }
  }

  #reset(reason: BodyOf<"reset">["reason"]): void {
    this.#tell("reset", { reason });
    this.#snapshot();
  }

  #snapshot(): void {
    const { publication } = this.#deps;
    this.#waiting = 0;
    this.#sentSeq = publication.history.lastSeq;
    for (const frame of publication.snapshot()) this.#send(frame);
  }

  #refresh(): void {
    if (!this.#isCurrent()) return;
    for (const frame of this.#deps.publication.refresh()) this.#send(frame);
  }

  #beat(): void {
    if (this.#phase === "closing") return;
    this.#heard = 0;
    if (this.#isSlow()) return this.#waitForSlow();
    this.#slowSinceMs = undefined;
    if (this.#missed >= missedMax) return this.#socket.terminate();
    this.#missed += 1;
    this.#socket.ping();
    if (this.#isCurrent()) this.#tell("heartbeat", { lastSeq: this.#sentSeq });
  }

  /** Who has much left to read can not answer a ping behind it, so only the lease is counted. */
  #waitForSlow(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#slowSinceMs ??= nowMs;
    if (nowMs - this.#slowSinceMs >= this.#options.leaseMs) this.#end(closeCodes.tooSlow, "too slow");
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (!this.#noteLife()) return;
    const frame = isBinary ? ({ code: "not-text", detail: "frames are text" } as const) : readFrame(data.toString());
    if (frame === undefined) return;
    if ("code" in frame) this.#heardBad(frame);
    else this.#heardFrame(frame);
  }

  /** Notes a sign of life, pings too. False where it is not to be read: the connection closes, or there were too many. */
  #noteLife(): boolean {
    if (this.#phase === "closing") return false;
    this.#missed = 0;
    this.#heard += 1;
    if (this.#heard <= heardFramesMax) return true;
    this.#end(closeCodes.tooMany, "too many frames");
    return false;
  }

  #heardFrame(frame: SubscriberFrame): void {
    switch (frame.kind) {
      case "hello":
        this.#deps.log.info({ remote: this.#remote, name: frame.body.name, cursor: frame.body.cursor }, "a subscriber said hello");
        return this.#begin(frame.body.cursor);
      case "heartbeat":
        return; // That it came is what counts.
      case "goodbye":
        return this.#end(closeCodes.normal, "goodbye");
    }
  }

  #heardBad(error: BodyOf<"error">): void {
    this.#deps.dropped("subscriber_frames");
    this.#badFrames += 1;
    this.#tell("error", error);
    if (this.#badFrames > badFramesMax) this.#end(closeCodes.unreadable, "frames could not be read");
  }

  #end(code: number, reason: string): void {
    this.#phase = "closing";
    this.#socket.close(code, reason);
    this.#waits.push(this.#deps.clock.after(closeMs, () => this.#socket.terminate()));
  }

  #closed(code: number): void {
    this.#phase = "closing";
    for (const cancel of this.#waits) cancel();
    this.#deps.log.info({ remote: this.#remote, code }, "a subscriber is gone");
    this.#deps.gone();
  }

  #isSlow(): boolean {
    return this.#socket.bufferedAmount > waitingBytesMax;
  }

  /** Has it been sent all there is? */
  #isCurrent(): boolean {
    return this.#phase === "live" && this.#sentSeq === this.#deps.publication.history.lastSeq && !this.#isSlow();
  }

  #tell<Kind extends PublisherFrame["kind"]>(kind: Kind, body: BodyOf<Kind>): void {
    this.#send(this.#deps.publication.frame(kind, body));
  }

  #send(frame: Buffer): void {
    // Once it is written, there may be room for more.
    this.#socket.send(frame, { binary: false }, () => this.#pump());
  }
}
