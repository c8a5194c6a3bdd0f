/**
 * Follows Pilotfish's signals over a websocket, for as long as you like: says hello, comes back after a broken connection
 * with the cursor where it left off, and lets what is not renewed lapse to `unknown`. Copy this folder; it needs `ws` only.
 *
 *     const close = subscribe({ url: "ws://127.0.0.1:9081/v1/signals", onState: ({ status }) => console.log(status) });
 *
 * Protocol: docs/SIGNALS.md. A callback must not throw; it is called in the turn in which its frame arrived.
 */
import { WebSocket } from "ws";
import { parseFrame } from "./frames.ts";
import { Told, type Callbacks } from "./told.ts";

export interface SubscriberOptions extends Callbacks {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Who you are, for the publisher's log. */
  readonly name?: string;
  /** Where the API wants one. */
  readonly token?: string | undefined;
  readonly onConnected?: () => void;
  /** Why the connection is gone, and how long until the next attempt. */
  readonly onDisconnected?: (why: string, retryInMs: number) => void;
  /** A frame that could not be read, or that the publisher could not read. */
  readonly onProblem?: (problem: string) => void;
}

const subprotocol = "pilotfish.v1+json";
const frameBytesMax = 65_536;
const missedHeartbeatsMax = 3;
const retryMinMs = 100;
const retryMaxMs = 10_000;

/** Full jitter: anywhere between none and a bound that doubles with each attempt in vain. `random` is in [0, 1). */
export function retryInMs(attempts: number, random: number): number {
  return random * Math.min(retryMaxMs, retryMinMs * 2 ** attempts);
}

/** Starts following. What it gives back says goodbye and stops; nothing is called after that. */
export function subscribe(options: SubscriberOptions): () => void {
  const told = new Told(options);
  let attempts = 0;
  let disconnect = connect();

  function connect(): (goodbye?: boolean) => void {
    const socket = new WebSocket(options.url, subprotocol, {
      perMessageDeflate: false,
      maxPayload: frameBytesMax,
      handshakeTimeout: 5_000,
      ...(options.token === undefined ? {} : { headers: { authorization: `Bearer ${options.token}` } }),
    });
    let heardMs = performance.now();
    let why = "the connection broke";
    let waitMs: number | undefined;
    let watch: NodeJS.Timeout | undefined;

    const send = (kind: string, body: object) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ v: 1, kind, body }));
    };
    const cut = (reason: string) => {
      why = reason;
      socket.terminate();
    };
    const watchFor = (heartbeatMs: number) => {
      clearInterval(watch);
      watch = setInterval(() => {
        if (performance.now() - heardMs > missedHeartbeatsMax * heartbeatMs) cut("no heartbeat");
      }, heartbeatMs);
    };

    socket.on("open", () => {
      watchFor(1_000);
      send("hello", { ...(told.cursor !== undefined && { cursor: told.cursor }), ...(options.name !== undefined && { name: options.name }) });
      options.onConnected?.();
    });
    socket.on("message", (data: Buffer) => {
      heardMs = performance.now();
      const frame = parseFrame(data.toString());
      if (frame === undefined) return options.onProblem?.("a frame could not be read");
      if (!told.hear(frame)) return cut("something was lost");
      if (frame.kind === "welcome") watchFor(frame.body.heartbeatMs);
      if (frame.kind === "error") options.onProblem?.(`${frame.body.code}: ${frame.body.detail}`);
      if (frame.kind === "goodbye") [why, waitMs] = [frame.body.reason, frame.body.reconnectAfterMs];
      if (frame.kind === "heartbeat") {
        attempts = 0;
        send("heartbeat", { lastSeq: told.lastSeq });
      }
    });
    socket.on("ping", () => (heardMs = performance.now()));
    socket.on("error", (error) => (why = error.message));
    socket.on("close", () => {
      clearInterval(watch);
      const delayMs = (waitMs ?? 0) + retryInMs(attempts, Math.random());
      attempts += 1;
      const retry = setTimeout(() => (disconnect = connect()), delayMs);
      disconnect = () => clearTimeout(retry);
      options.onDisconnected?.(why, delayMs);
    });

    return () => {
      clearInterval(watch);
      send("goodbye", {});
      socket.removeAllListeners().on("error", () => {});
      socket.close();
      setTimeout(() => socket.terminate(), 1_000);
    };
  }

  return () => {
    disconnect();
    told.close();
  };
}
