import { describe, expect, test } from "vitest";
import { latency } from "../../../detectors/judge/latency.ts";
import { quantileEvidence } from "../../../detectors/judge/quantile-evidence.ts";
import { evidenceAbove, evidenceBelow } from "../../../detectors/judge/rate-evidence.ts";
import { quantileSketch } from "../../../detectors/reference/quantiles.ts";
import { chance, gaussian, type Chance } from "../chance.ts";
import { alarmsMax } from "./promise.ts";

const logNormal = (next: Chance): number => 20 * Math.exp(0.5 * gaussian(next));
const p98 = 20 * Math.exp(0.5 * 2.0537);

/** Requests until harm at an alpha of 1 %; undefined where none is called. */
function untilHarm(q: number, seed: number, requests: number, weight: (n: number) => number, value: (next: Chance, candidate: boolean, n: number) => number, ratio = 1): number | undefined {
  const comparison = latency({ q, ratio });
  const next = chance(seed);
  let state = comparison.start();
  for (let n = 1; n <= requests; n += 1) {
    const candidate = next() < weight(n);
    state = comparison.step(state, { candidate, weight: weight(n), value: value(next, candidate, n) });
    if (comparison.logEvidence(state, Math.log(100)) >= Math.log(100)) return n;
  }
  return undefined;
}

test("the evidence is the least of products over all that the primary's quantile may be, a little below for the sketch's bins", () => {
  const sketch = quantileSketch({ relativeError: 0.001 });
  const next = chance(4);
  const [candidate, primary] = [Array.from({ length: 300 }, () => 1.6 * logNormal(next)), Array.from({ length: 400 }, () => logNormal(next))];
  const states = [candidate, primary].map((values) => values.reduce((state, value) => sketch.step(state, value), sketch.start()));
  const prior = { a: 1, b: 2.5 };
  // By brute force, at every value of either side: between two of them no count changes.
  const products = [0, ...candidate, ...primary].map((t) => {
    const [below, above] = [primary.filter((value) => value >= t).length, candidate.filter((value) => value > t).length];
    return evidenceBelow(0.1, below, 400 - below) + evidenceAbove(0.1, above, 300 - above, prior);
  });
  const evidence = quantileEvidence(sketch, states[0]!, states[1]!, { q: 0.9, ratio: 1 });
  expect(evidence).toBeLessThanOrEqual(Math.min(...products) + 1e-9);
  expect(evidence).toBeGreaterThan(Math.min(...products) - 1.5);
});

test("a candidate 20 % slower only beyond p98 is found by p99, and not by p50", () => {
  const slower = (next: Chance, candidate: boolean): number => {
    const ms = logNormal(next);
    return candidate && ms > p98 ? 1.2 * ms : ms;
  };
  expect(untilHarm(0.99, 3, 60_000, () => 0.5, slower)).toBeLessThan(60_000);
  expect(untilHarm(0.5, 3, 3_000, () => 0.5, slower)).toBeUndefined();
});

describe("of 100 runs no more than a promise of 1 % allows call harm, looked at on every request, where", () => {
  const nulls: readonly (readonly [string, (n: number) => number, (next: Chance, candidate: boolean, n: number) => number, ratio: number])[] = [
    ["both sides are alike", () => 0.1, (next) => logNormal(next), 1],
    ["load makes both six times as slow just as the candidate is given half of the traffic", (n) => (n > 1_000 ? 0.5 : 0.05), (next, _, n) => (n > 1_000 ? 6 : 1) * logNormal(next), 1],
    ["the candidate is slower everywhere but at the quantile", () => 0.3, (next, candidate) => (next() < 0.95 ? (candidate ? 9 : 5) * next() : 10 + next()), 1],
    ["it is 20 % slower, which the ratio allows", () => 0.3, (next, candidate) => (candidate ? 1.2 : 1) * logNormal(next), 1.2],
    ["latencies are whole numbers, most of them the same", () => 0.3, (next) => Math.floor(3 * next() ** 4), 1],
  ];
  test.each(nulls)("%s", (_, weight, value, ratio) => {
    let alarms = 0;
    for (let run = 1; run <= 100; run += 1) if (untilHarm(0.95, run, 2_000, weight, value, ratio) !== undefined) alarms += 1;
    expect(alarms).toBeLessThanOrEqual(alarmsMax(100, 0.01));
  });
});

