/**
 * How long a request may take, and who gets how much of it. Pure.
 *
 * A client that says how long it will wait is believed where that is shorter than the config's limit. A share of the time is
 * kept for the rungs: where an outer deadline equals the inner one, the fallback never runs. Time is counted from the last
 * byte that the client sent, so a slow upload does not count against the server.
 */
import type { IncomingHttpHeaders } from "node:http";

/** A rung needs at least this much, whatever the ratio; but never more than half of the time there is. */
const reserveFloorMs = 25;

/** The client's own limit by `pilotfish-timeout-ms` or, as service meshes write it, `x-envoy-expected-rq-timeout-ms`. */
export function timeoutOf(headers: IncomingHttpHeaders, limitMs: number): number {
  const said = headers["pilotfish-timeout-ms"] ?? headers["x-envoy-expected-rq-timeout-ms"];
  if (typeof said !== "string" || !/^\d{1,9}(?:\.\d+)?$/.test(said) || Number(said) === 0) return limitMs;
  return Math.min(limitMs, Number(said));
}

/** The primary's share of `timeoutMs`: what the rungs do not need. */
export function primaryShareMs(timeoutMs: number, reserve: number, rungs: number): number {
  if (rungs === 0) return timeoutMs;
  return timeoutMs - Math.min(timeoutMs / 2, Math.max(timeoutMs * reserve, reserveFloorMs));
}

/**
 * The candidate's share of the primary's: half. Where it hangs the primary has the other half, as much as the candidate had, and
 * the rungs theirs. More for the candidate would leave a primary that is usual for its clients too little to rescue them; less,
 * or a multiple of what the primary usually takes, would cut off a candidate's slow answers, which the judge is to see. For a
 * fair comparison the primary's first attempt counts as late by the same share, though its client waits on.
 */
export function candidateShareMs(timeoutMs: number, reserve: number, rungs: number): number {
  return primaryShareMs(timeoutMs, reserve, rungs) / 2;
}

/** A rung's share of what is left: something stays for those after it. */
export function rungShareMs(leftMs: number, rungsAfter: number): number {
  return Math.max(leftMs / 2, leftMs - rungsAfter * reserveFloorMs);
}
