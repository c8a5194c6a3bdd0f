/**
 * Is work in flight without anything coming of it? A busy server moves, however long its queue; a hung one does not, however
 * healthy its port. Two sources are followed: the gateway's account of what it sent, by its own last-byte clock, and the
 * server's metrics (adapters/).
 *
 * A stall is work in flight for as long as the limit while nothing moves. The limit is `factor` times the longest such pause
 * of late and at least `floor`; as long as nothing has moved since the server started, the `cold` limit holds, since a first
 * request may load a model. A pause counts as what was seen of it, reading by reading, and teaches no more than the limit it
 * ran into: a server that has become slow is known as slow after a pause or two, and one long stall does not excuse the next.
 *
 * Either source acquits: a request that waits behind other people's work in a server that gets on is no stall. The gateway
 * accuses when, besides, a request has waited `factor` times as long as requests usually do: a lone long one is only long. The
 * metrics accuse together with the gateway where they count the model's steps, since a model that works on a long answer
 * steps; and alone only where no traffic passes the gateway. A server that forgets to count a cancelled request down would
 * otherwise look stalled for ever when idle.
 *
 * Pure: readings and the time come in as arguments. Times are monotonic milliseconds.
 */

/** What the gateway sees of the primary: its own requests, by its own clock. */
export interface GatewayWork {
  readonly inFlight: number;
  /** Answers so far, and the parts of those that stream: whatever shows that something came of the work. Only rises. */
  readonly completed: number;
  /** The longest that any of them has waited for the primary since the last byte either way; undefined where none waits. */
  readonly oldestWaitMs: number | undefined;
  /** How long a request usually waits for the head of its answer: best a high quantile of late ones. */
  readonly usualMs: number | undefined;
  /**
   * How many times as large as usual the largest request is that still waits for the first byte, or first token, of its
   * answer: its bytes over the median of late ones. A long prompt or a large batch may take as many times as long.
   */
  readonly largestRatio?: number | undefined;
  /** As far as larger requests of late did take longer: so much of the ratio. Default 1. */
  readonly sizeMatters?: number | undefined;
  /** Undefined where no answer ever streamed. */
  readonly streams?: StreamWork | undefined;
}

/** Of answers that come in parts: server-sent events with a token or a few in each. */
export interface StreamWork {
  /** Streams whose first part of data has not come. A head alone is not a first part: servers send it before they work. */
  readonly waiting: number;
  readonly oldestWaitMs: number | undefined;
  /** Streams between their first part and their last. */
  readonly flowing: number;
  readonly longestSilenceMs: number | undefined;
  /** The 0.95 quantile of the time from the request's last byte to the first part, over the latest 128 streams. */
  readonly usualFirstMs: number | undefined;
  /** The 0.95 quantile of the time from one part to the next, over the latest 1,024 parts. */
  readonly usualTokenMs: number | undefined;
}

/** What the server says of itself in its metrics. */
export interface ServerWork {
  /** What runs and what waits; undefined where the server does not say. */
  readonly inFlight: number | undefined;
  /** Only rises, except when the server starts anew. */
  readonly progress: number;
  readonly readAtMs: number;
  /** Default `answers`. */
  readonly movesBy?: "steps" | "answers";
  /** So long `progress` may stand still while it works; default 0. */
  readonly countersLagMs?: number;
  /** So long `inFlight` may outlive the work; default 0. */
  readonly gaugesLagMs?: number;
}

export interface ProgressReading {
  readonly gateway: GatewayWork | undefined;
  /** The same reading may be handed in again; undefined where there is none. */
  readonly server: ServerWork | undefined;
  /** How often the server was seen to come up anew; any change makes it cold. Default 0. */
  readonly restarts?: number;
}

export interface ProgressPolicy {
  readonly floorMs: number;
  readonly factor: number;
  readonly coldMs: number;
  /** A server's reading older than this is not looked at. */
  readonly staleMs: number;
}

/** One source, followed. */
export interface Track {
  readonly count: number;
  readonly readAtMs: number;
  /** Since when there was work in flight at every reading; undefined while there is none. */
  readonly busySinceMs: number | undefined;
  /** When the counter was last seen to have moved; undefined if not since the server started. */
  readonly movedAtMs: number | undefined;
  /** The longest pause of late between one move and the next, as seen; undefined while nothing has moved. */
  readonly pauseMs: number | undefined;
  /** Pauses seen, as far as they are few. */
  readonly pauses: number;
}

