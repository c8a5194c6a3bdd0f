/**
 * The circuit between the clients and the primary: closed (requests flow), open (they do not), half-open (one real request
 * decides). Pure: time comes in as an argument, and the same object comes back when nothing has changed.
 *
 * Two signals trip it, because each is blind where the other sees. Failures in a row find a dead server within as many
 * requests at 1 and at 1,000 requests a second, and are not outvoted by the successes of the minute before. But of three
 * workers that take requests by turns two may be dead, and no more than two attempts ever fail in a row: for that there is the
 * share of successes over a short window. It counts attempts and not standard deviations from other hosts, since a model
 * server has few neighbours and Pilotfish sees one.
 *
 * The share that trips is one half: below it, more requests are answered by the ladder after waiting for the primary than
 * by the primary. Above it a second attempt mends most of them (at three failures in ten, nine requests in ten get the
 * primary's own answer, as far as the retry budget goes), and to open would take right answers from all. At least twenty
 * attempts are asked for: a server that fails one in ten then trips by chance in fewer than one window of a million, with five
 * attempts in one of a hundred. Both signals trip only at a failure, never at a success.
 *
 * Load is neither success nor failure (429, or 503 with Retry-After): a server that says it is full is alive, and to send it
 * nothing for a while is the concurrency limit's work. On trial such an answer proves nothing, so the next request is tried.
 *
 * Answers that come late are of an earlier state: what was sent before the trip proves nothing while it is open, nothing
 * while it is on trial, and nothing after it has closed, or a server that was hung would be taken out once more by the
 * requests that had waited at it. Only a real request ends a probation: health checks keep saying 200 for a server whose
 * answers are wrong or never come.
 *
 * The wait before a trial doubles with each trip and is bounded; it is counted from the trip, so a long outage adds none.
 */
import * as z from "zod";
import { duration } from "../units.ts";
import { counted, countsIn, type Counts, type SuccessWindow } from "./success-window.ts";

export const ratioOptions = z.strictObject({
  /** Fewer of the window's attempts than this share succeed: out. 0 leaves it to failures in a row. */
  success: z.number().min(0).max(1).default(0.5),
  /** How far back attempts count. */
  window: duration(100).prefault("30s"),
  /** With fewer attempts in the window the share says nothing. */
  attempts: z.int().min(1).max(100_000).default(20),
});
export type RatioOptions = z.output<typeof ratioOptions>;

export type Circuit =
  | {
      readonly state: "closed";
      /** In a row. */
      readonly failures: number;
      readonly window: SuccessWindow;
      readonly trips: number;
      readonly sinceMs: number;
      /** What was sent earlier belongs to a state before this one. */
      readonly sentFromMs: number;
    }
  | { readonly state: "open"; readonly trips: number; readonly sinceMs: number; readonly retryAtMs: number }
  | {
      readonly state: "half-open";
      readonly trips: number;
      readonly sinceMs: number;
      readonly trialAtMs: number | undefined;
      /** When it opened last. */
      readonly trippedAtMs: number;
    };

export type CircuitEvent =
  /** `sentAtMs`: when the attempt began, where that is known. */
  | { readonly type: "success" | "failure"; readonly trial: boolean; readonly sentAtMs?: number }
  /** The request on trial came to an end that says nothing: load, or a client that went away. */
  | { readonly type: "unproven" }
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
  /** Without it only failures in a row count. */
  readonly ratio?: { readonly successMin: number; readonly windowMs: number; readonly attemptsMin: number } | undefined;
  readonly dwellMs: number;
  readonly dwellMaxMs: number;
  /** After so long in half-open without a request to prove it, it closes: the next request is still guarded by the ladder. */
  readonly probationMs: number;
  /** A trial that has not come back after this long is given to another request. */
  readonly trialMs: number;
  /** Closed for so long, the trips before are forgotten. */
  readonly stableMs: number;
}

export function closed(nowMs: number, trips: number = 0, sentFromMs: number = -Infinity): Circuit {
  return { state: "closed", failures: 0, window: [], trips, sinceMs: nowMs, sentFromMs };
}

