/** One actuation on its way to one actuator: how far it is, as it is shown, and as it is saved. */
import type { Actuation, Missed } from "./actuation.ts";

/**
 * `waiting`: others are told first; `trying`: attempts follow each other; `late`: these have failed, and since it is a roll-back it
 * is attempted ever again for a while; `over`.
 */
export type Phase = "waiting" | "trying" | "late" | "over";

/** What outlives a restart. Plain data. */
export interface SavedTask {
  readonly actuator: string;
  readonly actuation: Actuation;
  /** All of them, those before a restart too. */
  readonly attempts: number;
  /** What is left of the time of a late one; undefined where it is not. Milliseconds. */
  readonly lateLeftMs?: number | undefined;
  /** A late one's last word. */
  readonly last?: Missed | undefined;
}

export class Task {
  readonly actuator: string;
  readonly actuation: Actuation;
  /** Those who come after it wait for this. */
  readonly settled: Promise<void>;
  phase: Phase = "waiting";
  attempts: number;
  last: Missed | undefined;
  /** Of the monotonic clock; of late ones only. */
  lateUntilMs: number | undefined;
  /** Why nobody wants it any more; undefined while somebody does. */
  supersededBy: string | undefined;
  /** Aborted: it is not waited for any more, whether it sleeps or asks. */
  readonly stop = new AbortController();
  /** Aborted: it sleeps no more. */
  readonly wake = new AbortController();
  readonly #settle: () => void;

  constructor({ actuator, actuation, attempts }: Pick<SavedTask, "actuator" | "actuation" | "attempts">) {
    this.actuator = actuator;
    this.actuation = actuation;
    this.attempts = attempts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
    this.stop.signal.addEventListener("abort", () => this.wake.abort(), { once: true });
  }

  settle(): void {
    this.#settle();
  }

  saved(nowMs: number): SavedTask {
    const { actuator, actuation, attempts, lateUntilMs, last } = this;
    return { actuator, actuation, attempts, ...(lateUntilMs !== undefined && { lateLeftMs: Math.max(0, lateUntilMs - nowMs), last }) };
  }
}
