/** A clock that stands still until a test advances it. Waits run in order of their time, then of their making. */
import type { Cancel, Clock } from "../agent/clock.ts";

interface Wait {
  readonly id: number;
  atMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #nowMs = 0;
  #ids = 0;
  #seed = 1;
  readonly #waits = new Map<number, Wait>();
  readonly #wallStartMs: number;

  constructor(wallStartMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallStartMs = wallStartMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.#add(delayMs, undefined, run);
  }

  every(periodMs: number, run: () => void): Cancel {
    return this.#add(periodMs, periodMs, run);
  }

  /** Park and Miller's minimal standard generator, so that runs repeat. */
  random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  /** How many waits are pending: a leak check. */
  get pending(): number {
    return this.#waits.size;
  }

  /** Moves time forward and runs all that falls due on the way, at its own time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      let next: Wait | undefined;
      for (const wait of this.#waits.values()) {
        if (wait.atMs <= endMs && (next === undefined || wait.atMs < next.atMs)) next = wait;
      }
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      if (next.everyMs === undefined) this.#waits.delete(next.id);
      else next.atMs += next.everyMs;
      next.run();
    }
    this.#nowMs = endMs;
  }

  /** Like `advance` in steps, letting promises settle after each: for code that awaits between its waits. */
  async advanceAsync(byMs: number, stepMs: number = byMs): Promise<void> {
    for (let doneMs = 0; doneMs < byMs; doneMs += stepMs) {
      this.advance(Math.min(stepMs, byMs - doneMs));
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
    }
  }

  #add(delayMs: number, everyMs: number | undefined, run: () => void): Cancel {
    const id = (this.#ids += 1);
    this.#waits.set(id, { id, atMs: this.#nowMs + Math.max(0, delayMs), everyMs, run });
    return () => void this.#waits.delete(id);
  }
}
