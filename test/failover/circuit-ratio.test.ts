/** What the share of successes adds to failures in a row, and what comes late. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { closed, ratioOptions, reduceCircuit, type Circuit, type CircuitEvent, type CircuitPolicy } from "../../agent/failover/circuit.ts";
import { counted, countsIn, type SuccessWindow } from "../../agent/failover/success-window.ts";
import { failover, failoverOptions } from "../../agent/failover/failover.ts";
import { initial } from "../../agent/failover/state.ts";
import { reduce } from "../../agent/failover/reduce.ts";
import { onlyCounted } from "../../agent/failover/transition.ts";
import type { Outcome } from "../../agent/backend.ts";
import { chance } from "../detectors/chance.ts";

const { success: successMin, window: windowMs, attempts: attemptsMin } = ratioOptions.parse({});
const policy: CircuitPolicy = { failuresMax: 5, ratio: { successMin, windowMs, attemptsMin }, dwellMs: 2_000, dwellMaxMs: 8_000, probationMs: 5_000, trialMs: 10_000, stableMs: 60_000 };
const failoverPolicy = { ...policy, probeFailuresMax: 2, probePassesMin: 2, onDrift: "page" } as const;

const traffic = (success: boolean, sentAtMs?: number): CircuitEvent => ({ type: success ? "success" : "failure", trial: false, ...(sentAtMs !== undefined && { sentAtMs }) });

/** How many attempts until it opens; undefined where it never does. */
function attemptsToTrip(successes: (attempt: number) => boolean, attempts: number, gapMs: number): number | undefined {
  let circuit = closed(0);
  for (let i = 0; i < attempts; i += 1) {
    circuit = reduceCircuit(circuit, traffic(successes(i)), i * gapMs, policy);
    if (circuit.state === "open") return i + 1;
  }
  return undefined;
}

test("a dead server is out after five attempts, at one request in ten seconds as at a thousand a second, whatever went well before", () => {
  for (const gapMs of [1, 10_000]) expect(attemptsToTrip((i) => i < 1_000, 1_100, gapMs)).toBe(1_005);
});

test("two of three workers are broken, and never five attempts fail in a row: the share takes it out at the twentieth attempt", () => {
  expect(attemptsToTrip((i) => i % 3 === 0, 1_000, 100)).toBe(20);
});

test("one of five workers is broken: a second attempt mends that, and it stays", () => {
  expect(attemptsToTrip((i) => i % 5 !== 0, 100_000, 20)).toBeUndefined();
});

test("a server that fails one in ten by chance does not trip on its share in a hundred thousand attempts", () => {
  const next = chance(4);
  const alone: CircuitPolicy = { ...policy, failuresMax: 1_000 };
  let circuit = closed(0);
  for (let i = 0; i < 100_000; i += 1) circuit = reduceCircuit(circuit, traffic(next() > 0.1), i * 500, alone);
  expect(circuit.state).toBe("closed");
});

test("failures of hours ago count for nothing: nineteen, six idle hours, ten successes and one failure do not trip", () => {
  const alone: CircuitPolicy = { ...policy, failuresMax: 1_000 };
  let circuit = closed(0);
  for (let i = 0; i < 19; i += 1) circuit = reduceCircuit(circuit, traffic(false), i, alone);
  const laterMs = 6 * 3_600_000;
  for (let i = 0; i < 11; i += 1) circuit = reduceCircuit(circuit, traffic(i < 10), laterMs + i, alone);
  expect(circuit.state).toBe("closed");
});

test("the window holds what lies in its time to a tenth of it, never more buckets than ten", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.boolean()), { maxLength: 200 }), (steps) => {
      let window: SuccessWindow = [];
      let nowMs = 0;
      const seen: [atMs: number, success: boolean][] = [];
      for (const [waitMs, success] of steps) {
        nowMs += waitMs;
        seen.push([nowMs, success]);
        window = counted(window, success, nowMs, 30_000);
        const { successes, failures } = countsIn(window, nowMs, 30_000);
        const younger = (ageMs: number) => seen.filter(([atMs]) => nowMs - atMs < ageMs).length;
        expect(successes + failures).toBeGreaterThanOrEqual(younger(27_000));
        expect(successes + failures).toBeLessThanOrEqual(younger(30_000));
        expect(window.length).toBeLessThanOrEqual(10);
      }
      expect(countsIn(window, nowMs + 30_000, 30_000)).toEqual({ successes: 0, failures: 0 });
    }),
  );
});

