/**
 * What the gateway tells the quarantine, and asks of it: a crash is seen in connections that break, and a request is known again
 * by its fingerprint. The state itself is one for all gateways and is kept elsewhere (quarantine-keeper.ts).
 *
 * A request that was answered well of late does not kill by what is in it, so it is never blamed: a load test, or a dashboard
 * that asks the same thing all day, does not lose its rungs when the server dies. Ten such requests a second are remembered,
 * which costs no more than that many fingerprints.
 */
import type { Outcome } from "../backend.ts";
import type { Clock } from "../clock.ts";
import { isEmpty, standingOf } from "./quarantine.ts";
import type { Fingerprint, Quarantine, QuarantineEvent, QuarantinePolicy, Standing } from "./quarantine.ts";
import type { Fingerprinted, Work } from "./work.ts";

/** Where the one state is. Both are called on the data path and must be cheap. */
export interface QuarantineSeam {
  current(): Quarantine;
  hear(event: QuarantineEvent): void;
}

const clear: Standing = { is: "clear" };
const rememberedEveryMs = 100;
const rememberedMax = 256;

export class Suspicion {
  readonly #seam: QuarantineSeam;
  readonly #policy: QuarantinePolicy;
  readonly #clock: Clock;
  readonly #work: Work;
  readonly #answeredWell = new Set<Fingerprint>();
  #rememberedAtMs = -Infinity;

  constructor(seam: QuarantineSeam, policy: QuarantinePolicy, clock: Clock, work: Work) {
    this.#seam = seam;
    this.#policy = policy;
    this.#clock = clock;
    this.#work = work;
  }

  /** Nobody is suspect: no request needs a fingerprint. */
  get quiet(): boolean {
    return isEmpty(this.#seam.current());
  }

  /** `clear` too where the body is not whole or was not kept. */
  standing(request: Fingerprinted): Standing {
    const state = this.#seam.current();
    if (isEmpty(state)) return clear;
    const fingerprint = request.fingerprint();
    return fingerprint === undefined ? clear : standingOf(state, fingerprint, this.#clock.monotonicMs(), this.#policy);
  }

  /** A suspect is sent to the primary. */
  tries(request: Fingerprinted): void {
    this.#hear("tried", request);
  }

  /** Another server has answered it. */
  acquit(request: Fingerprinted): void {
    const fingerprint = request.fingerprint();
    if (fingerprint !== undefined) this.#seam.hear({ type: "answered", fingerprint });
  }

  /** An attempt at the primary has ended. `trying`: it was a suspect's. */
  ended(request: Fingerprinted, outcome: Outcome, trying: boolean): void {
    switch (outcome) {
      case "ok":
        this.#remember(request);
        return this.#answered(request);
      case "rejected":
      case "error":
        return this.#answered(request);
      case "reset":
        return this.#seam.hear({ type: "broken", fingerprint: this.#blamed(request.fingerprint()), inFlight: this.#work.inFlight });
      case "refused":
        if (trying) this.#hear("untried", request);
        return this.gone();
      case "stalled": // Was told of all that wait, when they were called back.
        return;
      case "overloaded":
      case "timeout":
      case "invalid":
      case "unsupported":
      case "cancelled":
      case "too-large":
        if (trying) this.#hear("untried", request);
    }
  }

  /** No connection can be made, or the process is gone or hangs: what it has in flight may be why. */
  gone(): void {
    const inFlight = this.#work.fingerprints().filter((fingerprint) => !this.#answeredWell.has(fingerprint));
    if (inFlight.length > 0 || this.#seam.current().broken.length > 0) this.#seam.hear({ type: "gone", inFlight });
  }

  #answered(request: Fingerprinted): void {
    const state = this.#seam.current();
    const fingerprint = isEmpty(state) ? undefined : request.fingerprint();
    if (fingerprint !== undefined) this.#seam.hear({ type: "answered", fingerprint });
    else if (state.broken.length > 0) this.#seam.hear({ type: "answered" });
  }

  #hear(type: "tried" | "untried", request: Fingerprinted): void {
    const fingerprint = request.fingerprint();
    if (fingerprint !== undefined) this.#seam.hear({ type, fingerprint });
  }

  #blamed(fingerprint: Fingerprint | undefined): Fingerprint | undefined {
    return fingerprint !== undefined && this.#answeredWell.has(fingerprint) ? undefined : fingerprint;
  }

  #remember(request: Fingerprinted): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#rememberedAtMs < rememberedEveryMs) return;
    const fingerprint = request.fingerprint();
    if (fingerprint === undefined) return;
    this.#rememberedAtMs = nowMs;
    this.#answeredWell.delete(fingerprint);
    this.#answeredWell.add(fingerprint);
    if (this.#answeredWell.size > rememberedMax) for (const oldest of this.#answeredWell) return void this.#answeredWell.delete(oldest);
  }
}
