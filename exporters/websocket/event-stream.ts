/**
 * One reader of server-sent events (WHATWG HTML, 9.2): the same frames in the same order as on a websocket, each an event of its
 * kind's name with the cursor as id, so that a browser's own reconnection resumes. It can not answer, so there are no acks.
 */
import type { Writable } from "node:stream";
import type { Cancel, Clock } from "../../agent/clock.ts";
import type { Log } from "../../agent/log.ts";
import type { Principal } from "../../agent/principal.ts";
import { Feed } from "./feed.ts";
import type { Publication } from "./publication.ts";
import { wantsOf, type Selection } from "./selection.ts";
import { Applied } from "./standing.ts";
import type { SubscriberOptions } from "./subscriber.ts";

export interface EventStreamDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly publication: Publication;
  readonly dropped: (what: string, count?: number) => void;
  readonly gone: () => void;
}

export interface EventStreamRequest extends Selection {
  readonly remote: string;
  readonly principal: Principal | undefined;
  /** Last-Event-ID. */
  readonly cursor: string | undefined;
}

const reconnectAfterMs = 1_000;
const kindOf = /"kind":"([^"]+)"/;

export class EventStream {
  readonly transport = "event-stream";
  readonly remote: string;
  readonly name = undefined;
  readonly session = undefined;
  readonly acks = false;
  readonly enforces = false;
  readonly ackedSeq = undefined;
  readonly roundTripMs = undefined;
  readonly applied = new Applied();
  readonly #response: Writable;
  readonly #feed: Feed;
  readonly #waits: readonly Cancel[];
  readonly #options: SubscriberOptions;
  readonly #deps: EventStreamDeps;
  readonly #principal: Principal | undefined;
  #slowSinceMs: number | undefined;

  /** The head must have been written. */
  constructor(response: Writable, request: EventStreamRequest, options: SubscriberOptions, deps: EventStreamDeps) {
    const { clock, publication } = deps;
    this.#response = response;
    this.#options = options;
    this.#deps = deps;
    this.#principal = request.principal;
    this.remote = request.remote;
    const sink = { waitingBytes: () => response.writableLength, send: (frame: Buffer, seq?: number) => this.#send(frame, seq), giveUp: () => response.destroy() };
    this.#feed = new Feed(publication, sink, { bufferFrames: options.bufferFrames, wants: wantsOf(request), conflates: true, renewedByHeartbeat: false }, deps.dropped);
    response.on("error", (error) => deps.log.debug({ remote: this.remote, error: error.message }, "a reader of events failed"));
    response.once("close", () => this.#closed());
    this.#waits = [clock.every(options.heartbeatMs, () => this.#beat()), clock.every(options.leaseMs / 3, () => this.#feed.renew())];
    response.write(`retry: ${reconnectAfterMs}\n\n`);
    deps.log.info({ remote: this.remote, cursor: request.cursor }, "a reader of events has come");
    this.#feed.begin(request.cursor);
  }

  get isSlow(): boolean {
    return this.#feed.isSlow;
  }

  push(): void {
    this.#feed.push();
  }

  /** Node gathers what is written to a response by itself. */
  flush(): void {}

  goodbye(reason: string): void {
    this.#send(this.#deps.publication.frame("goodbye", { reason, reconnectAfterMs }));
    this.#feed.end();
    this.#response.end();
  }

  /** Heartbeats are comments, which say nothing but that we live: the bytes keep what lies between us from closing. */
  #beat(): void {
    const { clock } = this.#deps;
    if (this.#principal?.expiresAtWallMs !== undefined && clock.wallMs() >= this.#principal.expiresAtWallMs) return void this.#response.end();
    if (!this.#feed.isSlow) {
      this.#slowSinceMs = undefined;
      this.#feed.bookmark();
      this.#response.write(": heartbeat\n\n");
      return;
    }
    this.#slowSinceMs ??= clock.monotonicMs();
    if (clock.monotonicMs() - this.#slowSinceMs >= this.#options.leaseMs) this.#response.destroy();
  }

  #send(frame: Buffer, seq?: number): void {
    const text = frame.toString();
    const id = seq === undefined ? "" : `id: ${this.#deps.publication.cursor(seq)}\n`;
    this.#response.write(`${id}event: ${kindOf.exec(text)?.[1]}\ndata: ${text}\n\n`, () => this.#feed.pump());
  }

  #closed(): void {
    this.#feed.end();
    for (const cancel of this.#waits) cancel();
    this.#deps.log.info({ remote: this.remote }, "a reader of events is gone");
    this.#deps.gone();
  }
}