test("the interval holds the true ratio of the quantiles and narrows", () => {
  const comparison = latency({ q: 0.95 });
  const next = chance(8);
  let state = comparison.start();
  expect(comparison.interval(state, 0.01).upper).toBe(Infinity);
  for (let n = 0; n < 20_000; n += 1) {
    const candidate = n % 2 === 0;
    state = comparison.step(state, { candidate, weight: 0.5, value: (candidate ? 1.1 : 1) * logNormal(next) });
  }
  const { lower, upper } = comparison.interval(state, 0.01);
  expect(lower).toBeLessThan(0.1);
  expect(upper).toBeGreaterThan(0.1);
  expect(upper - lower).toBeLessThan(0.3);
  expect(comparison.effect(state)).toBeGreaterThan(lower);
  expect(comparison.effect(state)).toBeLessThan(upper);
});

test("evidence is kept when the weight grows", () => {
  const comparison = latency({ q: 0.5 });
  const next = chance(2);
  let state = comparison.start();
  for (let n = 0; n < 400; n += 1) {
    const candidate = next() < 0.1;
    state = comparison.step(state, { candidate, weight: 0.1, value: (candidate ? 3 : 1) * logNormal(next) });
  }
  const before = comparison.logEvidence(state);
  state = comparison.step(state, { candidate: false, weight: 0.2, value: 1 });
  expect(before).toBeGreaterThan(5);
  expect(Math.abs(comparison.logEvidence(state) - before)).toBeLessThan(1);
});

test("what makes no sense is refused", () => {
  expect(() => latency({ q: 1 })).toThrow(RangeError);
  expect(() => latency({ q: 0.5, ratio: -1 })).toThrow(RangeError);
  const comparison = latency({ q: 0.5 });
  for (const value of [-1, Number.NaN, Infinity]) expect(() => comparison.step(comparison.start(), { candidate: true, weight: 0.1, value })).toThrow(RangeError);
  expect(() => comparison.step(comparison.start(), { candidate: true, weight: 50, value: 1 })).toThrow(RangeError);
});

test("of a primary whose quantile is below the floor the difference is shown over the floor, at both ends of the interval too", () => {
  const seen = (comparison: ReturnType<typeof latency>, scale: number) => {
    let state = comparison.start();
    for (let n = 0; n < 4_000; n += 1) state = comparison.step(state, { candidate: n % 2 === 0, weight: 0.5, value: scale * (n % 2 === 0 ? 1.2 : 1) * (1 + (n % 97) / 1_000) });
    const { candidate = 0, primary = 0 } = comparison.sides?.(state) ?? {};
    return { effect: comparison.effect(state) as number, by: candidate - primary, ...comparison.interval(state, 0.01) };
  };
  const [plain, floored] = [latency({ q: 0.5 }), latency({ q: 0.5, floor: 5 })];
  // A fifth of a millisecond, and 20 of 100.
  expect(seen(plain, 1).effect).toBeCloseTo(0.2, 1);
  expect(seen(floored, 1).effect).toBeCloseTo(seen(floored, 1).by / 5, 12);
  expect(seen(floored, 1).lower).toBeLessThan(seen(floored, 1).effect);
  expect(seen(floored, 1).upper).toBeGreaterThan(seen(floored, 1).effect);
  expect(seen(floored, 1).upper).toBeLessThan(0.1);
  expect(seen(floored, 100)).toEqual(seen(plain, 100));
  expect(() => latency({ q: 0.5, floor: -1 })).toThrow(RangeError);
});
