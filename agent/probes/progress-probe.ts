/** Asks the two sources of progress on the probe's timer and says what they come to; the judging is progress.ts's. */
import type { Clock } from "../clock.ts";
import { failed, passed, unknown, type Probe } from "./probe.ts";
import { judgeProgress, nothingFollowed, reduceProgress, type GatewayWork, type ProgressPolicy, type ServerWork } from "./progress.ts";

export interface ProgressProbeOptions extends ProgressPolicy {
  readonly intervalMs: number;
}

export interface ProgressProbeDeps {
  readonly clock: Clock;
  /** The gateway's own account of its work at the primary; undefined where traffic does not pass Pilotfish. */
  readonly work: () => GatewayWork | undefined;
  /** The server's, from its metrics; undefined where they say nothing of it. */
  readonly serverWork: () => ServerWork | undefined;
}

export function progressProbe({ intervalMs, ...policy }: ProgressProbeOptions, { clock, work, serverWork }: ProgressProbeDeps): Probe {
  let state = nothingFollowed;
  return {
    name: "progress",
    intervalMs,
    repeats: false,
    async ask() {
      const nowMs = clock.monotonicMs();
      state = reduceProgress(state, { gateway: work(), server: serverWork() }, nowMs);
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
