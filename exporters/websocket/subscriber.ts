/**
 * One subscriber on a websocket: what it says (hello, heartbeats, acks, a new token) and when it is closed. What it is sent, and
 * how much may wait for it, is its feed's (feed.ts).
 */
import type { WebSocket } from "ws";
import { mayDo, type Principal } from "../../agent/principal.ts";
import type { Cancel, Clock } from "../../agent/clock.ts";
import type { Log } from "../../agent/log.ts";
import { features, frameBytesMax, heardFramesMax, protocolVersion, readFrame, waitingBytesMax, type BodyOf, type Feature, type Hello, type NackCode, type PublisherFrame, type SubscriberFrame } from "../frames.ts";
import { Feed } from "./feed.ts";
import type { Publication } from "./publication.ts";
import { unknownTopics, wantsOf } from "./selection.ts";
import { Applied } from "./standing.ts";

export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  unreadable: 1007,
  tooMany: 1008,
  tryLater: 1013,
  auth: 4001,
  version: 4002,
  forbidden: 4003,
  tooSlow: 4008,
  replaced: 4009,
  gap: 4010,
} as const;

/** What is written between the two goes out together. */
export interface Wire {
  readonly cork: () => void;
  readonly uncork: () => void;
}

export interface SubscriberOptions {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** How many signals may wait for a subscriber that does not read before it gets the latest instead. */
  readonly bufferFrames: number;
}

export interface SubscriberDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly publication: Publication;
  readonly dropped: (what: string, count?: number) => void;
  readonly authenticate: (token: string) => Principal | undefined;
  readonly nacked: (code: NackCode) => void;
  /** It has said hello, under a session where it has one. */
  readonly greeted: () => void;
  /** The connection is gone. Called once. */
  readonly gone: () => void;
}

const helloMs = 1_000;
const closeMs = 1_000;
const reconnectAfterMs = 1_000;
const missedMax = 3;
const badFramesMax = 3;

export class Subscriber {
  readonly transport = "websocket";
  readonly remote: string;
  readonly applied = new Applied();
  readonly #socket: WebSocket;
  readonly #options: SubscriberOptions;
  readonly #deps: SubscriberDeps;
  readonly #waits: Cancel[];
  readonly #wire: Wire | undefined;
  #isCorked = false;
  #principal: Principal | undefined;
  #feed: Feed | undefined;
  #hello: Hello = {};
  #features: ReadonlySet<Feature> = new Set();
  #isClosing = false;
  #slowSinceMs: number | undefined;
  /** Heartbeats without a sign of the other side. */
  #missed = 0;
  /** Frames since the last heartbeat. */
  #heard = 0;
  #badFrames = 0;
  #ackedSeq: number | undefined;
  /** When our last heartbeat was sent, as it says itself. */
  #beatAtMs: number | undefined;
  #roundTripMs: number | undefined;

