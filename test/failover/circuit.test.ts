import fc from "fast-check";
import { expect, test } from "vitest";
import { closed, reduceCircuit, type Circuit, type CircuitEvent, type CircuitPolicy } from "../../agent/failover/circuit.ts";

const policy: CircuitPolicy = { failuresMax: 2, dwellMs: 1_000, dwellMaxMs: 4_000, probationMs: 5_000, trialMs: 10_000, stableMs: 60_000 };
const success: CircuitEvent = { type: "success", trial: false };
const failure: CircuitEvent = { type: "failure", trial: false };
const trialSuccess: CircuitEvent = { type: "success", trial: true };
const trialFailure: CircuitEvent = { type: "failure", trial: true };
const claim: CircuitEvent = { type: "claim" };
const ready: CircuitEvent = { type: "ready" };
const tick: CircuitEvent = { type: "tick" };

function play(steps: readonly (readonly [atMs: number, event: CircuitEvent])[], start: Circuit = closed(0)): Circuit[] {
  const states: Circuit[] = [];
  let circuit = start;
  for (const [atMs, event] of steps) states.push((circuit = reduceCircuit(circuit, event, atMs, policy)));
  return states;
}

const names = (states: readonly Circuit[]) => states.map(({ state }) => state);

test("two failures in a row open the circuit; one good trial closes it", () => {
  expect(names(play([[0, failure], [1, failure], [999, ready], [1_001, ready], [1_002, claim], [1_010, trialSuccess]]))).toEqual([
    "closed", "open", "open", "half-open", "half-open", "closed",
  ]);
});

test("a success between two failures keeps it closed", () => {
  expect(names(play([[0, failure], [1, success], [2, failure]]))).toEqual(["closed", "closed", "closed"]);
});

test("answers to requests sent before the trip prove nothing", () => {
  expect(names(play([[0, failure], [1, failure], [2, success], [1_500, ready], [1_501, success], [1_502, failure]]))).toEqual([
    "closed", "open", "open", "half-open", "half-open", "half-open",
  ]);
});

test("the wait doubles with each failed trial up to its bound, and is forgotten after a stable time", () => {
  let circuit: Circuit = closed(0);
  const waits: number[] = [];
  let nowMs = 0;
  circuit = reduceCircuit(circuit, { type: "trip" }, nowMs, policy);
  for (let i = 0; i < 4; i += 1) {
    if (circuit.state !== "open") throw new Error(`expected open, got ${circuit.state}`);
    waits.push(circuit.retryAtMs - circuit.sinceMs);
    nowMs = circuit.retryAtMs;
    circuit = reduceCircuit(circuit, ready, nowMs, policy);
    circuit = reduceCircuit(circuit, claim, nowMs, policy);
    circuit = reduceCircuit(circuit, trialFailure, nowMs, policy);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 4_000]);
  circuit = reduceCircuit({ ...closed(nowMs, 4) }, tick, nowMs + 59_999, policy);
  expect(circuit.trips).toBe(4);
  expect(reduceCircuit(circuit, tick, nowMs + 60_000, policy).trips).toBe(0);
});

test("one request at a time is on trial; a trial that never comes back is given to another", () => {
  const [, , halfOpen] = play([[0, failure], [1, failure], [1_001, ready]]) as [Circuit, Circuit, Circuit];
  const first = reduceCircuit(halfOpen, claim, 2_000, policy);
  expect(first).toMatchObject({ trialAtMs: 2_000 });
  expect(reduceCircuit(first, claim, 2_001, policy)).toBe(first);
  expect(reduceCircuit(first, claim, 12_000, policy)).toMatchObject({ trialAtMs: 12_000 });
});

test("probation without any request ends by itself, but not while a trial is out", () => {
  const [, , halfOpen] = play([[0, failure], [1, failure], [1_001, ready]]) as [Circuit, Circuit, Circuit];
  expect(reduceCircuit(halfOpen, tick, 6_000, policy)).toBe(halfOpen);
  expect(reduceCircuit(halfOpen, tick, 6_001, policy).state).toBe("closed");
  const onTrial = reduceCircuit(halfOpen, claim, 2_000, policy);
  expect(reduceCircuit(onTrial, tick, 6_001, policy)).toBe(onTrial);
});

const events = fc.constantFrom<CircuitEvent>(success, failure, trialSuccess, trialFailure, claim, ready, tick, { type: "trip" }, { type: "proven" });

test("whatever happens, it never leaves open before its time, and a tick changes nothing twice", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), events), { maxLength: 60 }), (steps) => {
      let circuit = closed(0);
      let nowMs = 0;
      for (const [waitMs, event] of steps) {
        nowMs += waitMs;
        const before = circuit;
        circuit = reduceCircuit(before, event, nowMs, policy);
        if (before.state === "open" && circuit.state !== "open") expect(nowMs).toBeGreaterThanOrEqual(before.retryAtMs);
        const ticked = reduceCircuit(circuit, tick, nowMs, policy);
        expect(reduceCircuit(ticked, tick, nowMs, policy)).toBe(ticked);
      }
    }),
  );
});