export interface ProgressState {
  readonly gateway: (Track & { readonly work: GatewayWork }) | undefined;
  readonly server: (Track & { readonly work: ServerWork }) | undefined;
  readonly restarts: number;
}

export type ProgressVerdict =
  | { readonly verdict: "pass"; readonly inFlight: number; readonly flatMs: number }
  | { readonly verdict: "fail"; readonly inFlight: number; readonly flatMs: number; readonly limitMs: number; readonly source: "gateway" | "server" }
  | { readonly verdict: "unknown"; readonly reason: "none" | "no-source" };

export const nothingFollowed: ProgressState = { gateway: undefined, server: undefined, restarts: 0 };

export function reduceProgress(state: ProgressState, { gateway, server, restarts = 0 }: ProgressReading, nowMs: number, policy: ProgressPolicy): ProgressState {
  const before = state.server;
  const isNews = server !== undefined && (before === undefined || server.readAtMs > before.readAtMs);
  const cameUp = restarts !== state.restarts;
  const startedAnew = cameUp || (isNews && before !== undefined && server.progress < before.count);
  return {
    gateway: gateway === undefined ? undefined : { ...followGateway(startedAnew ? "started anew" : state.gateway, gateway, nowMs, policy), work: gateway },
    // A server that could not be read for a while is taken up where it was left; its age decides whether it counts.
    server: isNews ? { ...followServer(startedAnew ? undefined : before, server, policy), work: server } : before,
    restarts,
  };
}

export function judgeProgress({ gateway, server }: ProgressState, nowMs: number, policy: ProgressPolicy): ProgressVerdict {
  const fresh = server !== undefined && nowMs - server.readAtMs <= policy.staleMs ? server : undefined;
  if (gateway === undefined) return judgeServer(fresh, nowMs, policy);
  if (gateway.busySinceMs === undefined) return { verdict: "unknown", reason: "none" };

  const { work } = gateway;
  const { inFlight } = work;
  const flatMs = flatOf(gateway);
  const steps = fresh?.work.movesBy === "steps" && fresh.busySinceMs !== undefined ? fresh : undefined;
  // What the server's counter did before there was work of ours is no evidence.
  const stepsFlatMs = steps === undefined ? 0 : Math.min(flatOf(steps), flatMs);
  const stepsLimitMs = steps === undefined ? Infinity : Math.max(limitOf(steps, policy), steps.work.countersLagMs ?? 0, excuseMs(steps, work, policy));
  if (stepsFlatMs >= stepsLimitMs && gateway.pauseMs !== undefined) return { verdict: "fail", inFlight, flatMs: stepsFlatMs, limitMs: stepsLimitMs, source: "server" };

  const limitMs = Math.max(limitOf(gateway, policy), excuseMs(gateway, work, policy));
  const acquitted = movedWithin(gateway, nowMs, limitMs) || movedWithin(fresh, nowMs, limitMs);
  if (acquitted || flatMs < limitMs || !isOverdue(work, policy)) return { verdict: "pass", inFlight, flatMs };
  return { verdict: "fail", inFlight, flatMs, limitMs, source: "gateway" };
}

/** How long nothing has moved while there was work; undefined while there is none. A reason to look closer before a verdict. */
export function flatSoFar({ gateway, server }: ProgressState): number | undefined {
  const track = gateway ?? server;
  return track?.busySinceMs === undefined ? undefined : flatOf(track);
}

function judgeServer(server: ProgressState["server"], nowMs: number, policy: ProgressPolicy): ProgressVerdict {
  if (server?.work.inFlight === undefined) return { verdict: "unknown", reason: "no-source" };
  if (server.busySinceMs === undefined) return { verdict: "unknown", reason: "none" };
  const { inFlight, countersLagMs = 0, gaugesLagMs = 0 } = server.work;
  const limitMs = Math.max(limitOf(server, policy), countersLagMs, gaugesLagMs);
  const flatMs = flatOf(server);
  if (flatMs < limitMs || movedWithin(server, nowMs, limitMs)) return { verdict: "pass", inFlight, flatMs };
  return { verdict: "fail", inFlight, flatMs, limitMs, source: "server" };
}

/** A few pauses are no experience yet: the second batch may be the first that is full. */
const experience = 8;

function limitOf({ pauseMs, pauses }: Track, { factor, floorMs, coldMs }: ProgressPolicy): number {
  if (pauseMs === undefined) return coldMs;
  const limitMs = Math.max(factor * pauseMs, floorMs);
  return pauses < experience && pauseMs > floorMs / factor ? Math.max(limitMs, coldMs) : limitMs;
}

