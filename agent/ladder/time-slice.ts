/**
 * A share of somebody's time: a signal that is aborted when the share is over, with a `TimeoutError`, or when whoever gave it
 * gives up, with their reason; and the answer that there is then.
 */
import type { RungAnswer } from "../backend.ts";
import type { Clock } from "../clock.ts";

export interface TimeSlice {
  readonly signal: AbortSignal;
  /** Kept when the time is over, or was given up. */
  readonly late: Promise<RungAnswer>;
  /** Must follow, and leaves nothing waiting. */
  end(): void;
}

export function timeSlice(clock: Clock, lengthMs: number, given: AbortSignal): TimeSlice {
  const abort = new AbortController();
  const late = new Promise<RungAnswer>((resolve) => {
    const detail = () => (given.aborted ? "given up" : `no answer within ${Math.round(lengthMs)} ms`);
    abort.signal.addEventListener("abort", () => resolve({ outcome: "timeout", detail: detail() }), { once: true });
  });
  const onAbort = (): void => abort.abort(given.reason);
  if (given.aborted) onAbort();
  else given.addEventListener("abort", onAbort, { once: true });
  const cancelTimer = clock.after(lengthMs, () => abort.abort(new DOMException("out of time", "TimeoutError")));
  return {
    signal: abort.signal,
    late,
    end() {
      cancelTimer();
      given.removeEventListener("abort", onAbort);
    },
  };
}
