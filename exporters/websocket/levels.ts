/**
 * What is so now, from the signals announced so far: the latest state of each target, the drains in force, the drifts that
 * fire. A target is a model at an endpoint; its version may change under it.
 */
import type { DirectiveSignal, DriftSignal, Signal, StateSignal, Target } from "../signal.ts";

/** Of each kind. A sidecar has one model server, so this is far away. */
const levelsMax = 1_000;

export class Levels {
  readonly #states = new Map<string, StateSignal>();
  readonly #drains = new Map<string, DirectiveSignal>();
  readonly #drifts = new Map<string, DriftSignal>();

  /** False where the bound was reached and the signal is not remembered. */
  note(signal: Signal): boolean {
    const target = keyOf(signal.target);
    switch (signal.type) {
      case "state":
        return keep(this.#states, target, signal);
      case "directive":
        return signal.action === "drain" ? keep(this.#drains, target, signal) : forget(this.#drains, target);
      case "drift": {
        const key = JSON.stringify([target, signal.stream, signal.detector]);
        return signal.status === "firing" ? keep(this.#drifts, key, signal) : forget(this.#drifts, key);
      }
      case "transition":
        return true;
    }
  }

  get states(): readonly StateSignal[] {
    return [...this.#states.values()];
  }

  get drains(): readonly DirectiveSignal[] {
    return [...this.#drains.values()];
  }

  get drifts(): readonly DriftSignal[] {
    return [...this.#drifts.values()];
  }
}

function keyOf({ model, endpoint }: Target): string {
  return JSON.stringify([model, endpoint]);
}

function keep<T>(levels: Map<string, T>, key: string, level: T): boolean {
  if (levels.size >= levelsMax && !levels.has(key)) return false;
  levels.set(key, level);
  return true;
}

function forget<T>(levels: Map<string, T>, key: string): true {
  levels.delete(key);
  return true;
}
