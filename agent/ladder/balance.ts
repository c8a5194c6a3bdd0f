/**
 * Which of several servers to ask: the power of two choices. Two are drawn at random and the one with less to do is taken,
 * which keeps the longest queue short without asking all (M. Mitzenmacher, The Power of Two Choices in Randomized Load
 * Balancing, IEEE TPDS 12, 2001) and never sends everybody to the one that looked best a moment ago.
 *
 * What a server has to do is its questions under way, times a latency that jumps up with a slow answer and comes down slowly
 * (the peak EWMA of Finagle and Linkerd), also while nobody asks: or a server that failed once, and is well again, would never
 * be chosen beside another with nothing to do. Pure.
 */

export interface Load {
  inFlight: number;
  /** Milliseconds; undefined until it has answered. */
  latencyMs: number | undefined;
  atMs: number;
}

/** So long after a slow answer its weight has fallen to 37 %. */
const decayMs = 10_000;

export function newLoad(): Load {
  return { inFlight: 0, latencyMs: undefined, atMs: 0 };
}

/** An answer came after `durationMs`. Changes `load` in place. */
export function answered(load: Load, durationMs: number, nowMs: number): void {
  const before = load.latencyMs ?? durationMs;
  const weight = weightAfter(nowMs - load.atMs);
  load.latencyMs = durationMs > before ? durationMs : before * weight + durationMs * (1 - weight);
  load.atMs = nowMs;
}

/** One that has never answered is worth a question, but not a second one before the first has come back. */
export function costOf({ inFlight, latencyMs, atMs }: Load, nowMs: number): number {
  if (latencyMs === undefined) return inFlight === 0 ? 0 : Infinity;
  return (inFlight + 1) * Math.max(latencyMs * weightAfter(nowMs - atMs), 0.001);
}

/** One of `servers`, by two draws of `random` in [0, 1); undefined where there is none. */
export function choose<Server extends { readonly load: Load }>(servers: readonly Server[], nowMs: number, random: () => number): Server | undefined {
  if (servers.length < 2) return servers[0];
  const first = Math.floor(random() * servers.length);
  const second = (first + 1 + Math.floor(random() * (servers.length - 1))) % servers.length;
  const [a, b] = [servers[first] as Server, servers[second] as Server];
  return costOf(b.load, nowMs) < costOf(a.load, nowMs) ? b : a;
}

function weightAfter(elapsedMs: number): number {
  return Math.exp(-Math.max(0, elapsedMs) / decayMs);
}