export function reduceCircuit(circuit: Circuit, event: CircuitEvent, nowMs: number, policy: CircuitPolicy): Circuit {
  switch (circuit.state) {
    case "closed":
      switch (event.type) {
        case "success":
        case "failure":
          return isOfBefore(event, circuit.sentFromMs) ? circuit : hearTraffic(circuit, event.type === "success", nowMs, policy);
        case "trip":
          return trip(circuit.trips + 1, nowMs, policy);
        case "tick":
          return circuit.trips > 0 && nowMs - circuit.sinceMs >= policy.stableMs ? { ...circuit, trips: 0 } : circuit;
        case "ready":
        case "claim":
        case "proven":
        case "unproven":
          return circuit;
      }
      break;

    case "open": // Answers to requests that were sent before the trip come in late; they prove nothing.
      return event.type === "ready" && nowMs >= circuit.retryAtMs
        ? { state: "half-open", trips: circuit.trips, sinceMs: nowMs, trialAtMs: undefined, trippedAtMs: circuit.sinceMs }
        : circuit;

    case "half-open":
      switch (event.type) {
        case "claim":
          return mayClaim(circuit, nowMs, policy) ? { ...circuit, trialAtMs: nowMs } : circuit;
        case "success":
        case "failure":
          if (!event.trial || isOfBefore(event, circuit.trippedAtMs)) return circuit;
          return event.type === "success" ? closed(nowMs, circuit.trips, circuit.trialAtMs ?? circuit.sinceMs) : trip(circuit.trips + 1, nowMs, policy);
        case "unproven": // The wait for a request begins anew, or trials that clients give up would add up to a proof.
          return circuit.trialAtMs === undefined ? circuit : { ...circuit, trialAtMs: undefined, sinceMs: nowMs };
        case "trip":
          return trip(circuit.trips + 1, nowMs, policy);
        case "proven":
          return closed(nowMs, circuit.trips, circuit.sinceMs);
        case "tick":
          return circuit.trialAtMs === undefined && nowMs - circuit.sinceMs >= policy.probationMs ? closed(nowMs, circuit.trips, circuit.sinceMs) : circuit;
        case "ready":
          return circuit;
      }
  }
}

/** May a request take the trial now? */
export function mayClaim(circuit: Circuit, nowMs: number, policy: CircuitPolicy): boolean {
  return circuit.state === "half-open" && (circuit.trialAtMs === undefined || nowMs - circuit.trialAtMs >= policy.trialMs);
}

/** The attempts of the window that just tripped a closed circuit; undefined where it was failures in a row. */
export function ratioThatTripped(before: Circuit, nowMs: number, { failuresMax, ratio }: CircuitPolicy): Counts | undefined {
  if (before.state !== "closed" || ratio === undefined || before.failures + 1 >= failuresMax) return undefined;
  return countsIn(counted(before.window, false, nowMs, ratio.windowMs), nowMs, ratio.windowMs);
}

function isOfBefore({ sentAtMs }: { readonly sentAtMs?: number }, fromMs: number): boolean {
  return sentAtMs !== undefined && sentAtMs < fromMs;
}

function hearTraffic(circuit: Circuit & { readonly state: "closed" }, success: boolean, nowMs: number, policy: CircuitPolicy): Circuit {
  const { ratio } = policy;
  const failures = success ? 0 : circuit.failures + 1;
  if (ratio === undefined) {
    if (failures >= policy.failuresMax) return trip(circuit.trips + 1, nowMs, policy);
    return failures === circuit.failures ? circuit : { ...circuit, failures };
  }
  const window = counted(circuit.window, success, nowMs, ratio.windowMs);
  if (!success && (failures >= policy.failuresMax || failsTooOften(countsIn(window, nowMs, ratio.windowMs), ratio))) {
    return trip(circuit.trips + 1, nowMs, policy);
  }
  return { ...circuit, failures, window };
}

function failsTooOften({ successes, failures }: Counts, { successMin, attemptsMin }: NonNullable<CircuitPolicy["ratio"]>): boolean {
  const attempts = successes + failures;
  return attempts >= attemptsMin && successes < successMin * attempts;
}

function trip(trips: number, nowMs: number, policy: CircuitPolicy): Circuit {
  const dwellMs = Math.min(policy.dwellMs * 2 ** Math.min(trips - 1, 30), policy.dwellMaxMs);
  return { state: "open", trips, sinceMs: nowMs, retryAtMs: nowMs + dwellMs };
}
