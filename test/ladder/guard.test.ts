/** What stands before every rung: its model, its validity domain, its circuit, its bulkhead, its time. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RungAnswer } from "../../agent/backend.ts";
import { guarded } from "../../agent/ladder/guard.ts";
import type { GuardOptions } from "../../agent/ladder/guard.ts";
import { reduceRungCircuit } from "../../agent/ladder/rung-circuit.ts";
import type { RungCircuit, RungCircuitEvent } from "../../agent/ladder/rung-circuit.ts";
import { validityOptions } from "../../agent/ladder/validity.ts";
import { openInference } from "../../agent/protocols/open-inference.ts";
import { FakeClock } from "../fake-clock.ts";
import { question, stage } from "./stage.ts";

const good: RungAnswer = { outcome: "ok", status: 200, headers: {}, body: Buffer.from("{}"), version: undefined };
const bad: RungAnswer = { outcome: "error", detail: "broken" };
const circuit = { failures: 2, wait: 1_000, waitMax: 3_000 };
const bulkhead = { active: 1, waiting: 1, timeoutMs: 100 };
const anything = question({ inputs: [{ name: "AGE", datatype: "FP32", shape: [1], data: [40] }] });
const never = new AbortController().signal;

/** A rung that answers when the test says so. */
function puppet(options: Partial<GuardOptions> = {}) {
  const clock = new FakeClock();
  const asked: { readonly settle: (answer: RungAnswer) => void; readonly signal: AbortSignal }[] = [];
  const rung = guarded(
    { name: "puppet", kind: "default", answer: (_question, signal) => new Promise((settle) => void asked.push({ settle, signal })) },
    { circuit, bulkhead, ...options },
    { clock, protocol: openInference, describe: () => undefined, inRange: (columns) => (columns[0]?.values[0] === 40 ? undefined : "outside the reference's range") },
  );
  return { clock, asked, rung, ask: (signal: AbortSignal = never) => rung.answer(anything, signal) };
}
const turns = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

test("after two failures in a row a rung is skipped; one question is the trial, and what comes beside it is skipped too", async () => {
  const { clock, asked, rung, ask } = puppet({ bulkhead: { active: 9, waiting: 0, timeoutMs: 100 } });
  for (let i = 0; i < 2; i += 1) {
    const asking = ask();
    asked.at(-1)?.settle(bad);
    expect((await asking).outcome).toBe("error");
  }
  expect(rung.usable).toBe(false);
  expect(await ask()).toEqual({ outcome: "error", detail: "it failed too often; skipped for another 1000 ms" });
  expect(asked).toHaveLength(2);
  clock.advance(1_000);
  expect(rung.usable).toBe(true);
  const trial = ask();
  expect(await ask()).toEqual({ outcome: "error", detail: "it is on trial after failures" });
  asked.at(-1)?.settle(good);
  expect((await trial).outcome).toBe("ok");
  expect(rung.usable).toBe(true);
});

test("a trial that fails doubles the wait, up to its bound; one whose asker went away leaves the next question to be the trial", async () => {
  const { clock, asked, rung, ask } = puppet();
  const fail = async () => {
    const asking = ask();
    asked.at(-1)?.settle(bad);
    await asking;
  };
  await fail();
  await fail();
  for (const waitMs of [1_000, 2_000, 3_000, 3_000]) {
    clock.advance(waitMs - 1);
    expect(rung.usable).toBe(false);
    clock.advance(1);
    await fail();
  }
  clock.advance(3_000);
  const abort = new AbortController();
  const asking = ask(abort.signal);
  abort.abort();
  expect((await asking).outcome).toBe("timeout");
  asked.at(-1)?.settle(bad); // it lets go of its place
  await turns();
  expect(rung.usable).toBe(true);
});

test("a late answer to a question from before the trip proves nothing", async () => {
  const play = (events: readonly [number, RungCircuitEvent][]) => events.reduce<RungCircuit>((state, [atMs, event]) => reduceRungCircuit(state, event, atMs, circuit), { state: "closed", failures: 0 });
  const failure = { type: "failure", trial: false } as const;
  const tripped: [number, RungCircuitEvent][] = [[0, failure], [1, failure]];
  expect(play([...tripped, [2, { type: "success", trial: false }]])).toMatchObject({ state: "open" });
  expect(play([...tripped, [1_001, { type: "ask" }], [1_002, { type: "success", trial: false }]])).toMatchObject({ state: "half-open" });
  expect(play([...tripped, [1_001, { type: "ask" }], [1_002, { type: "success", trial: true }]])).toEqual({ state: "closed", failures: 0 });
});

test("whatever happens, a circuit is never open for longer than its bound, and the same object comes back where nothing changed", () => {
  const event = fc.oneof(
    fc.record({ type: fc.constantFrom("success" as const, "failure" as const, "nothing" as const), trial: fc.boolean() }),
    fc.constant({ type: "ask" as const }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(2_000)), { maxLength: 50 }), (events) => {
      let nowMs = 0;
      let state: RungCircuit = { state: "closed", failures: 0 };
      for (const [one, afterMs] of events) {
        nowMs += afterMs;
        const next = reduceRungCircuit(state, one, nowMs, circuit);
        if (next.state === state.state && next.state !== "closed" && one.type === "ask") expect(next).toBe(state);
        if (next.state === "open") expect(next.untilMs - nowMs).toBeLessThanOrEqual(circuit.waitMax);
        state = next;
      }
    }),
  );
});

