/**
 * Asks the sources of progress on the probe's timer and says what they come to; the judging is progress.ts's.
 *
 * The gateway's account costs nothing and is read each time. The server's page is read where it can decide something: while
 * the gateway's requests stand still, and always where no traffic passes the gateway. It is read beside the timer, since a
 * page that hangs must not keep the verdict waiting; and no more than a quarter of the time is spent on it, since the server
 * has to write it.
 */
import type { Clock } from "../clock.ts";
import { failed, passed, unknown, type Probe } from "./probe.ts";
import type { ReadServerWork } from "./progress-metrics.ts";
import { flatSoFar, judgeProgress, nothingFollowed, reduceProgress, type GatewayWork, type ProgressPolicy, type ServerWork } from "./progress.ts";

export interface ProgressProbeOptions extends ProgressPolicy {
  readonly intervalMs: number;
}

export interface ProgressProbeDeps {
  readonly clock: Clock;
  /** The gateway's own account of its work at the primary; undefined where traffic does not pass Pilotfish. */
  readonly work: () => GatewayWork | undefined;
  /** Reads the server's own account now; undefined where its metrics are not to be looked at. */
  readonly readServerWork?: ReadServerWork | undefined;
  /** How often the server was seen to come up anew; default never. */
  readonly restarts?: (() => number) | undefined;
}

/** The rest after a page, in times that it took. */
const restRatio = 3;
/** The rest after a page that could not be had. */
const retryMs = 1_000;

export function progressProbe({ intervalMs, ...policy }: ProgressProbeOptions, { clock, work, readServerWork, restarts }: ProgressProbeDeps): Probe {
  let state = nothingFollowed;
  let page: ServerWork | undefined;
  let reading = false;
  let nextReadAtMs = 0;

  const readPage = async (read: ReadServerWork, signal: AbortSignal): Promise<void> => {
    reading = true;
    const startMs = clock.monotonicMs();
    const latest = await read(signal);
    const endMs = clock.monotonicMs();
    page = latest ?? page;
    nextReadAtMs = endMs + (latest === undefined ? retryMs : restRatio * (endMs - startMs));
    reading = false;
  };

  return {
    name: "progress",
    intervalMs,
    repeats: false,
    async ask(signal) {
      const nowMs = clock.monotonicMs();
      const gateway = work();
      state = reduceProgress(state, { gateway, server: page, restarts: restarts?.() ?? 0 }, nowMs, policy);
      const wanted = gateway === undefined || (flatSoFar(state) ?? 0) > 0;
      if (readServerWork !== undefined && wanted && !reading && nowMs >= nextReadAtMs) void readPage(readServerWork, signal);

      const judged = judgeProgress(state, nowMs, policy);
      switch (judged.verdict) {
        case "unknown":
          return unknown("progress", judged.reason, 0, judged.reason === "none" ? "nothing in flight" : "neither the gateway nor the server's metrics tell of work");
        case "pass":
          return passed("progress", 0, `${judged.inFlight} in flight, flat for ${Math.round(judged.flatMs)}ms`);
        case "fail":
          return failed("progress", "stalled", 0, `${judged.inFlight} in flight and nothing came of it for ${Math.round(judged.flatMs)}ms (limit ${Math.round(judged.limitMs)}ms, seen by the ${judged.source})`);
      }
    },
  };
}
