import { expect, test } from "vitest";
import { errors } from "../../../detectors/judge/errors.ts";
import type { Grouping } from "../../../detectors/judge/grouping.ts";
import { chance, type Chance } from "../chance.ts";
import { alarmsMax } from "./promise.ts";

const enough = Math.log(100);

test("a candidate that fails half of the time is found within 80 requests, the median of 201 trials at a weight of 10 %", () => {
  const comparison = errors();
  const found = Array.from({ length: 201 }, (_, run) => {
    const next = chance(run + 1);
    let state = comparison.start();
    for (let n = 1; ; n += 1) {
      const candidate = next() < 0.1;
      state = comparison.step(state, { candidate, weight: 0.1, failed: next() < (candidate ? 0.5 : 0.005) });
      if (comparison.logEvidence(state) >= enough) return n;
    }
  }).sort((a, b) => a - b);
  expect(found[100]).toBeLessThanOrEqual(80);
});

/** Alarms in so many runs of healthy traffic, whose errors come in bursts. */
function alarms(runs: number, grouping: Grouping, burst: (next: Chance, n: number) => { readonly candidate: boolean; readonly group: number }): number {
  const comparison = errors({ grouping });
  let count = 0;
  for (let run = 1; run <= runs; run += 1) {
    const next = chance(run);
    let state = comparison.start();
    let harmed = false;
    for (let n = 0; n < 60 && !harmed; n += 1) {
      const { candidate, group } = burst(next, n);
      const size = 1 + Math.floor(10 * next());
      for (let i = 0; i < size; i += 1) state = comparison.step(state, { candidate, weight: 0.1, failed: true, group });
      harmed = comparison.logEvidence(state) >= enough;
    }
    if (harmed) count += 1;
  }
  return count;
}

test("a bursty null breaks the promise without batches and holds with them", () => {
  // Users stay on their side, and who fails fails up to ten times; the seconds of a side's bad luck are like that too.
  const user = (next: Chance) => ({ candidate: next() < 0.1, group: Math.floor(next() * 2 ** 32) });
  const second = (next: Chance, n: number) => ({ candidate: next() < 0.1, group: n });
  expect(alarms(300, "each", user)).toBeGreaterThan(5 * alarmsMax(300, 0.01));
  expect(alarms(300, "key", user)).toBeLessThanOrEqual(alarmsMax(300, 0.01));
  expect(alarms(300, "second", second)).toBeLessThanOrEqual(alarmsMax(300, 0.01));
});

test("a user counts once, a second once and by halves, and the reading says so", () => {
  const failure = { weight: 0.1, failed: true };
  const keyed = errors({ grouping: "key" });
  let state = keyed.start();
  for (let i = 0; i < 50; i += 1) state = keyed.step(state, { ...failure, candidate: true, group: 7 });
  expect(keyed.seen(state)).toEqual({ events: 50, effective: 1 });

  const timed = errors({ grouping: "second" });
  state = timed.start();
  for (const candidate of [true, true, false, false]) state = timed.step(state, { ...failure, candidate, group: 1 });
  expect(timed.seen(state)).toEqual({ events: 4, effective: 0 });
  state = timed.step(state, { weight: 0.1, failed: false, candidate: false, group: 2 });
  expect(timed.seen(state)).toEqual({ events: 4, effective: 1 });
  expect(state.share.share.candidate).toBe(0.5);
});

test("the difference lies within its interval, and the interval of a healthy candidate narrows below a margin", () => {
  const comparison = errors();
  const next = chance(3);
  let state = comparison.start();
  expect(comparison.effect(state)).toBeUndefined();
  expect(comparison.interval(state, 0.01)).toEqual({ lower: -1, upper: 1 });
  for (let n = 0; n < 20_000; n += 1) state = comparison.step(state, { candidate: next() < 0.5, weight: 0.5, failed: next() < 0.005 });
  const { lower, upper } = comparison.interval(state, 0.01);
  expect(lower).toBeLessThan(0);
  expect(upper).toBeGreaterThan(0);
  expect(upper).toBeLessThan(0.01);
});

test("rates of different weights are never pooled: a bad hour at a small weight does not make the next step look better", () => {
  const comparison = errors();
  let state = comparison.start();
  // All fail alike: half of the requests while the weight is 1 %, none when it is 50 %.
  for (let n = 0; n < 1_000; n += 1) state = comparison.step(state, { candidate: n % 100 === 0, weight: 0.01, failed: n % 200 < 100 });
  for (let n = 0; n < 1_000; n += 1) state = comparison.step(state, { candidate: n % 2 === 0, weight: 0.5, failed: false });
  expect(comparison.effect(state)).toBe(0);
});

test("states survive being written down in the middle", () => {
  const comparison = errors({ grouping: "key" });
  const next = chance(9);
  let [through, saved] = [comparison.start(), comparison.start()];
  for (let n = 0; n < 500; n += 1) {
    const event = { candidate: next() < 0.2, weight: 0.2, failed: next() < 0.3, group: Math.floor(next() * 100) };
    through = comparison.step(through, event);
    saved = comparison.step(structuredClone(saved), event);
  }
  expect(saved).toEqual(through);
});

test("an event without the group that is asked for is refused, as is a weight that is no ratio", () => {
  for (const grouping of ["key", "second"] as const) {
    const comparison = errors({ grouping });
    expect(() => comparison.step(comparison.start(), { candidate: true, weight: 0.1, failed: true })).toThrow(RangeError);
  }
  const comparison = errors();
  expect(() => comparison.step(comparison.start(), { candidate: true, weight: 10, failed: true })).toThrow(RangeError);
});

test("a candidate that fails at users' later requests only is seen to be worse, by key too", () => {
  const comparison = errors({ grouping: "key" });
  let state = comparison.start();
  for (let n = 0; n < 400; n += 1) {
    const user = n % 100;
    const candidate = user % 10 === 0;
    state = comparison.step(state, { candidate, weight: 0.1, failed: candidate && n >= 100, group: user + 1 });
  }
  expect(comparison.logEvidence(state)).toBeGreaterThan(Math.log(100));
  expect(comparison.effect(state)).toBe(0.75);
});
