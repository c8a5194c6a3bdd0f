/**
 * A rung's circuit: after some failures in a row it is skipped for a while, so that a rung which is down costs a request
 * nothing of its deadline. Then one question is the trial: answered well it closes the circuit, else the wait doubles.
 *
 * Failures in a row and no ratio, as for the primary: the next rung answers meanwhile, so a trip too many costs quality and
 * no answer. Answers to questions that were asked before the trip come in late and prove nothing. Pure, but for the small
 * class that holds the state of one rung, or of one server.
 */
import type { Clock } from "../clock.ts";

export type RungCircuit =
  | { readonly state: "closed"; readonly failures: number }
  | { readonly state: "open"; readonly trips: number; readonly untilMs: number }
  | { readonly state: "half-open"; readonly trips: number };

export type RungCircuitEvent =
  | { readonly type: "success" | "failure"; readonly trial: boolean }
  /** It ended and says nothing of the rung: the asker went away, or the request was not fit for it. */
  | { readonly type: "nothing"; readonly trial: boolean }
  /** A question is there. */
  | { readonly type: "ask" };

export interface RungCircuitPolicy {
  readonly failures: number;
  /** Milliseconds. */
  readonly wait: number;
  readonly waitMax: number;
}

const closed: RungCircuit = { state: "closed", failures: 0 };

export function reduceRungCircuit(circuit: RungCircuit, event: RungCircuitEvent, nowMs: number, policy: RungCircuitPolicy): RungCircuit {
  switch (circuit.state) {
    case "closed":
      if (event.type === "success") return circuit.failures === 0 ? circuit : closed;
      if (event.type !== "failure") return circuit;
      return circuit.failures + 1 < policy.failures ? { state: "closed", failures: circuit.failures + 1 } : trip(1, nowMs, policy);

    case "open":
      return event.type === "ask" && nowMs >= circuit.untilMs ? { state: "half-open", trips: circuit.trips } : circuit;

    case "half-open":
      if (event.type === "ask" || !event.trial) return circuit;
      if (event.type === "success") return closed;
      // A trial that proved nothing leaves the next question to be one.
      if (event.type === "nothing") return { state: "open", trips: circuit.trips, untilMs: nowMs };
      return trip(circuit.trips + 1, nowMs, policy);
  }
}

function trip(trips: number, nowMs: number, { wait, waitMax }: RungCircuitPolicy): RungCircuit {
  return { state: "open", trips, untilMs: nowMs + Math.min(wait * 2 ** Math.min(trips - 1, 30), Math.max(wait, waitMax)) };
}

/** One circuit and its state. */
export class Breaker {
  readonly #policy: RungCircuitPolicy;
  readonly #clock: Clock;
  #circuit: RungCircuit = closed;

  constructor(policy: RungCircuitPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** A question would be let through. */
  get allows(): boolean {
    return this.#circuit.state === "closed" || (this.#circuit.state === "open" && this.leftMs === 0);
  }

  /** How long questions are still kept away; 0 while they are not, or while a trial is under way. */
  get leftMs(): number {
    return this.#circuit.state === "open" ? Math.max(0, this.#circuit.untilMs - this.#clock.monotonicMs()) : 0;
  }

  /** May this question be asked? One that may must be followed by `ended`, with the same `trial`. */
  ask(): { readonly allowed: boolean; readonly trial: boolean } {
    const before = this.#circuit;
    this.#step({ type: "ask" });
    const trial = before !== this.#circuit;
    return { allowed: trial || this.#circuit.state === "closed", trial };
  }

  ended(type: "success" | "failure" | "nothing", trial: boolean): void {
    this.#step({ type, trial });
  }

  #step(event: RungCircuitEvent): void {
    this.#circuit = reduceRungCircuit(this.#circuit, event, this.#clock.monotonicMs(), this.#policy);
  }
}

/** The asker went away, which is held against nobody; as opposed to a `TimeoutError`: its time was over. */
export function isGivenUp(signal: AbortSignal): boolean {
  return signal.aborted && (signal.reason as Error | undefined)?.name !== "TimeoutError";
}
