/**
 * What was opened last is closed first, each step with its own bound: a part that hangs on its way out is named and left
 * behind, it does not keep the others.
 */
import type { Clock } from "./clock.ts";

export type Close = () => void | Promise<void>;

interface Step {
  readonly name: string;
  readonly close: Close;
}

export class Lifecycle {
  readonly #clock: Clock;
  readonly #stepTimeoutMs: () => number;
  readonly #steps: Step[] = [];
  #closing: Promise<readonly string[]> | undefined;

  /** @param stepTimeoutMs the bound of each step; a function where it may change before the end. */
  constructor(clock: Clock, stepTimeoutMs: number | (() => number) = 5_000) {
    this.#clock = clock;
    this.#stepTimeoutMs = typeof stepTimeoutMs === "number" ? () => stepTimeoutMs : stepTimeoutMs;
  }

  /** Remembers how to close what was just opened. */
  opened(name: string, close: Close): void {
    this.#steps.push({ name, close });
  }

  /** Closes everything, once. The names of the parts that failed or took too long come back. */
  close(): Promise<readonly string[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<readonly string[]> {
    const left: string[] = [];
    for (const step of this.#steps.reverse()) {
      if (!(await this.#closeOne(step))) left.push(step.name);
    }
    return left;
  }

  #closeOne({ close }: Step): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#stepTimeoutMs(), () => resolve(false));
      Promise.resolve()
        .then(close)
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(cancel);
    });
  }
}
