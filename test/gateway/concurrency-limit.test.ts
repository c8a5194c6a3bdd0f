import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outcomes } from "../../agent/backend.ts";
import { ConcurrencyLimit, priorities, priorityOf, type Priority } from "../../agent/gateway/concurrency-limit.ts";
import { concurrencyOptions } from "../../agent/gateway/concurrency-options.ts";
import { chance, type Chance } from "../detectors/chance.ts";
import { batching, simulate, workers, type Run } from "./simulated-server.ts";

const limitOf = (options: object = {}) => new ConcurrencyLimit(concurrencyOptions.parse(options));
const critical = () => "critical" as const;
const minutes = (count: number) => count * 60_000;

describe.each([4, 16, 64])("%i workers, twice what they can do", (count) => {
  test.each([[4, 0.2], [20, 0.2], [400, 0.2], [20, 1], [400, 1]])("from a limit of %i it settles at 1.5 requests a worker (chance %f), within a quarter, and all are busy", (initial, spread) => {
    const seen = simulate(limitOf({ initial }), chance(1), { service: workers(count, 50, spread), perSecond: () => (2 * count) / 0.05, untilMs: minutes(2), priority: critical });
    // With four workers chance alone moves a whole request: 6 to 9 are let pass.
    expect(seen.lateLimit).toBeGreaterThan(1.5 * count * 0.8);
    expect(seen.lateLimit).toBeLessThan(1.5 * count * 1.25 + (count === 4 ? 1.5 : 0));
    expect(seen.latePerSecond).toBeGreaterThan((0.9 * count) / 0.05);
    expect(seen.lateMedianMs).toBeLessThan(85);
  });
});

test("a server that batches is not throttled for batching: about two thirds of all it could ever do, from wherever it starts", () => {
  for (const initial of [4, 20, 400]) {
    const seen = simulate(limitOf({ initial }), chance(2), { service: batching(10, 1), perSecond: () => 2_000, untilMs: minutes(5), priority: critical });
    expect(seen.lateLimit).toBeGreaterThan(15);
    expect(seen.lateLimit).toBeLessThan(26);
    expect(seen.latePerSecond).toBeGreaterThan(570);
  }
});

test.each([[3, "slower"], [1 / 3, "faster"]])("the server becomes %f times as slow: within seconds the limit fits the %s one, and never lies at its floor for long", (factor) => {
  const limit = limitOf();
  let msAtFloor = 0;
  let lastMs = 0;
  const run: Run = {
    service: workers(16, (nowMs) => (nowMs < minutes(1) ? 50 : 50 * factor)),
    perSecond: () => 6 * (16 / 0.05),
    untilMs: minutes(3),
    priority: critical,
    watch(nowMs) {
      if (nowMs > minutes(1) && limit.limit <= 6) msAtFloor += nowMs - lastMs;
      lastMs = nowMs;
    },
  };
  const seen = simulate(limit, chance(3), run);
  expect(seen.lateLimit).toBeGreaterThan(20);
  expect(seen.lateLimit).toBeLessThan(29);
  expect(seen.latePerSecond / (16 / (0.05 * factor))).toBeGreaterThan(0.95);
  expect(msAtFloor).toBeLessThan(6_000);
});

test("too much for the server: sheddable requests go first, then default ones; of critical ones 98 in 100 are served, dips included", () => {
  const priority = (next: Chance): Priority => (next() < 0.2 ? "critical" : next() < 0.5 ? "default" : "sheddable");
  // 384 a second are default or critical ones of 640; 320 can be served.
  const seen = simulate(limitOf(), chance(4), { service: workers(16, 50), perSecond: () => 640, untilMs: minutes(2), priority });
  const share = (who: Priority) => seen.answered[who] / (seen.answered[who] + seen.refused[who]);
  expect(share("critical")).toBeGreaterThan(0.98);
  expect(share("default")).toBeGreaterThan(0.6);
  expect(share("sheddable")).toBeLessThan(0.15);
});

test("as long as the server keeps up, hardly anybody is refused, whatever the class", () => {
  const seen = simulate(limitOf(), chance(5), { service: workers(16, 50), perSecond: () => 100, untilMs: minutes(5), priority: () => "sheddable" });
  expect(seen.refused.sheddable / seen.answered.sheddable).toBeLessThan(1e-3);
});