/**
 * Reading a prompt shows nothing. Where streams flow, the pauses of late have had prompts read in them; where none does, whoever
 * waits for a first token is given the usual time for it. A request that is larger than usual may take as many times as long,
 * but no longer than a cold server.
 */
function excuseMs({ pauseMs = 0 }: Track, { largestRatio = 1, streams }: GatewayWork, { factor, coldMs }: ProgressPolicy): number {
  const usualFirstMs = streams === undefined || streams.waiting === 0 ? 0 : (streams.usualFirstMs ?? 0);
  const firstMs = streams?.flowing === 0 ? usualFirstMs : 0;
  return Math.max(firstMs, largestRatio > factor ? Math.min(largestRatio * Math.max(pauseMs, usualFirstMs), coldMs) : 0);
}

/** Has any request waited longer than requests do? */
function isOverdue({ oldestWaitMs = 0, usualMs = 0, largestRatio = 1, sizeMatters = 1, streams }: GatewayWork, { factor, floorMs, coldMs }: ProgressPolicy): boolean {
  const overdueMs = (ms: number) => Math.max(factor * ms, Math.min(largestRatio * Math.min(1, sizeMatters) * ms, coldMs));
  if (streams === undefined) return oldestWaitMs >= overdueMs(usualMs);
  const { oldestWaitMs: firstWaitMs = 0, usualFirstMs = 0, longestSilenceMs = 0, usualTokenMs = 0 } = streams;
  return (
    oldestWaitMs >= overdueMs(Math.max(usualMs, usualFirstMs)) ||
    (streams.waiting > 0 && firstWaitMs >= overdueMs(usualFirstMs)) ||
    (streams.flowing > 0 && longestSilenceMs >= Math.max(factor * usualTokenMs, floorMs))
  );
}

function flatOf({ readAtMs, busySinceMs, movedAtMs }: Track): number {
  return busySinceMs === undefined ? 0 : readAtMs - Math.max(busySinceMs, movedAtMs ?? busySinceMs);
}

function movedWithin(track: Track | undefined, nowMs: number, limitMs: number): boolean {
  return track?.movedAtMs !== undefined && nowMs - track.movedAtMs < limitMs;
}

/** Busy is a server that somebody waits for: a client that still sends, or does not take its answer, is no work of the server's. */
function followGateway(before: Track | "started anew" | undefined, { completed, oldestWaitMs }: GatewayWork, nowMs: number, policy: ProgressPolicy): Track {
  // Answers that came before the first reading prove that the server is warm, and nothing more; a new server has proven nothing.
  const warm = before === undefined && completed > 0;
  const from = typeof before === "object" ? before : { count: completed, readAtMs: nowMs, busySinceMs: undefined, movedAtMs: undefined, pauseMs: warm ? 0 : undefined, pauses: 0 };
  const busySinceMs = oldestWaitMs === undefined ? undefined : (from.busySinceMs ?? nowMs - oldestWaitMs);
  return { count: completed, readAtMs: nowMs, busySinceMs, ...moved(from, completed, nowMs, policy) };
}

function followServer(before: Track | undefined, { inFlight = 0, progress, readAtMs }: ServerWork, policy: ProgressPolicy): Track {
  if (before === undefined) return { count: progress, readAtMs, busySinceMs: inFlight === 0 ? undefined : readAtMs, movedAtMs: undefined, pauseMs: undefined, pauses: 0 };
  // Between pages that lie far apart anything may have been.
  const since = readAtMs - before.readAtMs <= policy.staleMs ? before.busySinceMs : undefined;
  return { count: progress, readAtMs, busySinceMs: inFlight === 0 ? undefined : (since ?? readAtMs), ...moved(before, progress, readAtMs, policy) };
}

/** So much of the longest pause is left by each shorter one: it is half forgotten after 23. */
const kept = 0.97;

function moved(before: Track, count: number, atMs: number, policy: ProgressPolicy): Pick<Track, "movedAtMs" | "pauseMs" | "pauses"> {
  const { movedAtMs, pauseMs, pauses } = before;
  if (count === before.count) return { movedAtMs, pauseMs, pauses };
  const longestMs = Math.max(Math.min(flatOf(before), limitOf(before, policy)), kept * (pauseMs ?? 0));
  return { movedAtMs: atMs, pauseMs: longestMs, pauses: Math.min(pauses + 1, experience) };
}
