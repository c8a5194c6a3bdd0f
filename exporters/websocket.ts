/**
 * Signals to subscribers over websockets: the publisher of the protocol `pilotfish.v1+json` (docs/SIGNALS.md). Knows nothing
 * of HTTP: the API makes the upgrade and hands the socket over.
 *
 * The precedents it learned from: Kubernetes' list-then-watch with an explicit "too old", JetStream's heartbeats that carry
 * the last number, xDS' resources with a time to live that a heartbeat renews.
 */
import type { WebSocket } from "ws";
import * as z from "zod";
import type { Clock } from "../agent/clock.ts";
import type { Log } from "../agent/log.ts";
import { duration } from "../agent/units.ts";
import type { SnapshotDocument } from "./frames.ts";
import type { Signal } from "./signal.ts";
import { Publication } from "./websocket/publication.ts";
import { closeCodes, Subscriber } from "./websocket/subscriber.ts";

export const signalsOptions = z
  .strictObject({
    /** How often a subscriber hears that we live. Three that it does not answer end the connection. */
    heartbeat: duration(100).prefault("1s"),
    /** How long a state holds without being renewed. */
    lease: duration(300).prefault("10s"),
    /** Frames kept for subscribers that come back. */
    history: z.int().min(1).max(65_536).default(1_024),
    /** Signals that may wait for a slow subscriber; then it gets the latest state instead of them. */
    buffer: z.int().min(1).max(65_536).default(256),
    subscribers: z.int().min(1).max(10_000).default(64),
  })
  .refine(({ heartbeat, lease }) => lease >= 3 * heartbeat, { path: ["lease"], message: "expected at least three times signals.heartbeat" });
export type SignalsOptions = z.infer<typeof signalsOptions>;

export interface SignalHubDeps {
  readonly clock: Clock;
  /** Which Pilotfish this is: pod or host name. */
  readonly instance: string;
  readonly log: Log;
  /** A signal was announced. */
  readonly count?: (type: Signal["type"]) => void;
  /** `signal_frames` for a slow subscriber, `subscriber_frames` that could not be read, `subscribers`, `signal_levels`. */
  readonly dropped?: (what: string, count?: number) => void;
  /** How many subscribers there are now. */
  readonly subscribers?: (count: number) => void;
}

/** Functions, not methods: they are handed to other rooms one by one. */
export interface SignalHub {
  /** Sends to all in this turn. Never throws, never waits. Cost: one frame made, one write for each subscriber. */
  readonly announce: (signal: Signal) => void;
  /** Takes a socket that has just been upgraded; `remote` is its address, for the log. */
  readonly connect: (socket: WebSocket, remote: string) => void;
  /** What is so now, for those without a websocket. */
  readonly snapshot: () => SnapshotDocument;
  readonly subscribers: () => number;
  /** Says goodbye to all; kept once they are gone, a second later at most. */
  readonly close: (reason: string) => Promise<void>;
}

/** Opens nothing: timers run only while somebody is connected. */
export function signalHub(deps: SignalHubDeps, options: SignalsOptions): SignalHub {
  const { clock, log } = deps;
  const dropped = deps.dropped ?? (() => {});
  const publication = new Publication(clock, { instance: deps.instance, leaseMs: options.lease, historyFrames: options.history });
  const subscriberOptions = { heartbeatMs: options.heartbeat, leaseMs: options.lease, bufferFrames: options.buffer };
  const subscribers = new Set<Subscriber>();
  const closing = Promise.withResolvers<void>();
  let isClosing = false;

  function refuse(socket: WebSocket, code: number, reason: string): void {
    socket.on("error", () => {});
    socket.close(code, reason);
    socket.once("close", clock.after(1_000, () => socket.terminate()));
  }

  function gone(subscriber: Subscriber): void {
    subscribers.delete(subscriber);
    deps.subscribers?.(subscribers.size);
    if (isClosing && subscribers.size === 0) closing.resolve();
  }

  return {
    announce(signal) {
      try {
        if (!publication.publish(signal)) dropped("signal_levels");
        for (const subscriber of subscribers) subscriber.push();
        deps.count?.(signal.type);
      } catch (error) {
        log.error({ error, type: signal.type }, "a signal could not be announced");
      }
    },
    connect(socket, remote) {
      if (isClosing) return refuse(socket, closeCodes.goingAway, "going away");
      if (subscribers.size >= options.subscribers) {
        dropped("subscribers");
        return refuse(socket, closeCodes.tryLater, "too many subscribers");
      }
      const subscriber: Subscriber = new Subscriber(socket, remote, subscriberOptions, {
        clock,
        log,
        publication,
        dropped,
        gone: () => gone(subscriber),
      });
      subscribers.add(subscriber);
      deps.subscribers?.(subscribers.size);
    },
    snapshot: () => publication.document(),
    subscribers: () => subscribers.size,
    close(reason) {
      isClosing = true;
      for (const subscriber of subscribers) subscriber.goodbye(reason);
      if (subscribers.size === 0) closing.resolve();
      return closing.promise;
    },
  };
}
