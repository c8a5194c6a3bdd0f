import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprint } from "../../agent/gateway/fingerprint.ts";
import {
  emptyQuarantine, isEmpty, quarantinePolicy, reduceQuarantine, refusalOf, standingOf,
  type Quarantine, type QuarantineEvent,
} from "../../agent/gateway/quarantine.ts";
import { quarantineOptions } from "../../agent/gateway/quarantine-options.ts";
import { restoreQuarantine, saveQuarantine } from "../../agent/gateway/saved-quarantine.ts";

const policy = quarantinePolicy(quarantineOptions.parse({}));
const print = (body: string) => fingerprint("POST", "/v2/models/m/infer", Buffer.from(body), 65_536);
const [poison, innocent, other] = [print("poison"), print("innocent"), print("other")];
const minuteMs = 60_000;

function play(steps: readonly (readonly [atMs: number, event: QuarantineEvent])[], start: Quarantine = emptyQuarantine): Quarantine {
  return steps.reduce((state, [atMs, event]) => reduceQuarantine(state, event, atMs, policy), start);
}
const broken = (of: string, inFlight: number): QuarantineEvent => ({ type: "broken", fingerprint: of, inFlight });
const gone = (...inFlight: string[]): QuarantineEvent => ({ type: "gone", inFlight });
const is = (state: Quarantine, of: string, atMs: number) => standingOf(state, of, atMs, policy);

/** All three were in flight when the process died at 0. */
const afterCrash = play([[0, broken(innocent, 2)], [1, broken(poison, 1)], [2, broken(other, 0)]]);

test("one input kills the server: three were in flight, each is tried alone, two are answered and one is refused from then on", () => {
  for (const suspect of [poison, innocent, other]) expect(is(afterCrash, suspect, 3)).toEqual({ is: "suspect", mayTry: true });
  expect(is(afterCrash, print("a new one"), 3)).toEqual({ is: "clear" });

  const onTrial = play([[5_000, { type: "tried", fingerprint: innocent }]], afterCrash);
  expect(is(onTrial, poison, 5_001)).toEqual({ is: "suspect", mayTry: false });
  const acquitted = play([[5_050, { type: "answered", fingerprint: innocent }]], onTrial);
  expect(is(acquitted, innocent, 5_051)).toEqual({ is: "clear" });

  const again = play([[6_000, { type: "tried", fingerprint: poison }], [6_040, broken(poison, 0)]], acquitted);
  expect(is(again, poison, 6_050)).toEqual({ is: "guilty", crashes: 2, leftMs: policy.ttlMs - 10 });
  expect(is(again, other, 6_050)).toEqual({ is: "suspect", mayTry: true });
  expect(refusalOf({ crashes: 2, leftMs: 599_990 })).toBe("the model server crashed 2 times with this request in flight; it is refused for 600 s more");
  expect(is(again, poison, 6_040 + 10 * minuteMs)).toEqual({ is: "clear" });
});

test("a connection that breaks while the server answers others proves nothing", () => {
  const state = play([[0, broken(poison, 3)], [10, { type: "answered" }], [20, broken(innocent, 2)], [30, { type: "answered" }], [40, broken(other, 0)]]);
  expect(isEmpty(state)).toBe(true);
  expect(isEmpty(play([[5_000, gone()]], state))).toBe(true);
});

test("one request in flight, its connection breaks, and then nobody can connect: it is suspect", () => {
  const alone = play([[0, broken(poison, 0)]]);
  expect(isEmpty(alone)).toBe(true);
  expect(is(play([[100, gone()]], alone), poison, 101)).toEqual({ is: "suspect", mayTry: true });
});

test("a worker process dies of the same input twice while the others go on", () => {
  const state = play([[0, broken(poison, 5)], [1, { type: "answered" }], [300, { type: "answered" }], [500, broken(poison, 4)]]);
  expect(is(state, poison, 501)).toEqual({ is: "suspect", mayTry: true });
  expect(is(state, innocent, 501)).toEqual({ is: "clear" });
});

test("a stall counts like a crash for what waits at the hung server, and once however often it is told", () => {
  const told = play([[0, gone(poison, innocent)], [1_000, gone(poison, innocent)], [3_000, broken(poison, 1)], [3_001, broken(innocent, 0)], [3_100, gone()]]);
  expect(is(told, poison, 3_200)).toEqual({ is: "suspect", mayTry: true });
  expect(is(told, innocent, 3_200)).toEqual({ is: "suspect", mayTry: true });
});

test("a trial whose client went away is given to the next; one that never comes back, after half a minute", () => {
  const onTrial = play([[0, { type: "tried", fingerprint: poison }]], afterCrash);
  expect(is(play([[10, { type: "untried", fingerprint: poison }]], onTrial), innocent, 11)).toEqual({ is: "suspect", mayTry: true });
  expect(is(onTrial, innocent, 29_999)).toEqual({ is: "suspect", mayTry: false });
  expect(is(onTrial, innocent, 30_000)).toEqual({ is: "suspect", mayTry: true });
});

