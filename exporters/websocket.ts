/**
 * Signals to subscribers: the publisher of the protocol `pilotfish.v1+json` (docs/SIGNALS.md), over websockets and as server-sent
 * events. Knows nothing of HTTP: the API makes the upgrade, writes the head and hands the connection over.
 *
 * The precedents it learned from: Kubernetes' list-then-watch with an explicit "too old" and bookmarks, JetStream's heartbeats that
 * carry the last number, xDS' acks that name what is kept, and its resources with a time to live that a heartbeat renews.
 */
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import * as z from "zod";
import type { Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import { mayDo, type Principal } from "../agent/principal.ts";
import { duration } from "../agent/units.ts";
import type { BodyOf, NackCode, SnapshotDocument } from "./frames.ts";
import type { Signal } from "./signal.ts";
import { EventStream, type EventStreamRequest } from "./websocket/event-stream.ts";
import { Publication } from "./websocket/publication.ts";
import { wantsOf, type Selection } from "./websocket/selection.ts";
import type { Nack, Standing } from "./websocket/standing.ts";
import { closeCodes, Subscriber, type Wire } from "./websocket/subscriber.ts";

export const signalsOptions = z
  .strictObject({
    /** How often a subscriber hears that we live. Three that it does not answer end the connection. */
    heartbeat: duration(100).prefault("1s"),
    /** How long a state holds without being renewed. */
    lease: duration(300).prefault("10s"),
    /** Frames kept for subscribers that come back. */
    history: z.int().min(1).max(65_536).default(1_024),
    /** Signals that may wait for a slow subscriber; then it gets the latest of each target instead of them. */
    buffer: z.int().min(1).max(65_536).default(256),
    /** On websockets and on event streams together. */
    subscribers: z.int().min(1).max(10_000).default(1_024),
  })
  .refine(({ heartbeat, lease }) => lease >= 3 * heartbeat, { path: ["lease"], message: "expected at least three times signals.heartbeat" });
export type SignalsOptions = z.infer<typeof signalsOptions>;

export interface SignalHubDeps {
  readonly clock: Clock;
  /** Which Pilotfish this is: pod or host name. */
  readonly instance: string;
  readonly log: Log;
  /** Whose token this is, for those that renew theirs while they are connected. Default: nobody's. */
  readonly authenticate?: (token: string) => Principal | undefined;
  /** A signal was announced. */
  readonly count?: (type: Signal["type"]) => void;
  /** `signal_frames` for a slow subscriber, `subscriber_frames` that could not be read, `subscribers`, `signal_levels`. */
  readonly dropped?: (what: string, count?: number) => void;
  /** A subscriber could not apply a directive. */
  readonly nacked?: (code: NackCode) => void;
  /** How many subscribers there are now. */
  readonly subscribers?: (count: number) => void;
}

/** A subscriber as people see it. Times of its own are left out, so that the same comes out while nothing happens. */
export interface SubscriberView {
  readonly name: string | undefined;
  readonly remote: string;
  readonly transport: "websocket" | "event-stream";
  /** It says what it applied. */
  readonly acks: boolean;
  /** It does what directives say, rather than to take them as advice. */
  readonly enforces: boolean;
  readonly standing: Standing;
  /** By target, the `rev` of the newest directive that it has applied. */
  readonly applied: Readonly<Record<string, number>>;
  /** Of directives that are in force. */
  readonly nacks: readonly Nack[];
}

/** A directive in force, and who does not follow it. */
export type DirectiveView = BodyOf<"directive"> & {
  /** Of the subscribers that say what they applied. */
  readonly applied: number;
  /** Names, or addresses where there is none; at most 20. */
  readonly unackedBy: readonly string[];
  readonly refusedBy: readonly string[];
};

/** Functions, not methods: they are handed to other rooms one by one. */
export interface SignalHub {
  /** Sends to all in this turn. Never throws, never waits. Cost: one frame made, and for all of a turn one write for each subscriber. */
  readonly announce: (signal: Signal) => void;
  /**
   * Takes a socket that has just been upgraded; `remote` is its address, for the log. Without a principal nothing expires. `wire`
   * is the connection below it: without it each signal is a write of its own.
   */
  readonly connect: (socket: WebSocket, remote: string, principal?: Principal, wire?: Wire) => void;
  /** Takes a response whose head of an event stream is written. False: there are too many, and nothing was written. */
  readonly stream: (open: () => Writable, request: EventStreamRequest) => boolean;
  /** What is so now, for those without a websocket. */
  readonly snapshot: (selection?: Selection) => SnapshotDocument;
  readonly subscribers: () => number;
  /** Who listens, and what became of the directives in force. Cost: subscribers times directives. */
  readonly view: () => { readonly subscribers: readonly SubscriberView[]; readonly directives: readonly DirectiveView[] };
  /** Says goodbye to all; kept once they are gone, a second later at most. */
  readonly close: (reason: string) => Promise<void>;
}

const namesMax = 20;

/** Opens nothing: timers run only while somebody is connected. */
export function signalHub(deps: SignalHubDeps, options: SignalsOptions): SignalHub {
  const { clock, log } = deps;
  const dropped = deps.dropped ?? (() => {});
  const publication = new Publication(clock, { instance: deps.instance, leaseMs: options.lease, historyFrames: options.history });
  const readerOptions = { heartbeatMs: options.heartbeat, leaseMs: options.lease, bufferFrames: options.buffer };
  const readers = new Set<Subscriber | EventStream>();
  const sessions = new Map<string, Subscriber>();
  const closing = Promise.withResolvers<void>();
  let isClosing = false;
  let isFlushing = false;

  /** At the end of the turn, when all that one change has to say was said. */
  function flush(): void {
    isFlushing = false;
    for (const reader of readers) reader.flush();
  }

  function refuse(socket: WebSocket, code: number, reason: string): void {
    socket.on("error", () => {});
    socket.close(code, reason);
    socket.once("close", clock.after(1_000, () => socket.terminate()));
  }

  /** Counts one that is too many. */
  function isFull(): boolean {
    if (readers.size < options.subscribers) return false;
    dropped("subscribers");
    return true;
  }

  function came(reader: Subscriber | EventStream): void {
    readers.add(reader);
    deps.subscribers?.(readers.size);
  }

  function gone(reader: Subscriber | EventStream): void {
    readers.delete(reader);
    if (reader.session !== undefined && sessions.get(reader.session) === reader) sessions.delete(reader.session);
    deps.subscribers?.(readers.size);
    if (isClosing && readers.size === 0) closing.resolve();
  }

  /** A subscriber that came back before we noticed that it was gone takes its own place. */
  function greeted(subscriber: Subscriber): void {
    const { session } = subscriber;
    if (session === undefined) return;
    sessions.get(session)?.replaced();
    sessions.set(session, subscriber);
  }

  return {
    announce(signal) {
      try {
        if (!publication.publish(signal)) dropped("signal_levels");
        for (const reader of readers) reader.push();
        if (!isFlushing) queueMicrotask(flush);
        isFlushing = true;
        deps.count?.(signal.type);
      } catch (error) {
        log.error({ error, type: signal.type }, "a signal could not be announced");
      }
    },
    connect(socket, remote, principal, wire) {
      if (isClosing) return refuse(socket, closeCodes.goingAway, "going away");
      if (principal !== undefined && !mayDo(principal, "read")) return refuse(socket, closeCodes.forbidden, "forbidden");
      if (isFull()) return refuse(socket, closeCodes.tryLater, "too many subscribers");
      const subscriber: Subscriber = new Subscriber(socket, { remote, principal, wire }, readerOptions, {
        clock, log, publication, dropped,
        authenticate: deps.authenticate ?? (() => undefined),
        nacked: deps.nacked ?? (() => {}),
        greeted: () => greeted(subscriber),
        gone: () => gone(subscriber),
      });
      came(subscriber);
    },
    stream(open, request) {
      if (isClosing || isFull()) return false;
      const reader: EventStream = new EventStream(open(), request, readerOptions, { clock, log, publication, dropped, gone: () => gone(reader) });
      came(reader);
      return true;
    },
    snapshot: (selection) => publication.document(selection && wantsOf(selection)),
    subscribers: () => readers.size,
    view() {
      const inForce = publication.levels.of("directive");
      const acking = [...readers].filter(({ acks }) => acks);
      const named = (those: readonly (Subscriber | EventStream)[]) => those.slice(0, namesMax).map(({ name, remote }) => name ?? remote);
      return {
        subscribers: [...readers].map(({ name, remote, transport, acks, enforces, isSlow, applied }) => {
          const nacks = applied.nacksOf(inForce);
          const lags = acks && inForce.some((level) => applied.of(level) === "unacked");
          return { name, remote, transport, acks, enforces, standing: isSlow ? "slow" : nacks.length > 0 ? "refused" : lags ? "lagging" : "current", applied: applied.revs, nacks };
        }),
        directives: inForce.map((level) => {
          const by = Object.groupBy(acking, ({ applied }) => applied.of(level));
          const body = JSON.parse(level.body) as BodyOf<"directive">;
          return { ...body, applied: by.applied?.length ?? 0, unackedBy: named(by.unacked ?? []), refusedBy: named(by.refused ?? []) };
        }),
      };
    },
    close(reason) {
      isClosing = true;
      for (const reader of readers) reader.goodbye(reason);
      if (readers.size === 0) closing.resolve();
      return closing.promise;
    },
  };
}