test("one at a time is asked, one waits, the next is told at once that it is too much", async () => {
  const { asked, ask } = puppet();
  const [first, second] = [ask(), ask()];
  expect(await ask()).toEqual({ outcome: "overloaded", detail: "1 questions are under way and 1 wait" });
  expect(asked).toHaveLength(1);
  asked[0]?.settle(good);
  expect((await first).outcome).toBe("ok");
  await turns();
  expect(asked).toHaveLength(2);
  asked[1]?.settle(good);
  expect((await second).outcome).toBe("ok");
});

test("being full is load and trips no circuit", async () => {
  const { rung, ask, asked } = puppet();
  const underWay = [ask(), ask()];
  for (let i = 0; i < 5; i += 1) expect((await ask()).outcome).toBe("overloaded");
  expect(rung.usable).toBe(true);
  asked[0]?.settle(good);
  await underWay[0];
  await turns();
  asked[1]?.settle(good);
  await underWay[1];
});

test("its time runs from the question, the wait included; a rung that does not end keeps its place", async () => {
  const { clock, asked, rung, ask } = puppet();
  const [first, second] = [ask(), ask()];
  clock.advance(100);
  expect(await first).toEqual({ outcome: "timeout", detail: "no answer within 100 ms" });
  expect(await second).toEqual({ outcome: "timeout", detail: "no answer within 100 ms" });
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(asked).toHaveLength(1); // the second never had a place
  expect(rung.usable).toBe(false); // two failures in a row
  expect(clock.pending).toBe(0);
});

test("the asker's deadline comes first where it is nearer", async () => {
  const { clock, rung } = puppet();
  const asking = rung.answer({ ...anything, deadlineMs: 30 }, never);
  clock.advance(30);
  expect(await asking).toEqual({ outcome: "timeout", detail: "no answer within 30 ms" });
});

test("a rung that throws has failed, and no more than that", async () => {
  const clock = new FakeClock();
  const throws = (): Promise<RungAnswer> => {
    throw new Error("a mistake in the code");
  };
  const rung = guarded({ name: "thrower", kind: "default", answer: throws }, { circuit, bulkhead }, { clock, protocol: openInference, describe: () => undefined, inRange: () => undefined });
  for (let i = 0; i < 2; i += 1) expect(await rung.answer(anything, never)).toEqual({ outcome: "error", detail: "Error: a mistake in the code" });
  expect(rung.usable).toBe(false);
});

const rows = (values: readonly unknown[]) => question({ inputs: [{ name: "AGE", datatype: "FP32", shape: [values.length], data: values }, { name: "CITY", datatype: "BYTES", shape: [values.length], data: values.map(() => "Kiel") }] });

test.each<[string, unknown, readonly unknown[], string | undefined]>([
  ["inside the range, both ends included", { AGE: { min: 16, max: 99 } }, [16, 40, 99], undefined],
  ["above it", { AGE: { min: 16, max: 99 } }, [40, 120], "AGE is 120 in row 1, outside 16 to 99"],
  ["below it", { AGE: { min: 16 } }, [15.9], "AGE is 15.9 in row 0, outside at least 16"],
  ["missing", { AGE: { min: 16 } }, [40, null], "AGE is missing in row 1, outside at least 16"],
  ["missing, which may be", { AGE: { min: 16, missing: true } }, [40, null], undefined],
  ["a text where a range is", { AGE: { max: 99 } }, ["forty"], 'AGE is "forty" in row 0, outside at most 99'],
  ["a known category", { CITY: { values: ["Kiel", "Bonn"] } }, [1], undefined],
  ["an unknown category", { CITY: { values: ["Bonn"] } }, [1], 'CITY is "Kiel" in row 0, outside its 1 known values'],
  ["a feature that is not sent", { SIZE: { min: 0 } }, [1], "the request has no feature SIZE"],
])("validity: %s", async (_name, validity, values, detail) => {
  const { ask } = await stage([{ kind: "default", outputs: { y: 1 }, validity }]);
  expect(await ask(rows(values))).toMatchObject(detail === undefined ? { outcome: "ok" } : { outcome: "unsupported", detail });
});

test("validity by the reference asks whoever has it, and trips no circuit", async () => {
  const { rung, asked, ask } = puppet({ validity: "reference" });
  for (let i = 0; i < 5; i += 1) expect(await rung.answer(rows([99]), never)).toEqual({ outcome: "unsupported", detail: "outside the reference's range" });
  const asking = ask();
  asked[0]?.settle(good);
  expect((await asking).outcome).toBe("ok");
});

test("a range that is empty, or beside a list of values, is a mistake", () => {
  expect(validityOptions.safeParse({ AGE: { min: 9, max: 1 } }).success).toBe(false);
  expect(validityOptions.safeParse({ AGE: { min: 9, values: [1] } }).success).toBe(false);
  expect(validityOptions.safeParse("always").success).toBe(false);
});
