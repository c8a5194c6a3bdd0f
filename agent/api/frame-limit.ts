/** How many frames a websocket may send: one that floods is closed, whatever it says. */
import type { WebSocket } from "ws";
import type { Clock } from "../clock.ts";
import { Buckets } from "./limits.ts";

/** RFC 6455, 7.4.1. */
const policyViolation = 1_008;

export function limitFrames(socket: WebSocket, perSecond: number, clock: Clock, dropped: () => void): void {
  const bucket = new Buckets(perSecond, 10);
  let over = false;
  const count = (): void => {
    if (over || bucket.take("", 1, clock.monotonicMs()) === 0) return;
    over = true;
    dropped();
    socket.close(policyViolation, "too many frames");
    const cancel = clock.after(1_000, () => socket.terminate());
    socket.once("close", cancel);
  };
  for (const kind of ["message", "ping", "pong"] as const) socket.on(kind, count);
}