test("a quiet night changes nothing: the limit of the evening is there in the morning", () => {
  const limit = limitOf();
  const run: Run = { service: workers(64, 50), perSecond: (nowMs) => (nowMs < minutes(2) ? 2_560 : 1), untilMs: minutes(60), priority: critical };
  simulate(limit, chance(6), run);
  expect(limit.limit).toBeGreaterThan(75);
});

test("a server that says 429, now and then or to everybody, is given less; one that fails at once is not taken for a fast one", () => {
  for (const of of [2, 1]) {
    const full = limitOf({ initial: 100 });
    simulate(full, chance(7), { service: workers(1_000, 50), perSecond: () => 500, untilMs: 20_000, priority: critical, outcome: (nowMs) => (Math.floor(nowMs) % of === 0 ? "overloaded" : "ok") });
    expect(full.limit).toBeLessThan(10);
  }
  const failing = limitOf({ initial: 20 });
  simulate(failing, chance(7), { service: workers(16, 1), perSecond: () => 100_000, untilMs: 5_000, priority: critical, outcome: () => "refused" });
  expect(failing.limit).toBe(20);
});

test("429 where a higher class would get a place, 503 where nobody does; Retry-After counts those before one", () => {
  const limit = limitOf({ initial: 10 });
  for (let i = 0; i < 7; i += 1) expect(limit.admit("sheddable", 0)).toEqual({ admitted: true });
  expect(limit.admit("sheddable", 0)).toMatchObject({ admitted: false, status: 429 });
  expect(limit.admit("default", 0)).toEqual({ admitted: true });
  expect(limit.admit("default", 0)).toEqual({ admitted: true });
  expect(limit.admit("default", 0)).toMatchObject({ admitted: false, status: 429 });
  expect(limit.admit("critical", 0)).toEqual({ admitted: true });
  expect(limit.admit("critical", 0)).toMatchObject({ admitted: false, status: 503, retryAfterS: 1 });
  // Ten at the server that take 1 s each are ten places a second; by now hundreds want one.
  for (let i = 0; i < 100; i += 1) limit.admit("default", 0);
  expect(limit.admit("default", 0)).toMatchObject({ retryAfterS: 11 });
  // Nothing has come back for 20 s.
  expect(limit.admit("critical", 20_000)).toMatchObject({ retryAfterS: 30 });
});

test("a burst after an idle hour is not told to wait for an hour's silence", () => {
  const limit = limitOf({ initial: 4 });
  for (let i = 0; i < 4; i += 1) limit.admit("critical", 3_600_000);
  expect(limit.admit("critical", 3_600_001)).toMatchObject({ status: 503, retryAfterS: 1 });
});

test("a priority is read from its header; what is none is the default", () => {
  expect([" Critical ", "sheddable", "default", "urgent", "", undefined, ["critical", "critical"]].map(priorityOf)).toEqual(["critical", "sheddable", "default", "default", "default", "default", "default"]);
});

test("whatever comes, limit and requests in flight stay within their bounds, and a free server always admits", () => {
  const step = fc.record({ who: fc.constantFrom(...priorities), admit: fc.boolean(), waitMs: fc.integer({ min: 0, max: 20_000 }), latencyMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e7, noNaN: true })), outcome: fc.constantFrom(...outcomes) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 8 }), (steps, min) => {
      const limit = limitOf({ min, max: 32, initial: 16 });
      let nowMs = 0;
      let inFlight = 0;
      for (const { who, admit, waitMs, latencyMs, outcome } of steps) {
        nowMs += waitMs;
        if (admit) {
          const admission = limit.admit(who, nowMs);
          if (inFlight === 0) expect(admission.admitted).toBe(true);
          if (admission.admitted) inFlight += 1;
          else expect(admission.retryAfterS).toSatisfy((s: number) => Number.isInteger(s) && s >= 1 && s <= 30);
        } else if (inFlight > 0) {
          inFlight -= 1;
          limit.done(latencyMs, outcome, nowMs);
        }
        expect(limit.inFlight).toBe(inFlight);
        expect(limit.limit).toBeGreaterThanOrEqual(min);
        expect(limit.limit).toBeLessThanOrEqual(32);
        expect(inFlight).toBeLessThanOrEqual(32);
      }
    }),
  );
});

test("options that can not be are refused", () => {
  expect(() => limitOf({ min: 10, max: 5 })).toThrow("min is above max");
});
