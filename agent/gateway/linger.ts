/**
 * The lame duck's wait: a gateway that is to end says so first, and goes on serving what still comes, since whoever sends it
 * traffic (endpoints, load balancers, a client that has just looked up the address) hears of it a few seconds later.
 *
 * Kubernetes takes a pod out of its endpoints while it already ends its containers, so an ordinary container gets SIGTERM
 * while requests are still on their way to it; a native sidecar (KEP-753) gets it after the main containers have ended.
 * Neither may reset a connection, and neither should wait for nothing: a second in which nothing comes ends the wait.
 */
import type { Clock } from "../clock.ts";

/** Nothing more is expected after so long without a connection or a request. */
export const quietMs = 1_000;

/** Kept once nothing has come for `quietMs`, and after `mostMs` at the latest. `lastMs`: when something came last. */
export function quiet(clock: Clock, lastMs: () => number, mostMs: number): Promise<void> {
  const endMs = clock.monotonicMs() + mostMs;
  return new Promise((resolve) => {
    const look = (): void => {
      const leftMs = Math.min(lastMs() + quietMs, endMs) - clock.monotonicMs();
      if (leftMs > 0) clock.after(leftMs, look);
      else resolve();
    };
    look();
  });
}
