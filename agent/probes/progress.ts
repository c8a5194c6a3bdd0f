/**
 * Is work in flight without anything coming of it? A busy server moves, however long its queue; a hung one does not, however
 * healthy its port. Two sources are followed, each with its own counter: the gateway's account and the server's metrics.
 *
 * A stall is work in flight for as long as the limit while nothing moves. The limit is `factor` times the usual step but at
 * least `floor`; as long as nothing was ever completed the `cold` limit holds, since a first request may load a model.
 *
 * Both sources can acquit: a request that waits behind other people's work in a server that gets on is no stall. Only one
 * accuses: the gateway, which knows what is in flight because it sent it; the server's metrics only where no traffic passes
 * the gateway. A server that forgets to count a cancelled request down would otherwise look stalled for ever when idle.
 *
 * Pure: readings and the time come in as arguments.
 */

/** What the gateway sees of the primary: its own requests, by its own clock. */
export interface GatewayWork {
  readonly inFlight: number;
  /** Answers so far, or their parts where they stream: whatever shows that something came of the work. Only rises. */
  readonly completed: number;
  /** How long the oldest request in flight has waited; undefined where nothing waits. */
  readonly oldestWaitMs: number | undefined;
  /** How long a request usually takes: best a high quantile of late ones. Undefined while that is not known. */
  readonly usualMs: number | undefined;
}

/** What the server says of itself in its metrics. */
export interface ServerWork {
  readonly inFlight: number;
  /** Only rises, except when the server starts anew. */
  readonly progress: number;
  /** On the monotonic clock. */
  readonly readAtMs: number;
}

export interface ProgressReading {
  readonly gateway: GatewayWork | undefined;
  readonly server: ServerWork | undefined;
}

export interface ProgressPolicy {
  readonly floorMs: number;
  readonly factor: number;
  readonly coldMs: number;
  /** A server's reading older than this is not looked at. */
  readonly staleMs: number;
}

/** One source, followed. All times are monotonic milliseconds. */
export interface Track {
  readonly inFlight: number;
  readonly count: number;
  readonly readAtMs: number;
  /** Since when there was work in flight at every reading; undefined while there is none. */
  readonly busySinceMs: number | undefined;
  /** When the counter was last seen to have moved; undefined if never. */
  readonly movedAtMs: number | undefined;
  /** The usual time from one move to the next; undefined while nothing has ever moved. */
  readonly stepMs: number | undefined;
}

export interface ProgressState {
  readonly gateway: Track | undefined;
  readonly server: Track | undefined;
}

export type ProgressVerdict =
  | { readonly verdict: "pass"; readonly inFlight: number; readonly flatMs: number }
  | { readonly verdict: "fail"; readonly inFlight: number; readonly flatMs: number; readonly limitMs: number; readonly source: "gateway" | "server" }
  | { readonly verdict: "unknown"; readonly reason: "none" | "no-source" };

export const nothingFollowed: ProgressState = { gateway: undefined, server: undefined };

export function reduceProgress(state: ProgressState, { gateway, server }: ProgressReading, nowMs: number): ProgressState {
  return {
    gateway: gateway === undefined ? undefined : followGateway(state.gateway, gateway, nowMs),
    // A server that could not be read for a while is taken up where it was left; its age decides whether it counts.
    server: server === undefined ? state.server : followServer(state.server, server),
  };
}

export function judgeProgress({ gateway, server }: ProgressState, nowMs: number, policy: ProgressPolicy): ProgressVerdict {
  const fresh = server !== undefined && nowMs - server.readAtMs <= policy.staleMs ? server : undefined;
  const source = gateway === undefined ? "server" : "gateway";
  const track = gateway ?? fresh;
  if (track === undefined) return { verdict: "unknown", reason: "no-source" };
  if (track.busySinceMs === undefined) return { verdict: "unknown", reason: "none" };

  const { inFlight } = track;
  const limitMs = track.stepMs === undefined ? policy.coldMs : Math.max(policy.factor * track.stepMs, policy.floorMs);
  const flatMs = track.readAtMs - Math.max(track.busySinceMs, track.movedAtMs ?? track.busySinceMs);
  const moves = [gateway, fresh].some((any) => any?.movedAtMs !== undefined && nowMs - any.movedAtMs < limitMs);
  if (flatMs < limitMs || moves) return { verdict: "pass", inFlight, flatMs };
  return { verdict: "fail", inFlight, flatMs, limitMs, source };
}

function followGateway(before: Track | undefined, { inFlight, completed, oldestWaitMs, usualMs }: GatewayWork, nowMs: number): Track {
  const moved = before !== undefined && completed !== before.count;
  return {
    inFlight,
    count: completed,
    readAtMs: nowMs,
    busySinceMs: inFlight === 0 ? undefined : (before?.busySinceMs ?? nowMs - (oldestWaitMs ?? 0)),
    movedAtMs: moved ? nowMs : before?.movedAtMs,
    stepMs: completed === 0 ? undefined : (usualMs ?? 0),
  };
}

function followServer(before: Track | undefined, { inFlight, progress, readAtMs }: ServerWork): Track {
  if (before !== undefined && readAtMs <= before.readAtMs) return before;
  const busySinceMs = inFlight === 0 ? undefined : (before?.busySinceMs ?? readAtMs);
  const seen = { inFlight, count: progress, readAtMs };
  if (before === undefined || progress < before.count) {
    return { ...seen, busySinceMs: inFlight === 0 ? undefined : readAtMs, movedAtMs: undefined, stepMs: undefined };
  }
  if (progress === before.count) return { ...seen, busySinceMs, movedAtMs: before.movedAtMs, stepMs: before.stepMs };
  // The slowest step of late is the usual one: it decays by a tenth with each move that is faster.
  const sinceMs = Math.max(before.busySinceMs ?? before.readAtMs, before.movedAtMs ?? 0);
  const stepMs = (readAtMs - sinceMs) / (progress - before.count);
  return { ...seen, busySinceMs, movedAtMs: readAtMs, stepMs: Math.max(stepMs, 0.9 * (before.stepMs ?? 0)) };
}