  constructor(socket: WebSocket, from: { readonly remote: string; readonly principal: Principal | undefined; readonly wire: Wire | undefined }, options: SubscriberOptions, deps: SubscriberDeps) {
    const { clock, publication } = deps;
    this.#socket = socket;
    const { remote } = from;
    this.remote = remote;
    this.#wire = from.wire;
    this.#principal = from.principal;
    this.#options = options;
    this.#deps = deps;
    socket.on("message", (data, isBinary) => this.#hear(data as Buffer, isBinary));
    socket.on("ping", () => this.#noteLife());
    socket.on("pong", () => this.#noteLife());
    socket.on("error", (error) => deps.log.debug({ remote, error: error.message }, "a subscriber's connection failed"));
    socket.once("close", (code) => this.#closed(code));
    this.#waits = [
      clock.after(helloMs, () => this.#begin({})),
      clock.every(options.heartbeatMs, () => this.#beat()),
      clock.every(options.leaseMs / 3, () => this.#feed?.renew()),
    ];
    this.#tell("welcome", {
      version: protocolVersion,
      heartbeatMs: options.heartbeatMs,
      leaseMs: options.leaseMs,
      oldestSeq: publication.history.oldestSeq,
      frameBytesMax,
      framesMax: heardFramesMax,
      waitingBytesMax,
      features: [...features],
      ...this.#authExpiry(),
    });
  }

  get name(): string | undefined {
    return this.#hello.name;
  }

  /** By whom it was connected, and which of its runs it is. */
  get session(): string | undefined {
    return this.#hello.session === undefined ? undefined : JSON.stringify([this.#principal?.name, this.#hello.session]);
  }

  get acks(): boolean {
    return this.#features.has("ack");
  }

  get enforces(): boolean {
    return this.#hello.enforce === true;
  }

  get isSlow(): boolean {
    return this.#feed?.isSlow === true;
  }

  /** Up to which number it has said that it knows. */
  get ackedSeq(): number | undefined {
    return this.#ackedSeq;
  }

  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** A signal was published. Several of one turn cost one call of the system, not one each: `flush` follows. */
  push(): void {
    if (this.#feed === undefined) return;
    if (!this.#isCorked) this.#wire?.cork();
    this.#isCorked = true;
    this.#feed.push();
  }

  flush(): void {
    if (this.#isCorked) this.#wire?.uncork();
    this.#isCorked = false;
  }

  /** Says goodbye and closes; cuts the connection if the other side does not follow. */
  goodbye(reason: string): void {
    if (this.#isClosing) return;
    if (this.#features.has("bookmark")) this.#feed?.bookmark();
    this.#tell("goodbye", { reason, reconnectAfterMs });
    this.#end(closeCodes.goingAway, "going away");
  }

  /** Another connection of the same session has come. */
  replaced(): void {
    this.#end(closeCodes.replaced, "replaced");
  }

  #begin(hello: Hello): void {
    if (this.#feed !== undefined || this.#isClosing) return;
    const { versions, filters, cursor } = hello;
    if (versions !== undefined && (versions.min > protocolVersion || versions.max < protocolVersion)) {
      this.#tell("error", { code: "version", detail: `this publisher speaks version ${protocolVersion}` });
      return this.#end(closeCodes.version, "version");
    }
    const unknown = unknownTopics(hello.topics);
    if (unknown.length > 0) this.#tell("error", { code: "unknown-topic", detail: `not known: ${unknown.join(", ").slice(0, 400)}` });
    this.#hello = hello;
    this.#features = new Set(features.filter((feature) => hello.features?.includes(feature)));
    const sink = {
      waitingBytes: () => this.#socket.bufferedAmount,
      send: (frame: Buffer) => this.#send(frame),
      giveUp: () => this.#end(closeCodes.gap, "too far behind"),
    };
    this.#feed = new Feed(this.#deps.publication, sink, {
      bufferFrames: this.#options.bufferFrames,
      wants: wantsOf({ topics: hello.topics, ...filters }),
      conflates: this.#features.has("bookmark"),
      renewedByHeartbeat: this.#features.has("renew"),
    }, this.#deps.dropped);
    this.#deps.greeted();
    this.#feed.begin(cursor);
  }

  #beat(): void {
    const feed = this.#feed;
    if (this.#isClosing) return;
    if (this.#isExpired()) return this.#end(closeCodes.auth, "the token has expired");
    this.#heard = 0;
    if (feed?.isSlow === true) return this.#waitForSlow();
    this.#slowSinceMs = undefined;
    if (this.#missed >= missedMax) return this.#socket.terminate();
    this.#missed += 1;
    this.#socket.ping();
    if (feed?.isCurrent !== true) return;
    feed.bookmark();
    this.#beatAtMs = this.#nowMs();
    this.#tell("heartbeat", { lastSeq: feed.toldSeq, sentAt: this.#beatAtMs });
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
    if (this.#isClosing) return false;
    this.#missed = 0;
    this.#heard += 1;
    if (this.#heard <= heardFramesMax) return true;
    this.#end(closeCodes.tooMany, "too many frames");
    return false;
  }

  #heardFrame(frame: SubscriberFrame): void {
    switch (frame.kind) {
      case "hello": {
        const { name, cursor, enforce } = frame.body;
        this.#deps.log.info({ remote: this.remote, name, cursor, enforce }, "a subscriber said hello");
        return this.#begin(frame.body);
      }
      case "heartbeat":
        return this.#heardHeartbeat(frame.body);
      case "ack":
        return this.#heardAck(frame.body, frame.id);
      case "nack":
        return this.#heardNack(frame.body, frame.id);
      case "auth.refresh":
        return this.#refreshAuth(frame.body.token);
      case "goodbye":
        return this.#end(closeCodes.normal, "goodbye");
    }
  }

  /** One with `echo` answers ours; one without is answered, so that either side may measure the way. */
  #heardHeartbeat({ sentAt, echo }: Extract<SubscriberFrame, { kind: "heartbeat" }>["body"]): void {
    if (echo !== undefined) {
      if (echo === this.#beatAtMs) this.#roundTripMs = this.#nowMs() - echo;
    } else if (sentAt !== undefined && this.#feed?.isCurrent === true) {
      this.#tell("heartbeat", { lastSeq: this.#feed.toldSeq, echo: sentAt });
    }
  }

  #heardAck({ upTo, applied = {} }: Extract<SubscriberFrame, { kind: "ack" }>["body"], of: string | undefined): void {
    const { history, levels } = this.#deps.publication;
    const newest = Math.max(upTo, ...Object.values(applied));
    if (newest > history.lastSeq) return this.#tell("error", { code: "not-so", detail: `${newest} was never sent`, ...(of !== undefined && { of }) });
    this.#ackedSeq = upTo;
    this.applied.ack(applied, levels.of("directive"));
  }

  #heardNack({ rev, code, detail, keeping }: Extract<SubscriberFrame, { kind: "nack" }>["body"], of: string | undefined): void {
    if (rev > this.#deps.publication.history.lastSeq) return this.#tell("error", { code: "not-so", detail: `no directive has rev ${rev}`, ...(of !== undefined && { of }) });
    this.applied.nack({ rev, code, detail: detail.slice(0, 300), keeping });
    this.#deps.nacked(code);
    this.#deps.log.warn({ remote: this.remote, name: this.name, rev, code, detail, keeping }, "a subscriber could not apply a directive");
  }

  #heardBad(error: BodyOf<"error">): void {
    this.#deps.dropped("subscriber_frames");
    this.#badFrames += 1;
    this.#tell("error", error);
    if (this.#badFrames > badFramesMax) this.#end(closeCodes.unreadable, "frames could not be read");
  }

  /** The connection goes on in the same name, or not at all. */
  #refreshAuth(token: string): void {
    const principal = this.#deps.authenticate(token);
    if (principal === undefined) {
      this.#tell("error", { code: "token", detail: "the token is not known" });
      return this.#end(closeCodes.auth, "the token is not known");
    }
    if (!mayDo(principal, "read") || (this.#principal !== undefined && principal.name !== this.#principal.name)) {
      this.#tell("error", { code: "forbidden", detail: "the token is another's" });
      return this.#end(closeCodes.forbidden, "the token is another's");
    }
    this.#principal = principal;
    this.#tell("auth.refreshed", this.#authExpiry());
  }

  #authExpiry(): { readonly authExpiresInMs?: number } {
    const untilWallMs = this.#principal?.expiresAtWallMs;
    return untilWallMs === undefined ? {} : { authExpiresInMs: Math.max(0, untilWallMs - this.#deps.clock.wallMs()) };
  }

  #isExpired(): boolean {
    const untilWallMs = this.#principal?.expiresAtWallMs;
    return untilWallMs !== undefined && this.#deps.clock.wallMs() >= untilWallMs;
  }

  #end(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#feed?.end();
    this.#socket.close(code, reason);
    this.#waits.push(this.#deps.clock.after(closeMs, () => this.#socket.terminate()));
  }

  #closed(code: number): void {
    this.#isClosing = true;
    this.#feed?.end();
    for (const cancel of this.#waits) cancel();
    this.#deps.log.info({ remote: this.remote, name: this.name, code }, "a subscriber is gone");
    this.#deps.gone();
  }

  #nowMs(): number {
    return Math.round(this.#deps.clock.monotonicMs() * 1_000) / 1_000;
  }

  #tell<Kind extends PublisherFrame["kind"]>(kind: Kind, body: BodyOf<Kind>): void {
    this.#send(this.#deps.publication.frame(kind, body));
  }

  #send(frame: Buffer): void {
    // Once it is written, there may be room for more.
    this.#socket.send(frame, { binary: false }, () => this.#feed?.pump());
  }
}