/** Opened at 0, on trial from 2 s, the trial sent at 2.1 s and good at 2.2 s. */
function recovered(): Circuit {
  let circuit = reduceCircuit(closed(0), { type: "trip" }, 0, policy);
  circuit = reduceCircuit(circuit, { type: "ready" }, 2_000, policy);
  circuit = reduceCircuit(circuit, { type: "claim" }, 2_100, policy);
  return reduceCircuit(circuit, { type: "success", trial: true, sentAtMs: 2_100 }, 2_200, policy);
}

test("a hundred requests that had waited at the hung server time out after it came back: it stays in", () => {
  let circuit = recovered();
  for (let i = 0; i < 100; i += 1) circuit = reduceCircuit(circuit, traffic(false, -5_000 + i), 2_300 + i, policy);
  expect(circuit).toEqual(recovered());
  for (let i = 0; i < 5; i += 1) circuit = reduceCircuit(circuit, traffic(false, 2_400), 2_500, policy);
  expect(circuit.state).toBe("open");
});

test("a trial of the probation before the last trip comes back late: it proves nothing", () => {
  let circuit = reduceCircuit(closed(0), { type: "trip" }, 0, policy);
  circuit = reduceCircuit(circuit, { type: "ready" }, 2_000, policy);
  circuit = reduceCircuit(circuit, { type: "trip" }, 3_000, policy);
  const onTrial = reduceCircuit(circuit, { type: "ready" }, 7_000, policy);
  expect(reduceCircuit(onTrial, { type: "success", trial: true, sentAtMs: 2_500 }, 7_100, policy)).toBe(onTrial);
  expect(reduceCircuit(onTrial, { type: "success", trial: true, sentAtMs: 7_050 }, 7_100, policy).state).toBe("closed");
});

test("a trial that is answered with 429, or given up by its client, is handed to the next request and proves nothing", () => {
  let circuit = reduceCircuit(closed(0), { type: "trip" }, 0, policy);
  circuit = reduceCircuit(circuit, { type: "ready" }, 2_000, policy);
  for (let atMs = 2_100; atMs < 60_000; atMs += 1_000) {
    circuit = reduceCircuit(circuit, { type: "claim" }, atMs, policy);
    circuit = reduceCircuit(circuit, { type: "unproven" }, atMs + 500, policy);
    circuit = reduceCircuit(circuit, { type: "tick" }, atMs + 600, policy);
    expect(circuit).toMatchObject({ state: "half-open", trialAtMs: undefined });
  }
});

const attempt = (outcome: Outcome, trial = false) =>
  ({ kind: "attempt", backend: "primary", outcome, status: outcome === "error" ? 500 : outcome === "overloaded" ? 429 : undefined, firstByteMs: 0, durationMs: 0, trial }) as const;

test("a thousand answers of 429 leave the circuit as it was", () => {
  let state = reduce(initial(0), attempt("ok"), 0, failoverPolicy);
  const before = state;
  for (let i = 0; i < 1_000; i += 1) state = reduce(state, attempt("overloaded"), i, failoverPolicy);
  expect(state).toBe(before);
});

test("what tripped is told in words: the row, or the share", () => {
  let inRow = initial(0);
  for (let i = 0; i < 5; i += 1) inRow = reduce(inRow, attempt("error"), i, failoverPolicy);
  expect(inRow.cause.evidence).toBe("5 attempts in a row failed, the last one: error (500)");
  let byTurns = initial(0);
  for (let i = 0; i < 20; i += 1) byTurns = reduce(byTurns, attempt(i % 3 === 0 ? "ok" : "reset"), i, failoverPolicy);
  expect(byTurns.cause.evidence).toBe("13 of 20 attempts in 30 s failed, the last one: reset");
});

test("nothing follows from one more success; a failure that makes it suspect is told", () => {
  const healthy = reduce(initial(0), attempt("ok"), 0, failoverPolicy);
  expect(onlyCounted(healthy, reduce(healthy, attempt("ok"), 1, failoverPolicy))).toBe(true);
  expect(onlyCounted(initial(0), healthy)).toBe(false);
  expect(onlyCounted(healthy, reduce(healthy, attempt("error"), 1, failoverPolicy))).toBe(false);
});

test("a closed circuit of a run before this one comes back with its trips, and hears", () => {
  const saved = { version: 1, open: false, trips: 3, retryInMs: 0, cause: { detector: "none", code: "none", evidence: "" } };
  const clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {}, every: () => () => {}, random: () => 0 };
  const room = failover(failoverOptions.parse({}), { clock, announce: () => {}, rungs: () => ["onnx"], target: () => ({ model: "m", version: undefined, endpoint: "e" }), release: () => {}, save: () => {}, saved, rev: 0 });
  expect(room.saved()).toEqual(saved);
  room.hear(attempt("ok"));
  expect(room.route().primary).toBe("flows");
});
