/**
 * The circuit between the clients and the primary: closed (requests flow), open (they do not), half-open (one real request
 * decides). Pure: time comes in as an argument, and the same object comes back when nothing has changed.
 *
 * It trips on failures in a row and not on a ratio, because a model server has few replicas and often few requests: five
 * failures in a row say the same at 1 and at 1,000 requests a second. A failed request costs its client nothing meanwhile,
 * since the ladder answers it. Only a real request ends a probation: health checks keep saying 200 for a server whose
 * answers are wrong or never come.
 *
 * The wait before a trial doubles with each trip and is bounded; it is counted from the trip, so a long outage adds none.
 */
export type Circuit =
  | { readonly state: "closed"; readonly failures: number; readonly trips: number; readonly sinceMs: number }
  | { readonly state: "open"; readonly trips: number; readonly sinceMs: number; readonly retryAtMs: number }
  | { readonly state: "half-open"; readonly trips: number; readonly sinceMs: number; readonly trialAtMs: number | undefined };

export type CircuitEvent =
  | { readonly type: "success" | "failure"; readonly trial: boolean }
  /** Something other than traffic knows that the primary fails. */
  | { readonly type: "trip" }
  /** Probes see no reason against a trial. */
  | { readonly type: "ready" }
  /** A request takes the trial upon itself. */
  | { readonly type: "claim" }
  /** The trial was proven otherwise, by a known question answered well. */
  | { readonly type: "proven" }
  | { readonly type: "tick" };

export interface CircuitPolicy {
  /** Failures in a row that trip it. */
  readonly failuresMax: number;
  readonly dwellMs: number;
  readonly dwellMaxMs: number;
  /** After so long in half-open without a request to prove it, it closes: the next request is still guarded by the ladder. */
  readonly probationMs: number;
  /** A trial that has not come back after this long is given to another request. */
  readonly trialMs: number;
  /** Closed for so long, the trips before are forgotten. */
  readonly stableMs: number;
}

export function closed(nowMs: number, trips: number = 0): Circuit {
  return { state: "closed", failures: 0, trips, sinceMs: nowMs };
}

export function reduceCircuit(circuit: Circuit, event: CircuitEvent, nowMs: number, policy: CircuitPolicy): Circuit {
  switch (circuit.state) {
    case "closed":
      switch (event.type) {
        case "success":
          return circuit.failures === 0 ? circuit : { ...circuit, failures: 0 };
        case "failure":
          return circuit.failures + 1 < policy.failuresMax ? { ...circuit, failures: circuit.failures + 1 } : trip(circuit.trips + 1, nowMs, policy);
        case "trip":
          return trip(circuit.trips + 1, nowMs, policy);
        case "tick":
          return circuit.trips > 0 && nowMs - circuit.sinceMs >= policy.stableMs ? { ...circuit, trips: 0 } : circuit;
        case "ready":
        case "claim":
        case "proven":
          return circuit;
      }
      break;

    case "open": // Answers to requests that were sent before the trip come in late; they prove nothing.
      return event.type === "ready" && nowMs >= circuit.retryAtMs
        ? { state: "half-open", trips: circuit.trips, sinceMs: nowMs, trialAtMs: undefined }
        : circuit;

    case "half-open":
      switch (event.type) {
        case "claim":
          return mayClaim(circuit, nowMs, policy) ? { ...circuit, trialAtMs: nowMs } : circuit;
        case "success":
          return event.trial ? closed(nowMs, circuit.trips) : circuit;
        case "failure":
          return event.trial ? trip(circuit.trips + 1, nowMs, policy) : circuit;
        case "trip":
          return trip(circuit.trips + 1, nowMs, policy);
        case "proven":
          return closed(nowMs, circuit.trips);
        case "tick":
          return circuit.trialAtMs === undefined && nowMs - circuit.sinceMs >= policy.probationMs ? closed(nowMs, circuit.trips) : circuit;
        case "ready":
          return circuit;
      }
  }
}

/** May a request take the trial now? */
export function mayClaim(circuit: Circuit, nowMs: number, policy: CircuitPolicy): boolean {
  return circuit.state === "half-open" && (circuit.trialAtMs === undefined || nowMs - circuit.trialAtMs >= policy.trialMs);
}

function trip(trips: number, nowMs: number, policy: CircuitPolicy): Circuit {
  const dwellMs = Math.min(policy.dwellMs * 2 ** Math.min(trips - 1, 30), policy.dwellMaxMs);
  return { state: "open", trips, sinceMs: nowMs, retryAtMs: nowMs + dwellMs };
}
