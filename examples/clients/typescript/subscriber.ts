/**
 * Follows Pilotfish's signals over a websocket, for as long as you like: says hello, comes back after a broken connection
 * with the cursor where it left off, says what it has applied and what it could not, and lets what is not renewed lapse to
 * `unknown`. Copy this folder; it needs `ws` only.
 *
 *     const close = subscribe({ url: "ws://127.0.0.1:9081/v1/signals", onState: ({ status }) => console.log(status) });
 *
 * Protocol: docs/SIGNALS.md. A callback must not throw, but for `CanNot`; it is called in the turn in which its frame arrived.
 */
import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { parseFrame, type Frame } from "./frames.ts";
import { Told, type Callbacks } from "./told.ts";

export interface SubscriberOptions extends Callbacks {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Who you are, for the publisher's log. */
  readonly name?: string;
  /** Where the API wants one. A function is asked at each connection, and again before the token expires. */
  readonly token?: string | (() => string) | undefined;
  /** You do what directives say, rather than to take them as advice. */
  readonly enforce?: boolean;
  /** Only these models; all where it is left out. */
  readonly models?: readonly string[];
  readonly onConnected?: () => void;
  /** Why the connection is gone, and how long until the next attempt: Infinity where another run of yours has taken the place, and there is none. */
  readonly onDisconnected?: (why: string, retryInMs: number) => void;
  /** A frame that could not be read, or that the publisher could not read. */
  readonly onProblem?: (problem: string) => void;
  /** Something may have changed in `view`; it is handed the function that shows it. */
  readonly onChange?: (view: () => Readonly<Record<string, object>>) => void;
}

const subprotocol = "pilotfish.v1+json";
const frameBytesMax = 65_536;
const missedHeartbeatsMax = 3;
const retryMinMs = 100;
const retryMaxMs = 10_000;
const ackAfterMs = 50;
/** Of what is left of a token's time, when a new one is sent. */
const refreshAt = 0.8;
const closeMs = 1_000;
const gapCode = 4010;
const replacedCode = 4009;

/** Full jitter: anywhere between none and a bound that doubles with each attempt in vain. `random` is in [0, 1). */
export function retryInMs(attempts: number, random: number): number {
  return random * Math.min(retryMaxMs, retryMinMs * 2 ** attempts);
}

/** Starts following. What it gives back says goodbye and stops; nothing is called after that. */
export function subscribe(options: SubscriberOptions): () => void {
  const changed = options.onChange && (() => options.onChange?.(() => told.view()));
  const told = new Told(changed === undefined ? options : observed(options, changed));
  const session = randomUUID();
  const token = () => (typeof options.token === "function" ? options.token() : options.token);
  let attempts = 0;
  let disconnect = connect();

  function connect(): (goodbye?: boolean) => void {
    const bearer = token();
    const socket = new WebSocket(options.url, subprotocol, {
      perMessageDeflate: false,
      maxPayload: frameBytesMax,
      handshakeTimeout: 5_000,
      ...(bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } }),
    });
    let heardMs = performance.now();
    let why = "the connection broke";
    let waitMs: number | undefined;
    let watch: NodeJS.Timeout | undefined;
    let ack: NodeJS.Timeout | undefined;
    let refresh: NodeJS.Timeout | undefined;
    let cutting: NodeJS.Timeout | undefined;
    let ackedSeq: number | undefined;

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
    const refreshIn = (expiresInMs: number | undefined) => {
      clearTimeout(refresh);
      if (expiresInMs === undefined) return;
      refresh = setTimeout(() => send("auth.refresh", { token: token() }), Math.min(refreshAt * expiresInMs, 2 ** 31 - 1));
    };
    /** Soon, and once for all frames that came until then. */
    const acknowledge = () => {
      for (const refusal of told.takeRefusals()) send("nack", refusal);
      if (ack !== undefined || (told.lastSeq === ackedSeq && !told.hasMoreApplied)) return;
      ack = setTimeout(() => {
        ack = undefined;
        if (told.lastSeq === undefined) return;
        ackedSeq = told.lastSeq;
        send("ack", { upTo: ackedSeq, applied: told.takeApplied() });
        acknowledge();
      }, ackAfterMs);
    };
    const hear = (frame: Frame) => {
      if (!told.hear(frame)) {
        why = "something was lost";
        socket.close(gapCode, why);
        cutting ??= setTimeout(() => socket.terminate(), closeMs);
        return;
      }
      if (frame.kind === "welcome") watchFor(frame.body.heartbeatMs);
      if (frame.kind === "welcome" || frame.kind === "auth.refreshed") refreshIn(frame.body.authExpiresInMs);
      if (frame.kind === "error") options.onProblem?.(`${frame.body.code}: ${frame.body.detail}`);
      if (frame.kind === "goodbye") [why, waitMs] = [frame.body.reason, frame.body.reconnectAfterMs];
      if (frame.kind === "snapshot.end") changed?.();
      if (frame.kind === "heartbeat" && frame.body.echo === undefined) {
        attempts = 0;
        const { sentAt } = frame.body;
        send("heartbeat", { lastSeq: told.lastSeq, ...(sentAt !== undefined && { echo: sentAt }) });
      }
      acknowledge();
    };

    socket.on("open", () => {
      watchFor(1_000);
      send("hello", {
        versions: { min: 1, max: 1 },
        session,
        features: ["bookmark", "ack", "renew"],
        ...(told.cursor !== undefined && { cursor: told.cursor }),
        ...(options.name !== undefined && { name: options.name }),
        ...(options.enforce === true && { enforce: true }),
        ...(options.models !== undefined && { filters: { models: options.models } }),
      });
      options.onConnected?.();
    });
    socket.on("message", (data: Buffer) => {
      if (socket.readyState !== WebSocket.OPEN) return; // What comes while it closes is asked for again.
      heardMs = performance.now();
      const frame = parseFrame(data.toString());
      if (frame === undefined) return options.onProblem?.("a frame could not be read");
      hear(frame);
    });
    socket.on("ping", () => (heardMs = performance.now()));
    socket.on("error", (error) => (why = error.message));
    const stop = () => {
      clearInterval(watch);
      for (const timer of [ack, refresh, cutting]) clearTimeout(timer);
    };
    socket.on("close", (code) => {
      stop();
      // Another run of us has our place: to take it back would be to take turns for ever.
      if (code === replacedCode) {
        disconnect = () => {};
        return options.onDisconnected?.("replaced", Infinity);
      }
      const delayMs = (waitMs ?? 0) + retryInMs(attempts, Math.random());
      attempts += 1;
      const retry = setTimeout(() => (disconnect = connect()), delayMs);
      disconnect = () => clearTimeout(retry);
      options.onDisconnected?.(why, delayMs);
    });

    return () => {
      stop();
      send("goodbye", {});
      socket.removeAllListeners().on("error", () => {});
      socket.close();
      setTimeout(() => socket.terminate(), closeMs);
    };
  }

  return () => {
    disconnect();
    told.close();
  };
}

/** The same callbacks, each followed by one that says that something may have changed. */
function observed(callbacks: Callbacks, changed: () => void): Callbacks {
  const after = <Level>(callback: ((level: Level) => void) | undefined) => (level: Level): void => {
    callback?.(level);
    changed();
  };
  return {
    onState: after(callbacks.onState),
    onDirective: after(callbacks.onDirective),
    onDrift: after(callbacks.onDrift),
    onJudge: after(callbacks.onJudge),
    onRollout: after(callbacks.onRollout),
    onVersion: after(callbacks.onVersion),
  };
}