test("it outlives a restart of the sidecar; what is saved of another format is not trusted", () => {
  const guilty = play([[10, { type: "tried", fingerprint: poison }], [20, broken(poison, 0)]], afterCrash);
  const restored = restoreQuarantine(JSON.parse(JSON.stringify(saveQuarantine(guilty, 1_020))), 50, policy) as Quarantine;
  expect(is(restored, poison, 50)).toEqual({ is: "guilty", crashes: 2, leftMs: policy.ttlMs - 1_000 });
  expect(is(restored, innocent, 50)).toMatchObject({ is: "suspect" });
  for (const bad of [undefined, {}, { version: 2, suspects: [] }, { version: 1, suspects: [{ fingerprint: "x", crashes: 2, leftMs: 1 }] }]) expect(restoreQuarantine(bad, 0, policy)).toBeUndefined();
});

test("bounded: a crash with ten thousand in flight keeps the latest 256 and counts the others", () => {
  const prints = Array.from({ length: 10_000 }, (_, i) => print(String(i)));
  const state = play([[0, gone(...prints)]]);
  expect(state.suspects.size).toBe(256);
  expect(state.letGo).toBe(10_000 - 256);
  expect(is(state, prints.at(-1) as string, 1)).toMatchObject({ is: "suspect" });
});

const events = fc.oneof(
  fc.record({ type: fc.constant("broken" as const), fingerprint: fc.constantFrom(poison, innocent, other), inFlight: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ type: fc.constant("gone" as const), inFlight: fc.subarray([poison, innocent, other]) }),
  fc.record({ type: fc.constantFrom("answered" as const, "tried" as const, "untried" as const), fingerprint: fc.constantFrom(poison, innocent, other) }),
  fc.constant({ type: "tick" as const }),
);

test("whatever happens: nobody is guilty who was not tried alone before, and all is forgotten after the ttl", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), events), { maxLength: 100 }), (steps) => {
      let state = emptyQuarantine;
      let nowMs = 0;
      const tried = new Set<string>();
      for (const [waitMs, event] of steps) {
        nowMs += waitMs;
        state = reduceQuarantine(state, event, nowMs, policy);
        if (event.type === "tried") tried.add(event.fingerprint);
        for (const who of [poison, innocent, other]) if (is(state, who, nowMs).is === "guilty") expect(tried.has(who)).toBe(true);
        const ticked = reduceQuarantine(state, { type: "tick" }, nowMs, policy);
        expect(reduceQuarantine(ticked, { type: "tick" }, nowMs, policy)).toBe(ticked);
      }
      expect(reduceQuarantine(state, { type: "tick" }, nowMs + policy.ttlMs, policy)).toMatchObject({ suspects: new Map(), trial: undefined, broken: [] });
    }),
  );
});

test("a fingerprint knows method, path and body, and not the query; of a long body its ends and its length", () => {
  const of = (method: string, path: string, body: Buffer, max = 65_536) => fingerprint(method, path, body, max);
  const body = Buffer.from('{"inputs":[]}');
  expect(of("POST", "/a?x=1", body)).toBe(of("POST", "/a?x=2", body));
  expect(of("POST", "/a", body)).toMatch(/^[0-9a-f]{16}$/);
  const different = [of("POST", "/a", body), of("PUT", "/a", body), of("POST", "/b", body), of("POST", "/a", Buffer.from('{"inputs":[1]}')), of("POST", "/a", Buffer.alloc(0)), of("POST", "/a", Buffer.alloc(1)), of("POST", "/a", Buffer.alloc(2))];
  expect(new Set(different).size).toBe(different.length);

  const long = Buffer.alloc(1_000, 7);
  const changedAt = (at: number) => Buffer.from(long).fill(8, at, at + 1);
  expect(of("POST", "/a", changedAt(500), 100)).toBe(of("POST", "/a", long, 100));
  for (const at of [0, 49, 950, 999]) expect(of("POST", "/a", changedAt(at), 100)).not.toBe(of("POST", "/a", long, 100));
  expect(of("POST", "/a", Buffer.alloc(1_001, 7), 100)).not.toBe(of("POST", "/a", long, 100));
});

test("two hundred thousand bodies that differ by a digit have as many fingerprints, and either half is as even as chance", () => {
  const prints = Array.from({ length: 200_000 }, (_, i) => print(String(i)));
  expect(new Set(prints).size).toBe(200_000);
  // 200,000 of 2^32 by chance: 4.7 pairs alike.
  for (const half of [0, 8]) expect(200_000 - new Set(prints.map((of) => of.slice(half, half + 8))).size).toBeLessThan(20);
});
