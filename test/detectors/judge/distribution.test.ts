import { describe, expect, test } from "vitest";
import { distribution } from "../../../detectors/judge/distribution.ts";
import { chance, gaussian, type Chance } from "../chance.ts";
import { alarmsMax, expectation } from "./promise.ts";

test("the bet is fair: over all ways to deal ten values to the sides its mean is 1, whatever the values", () => {
  const comparison = distribution();
  const next = chance(1);
  const known = Array.from({ length: 40 }, () => gaussian(next));
  const values = Array.from({ length: 10 }, (_, i) => 0.3 * i ** 2 - 3);
  const weights = values.map((_, i) => (i < 5 ? 0.1 : 0.4));
  const mean = expectation(weights, (row) => {
    let state = comparison.start();
    for (const value of known) state = comparison.step(state, { candidate: false, weight: 0, value });
    for (const [i, candidate] of row.entries()) state = comparison.step(state, { candidate, weight: weights[i] as number, value: values[i] as number });
    return Math.exp(comparison.logEvidence(state));
  });
  expect(mean).toBeCloseTo(1, 9);
});

function untilFound(seed: number, values: number, draw: (next: Chance, candidate: boolean, n: number) => number): number | undefined {
  const comparison = distribution();
  const next = chance(seed);
  let state = comparison.start();
  for (let n = 1; n <= values; n += 1) {
    const candidate = next() < 0.1;
    state = comparison.step(state, { candidate, weight: 0.1, value: draw(next, candidate, n) });
    if (comparison.logEvidence(state) >= Math.log(100)) return n;
  }
  return undefined;
}

test("of 200 runs of scores that drift alike on both sides no more than a promise of 1 % allows are called different", () => {
  let alarms = 0;
  for (let run = 1; run <= 200; run += 1) if (untilFound(run, 2_000, (next, _, n) => gaussian(next) + n / 300) !== undefined) alarms += 1;
  expect(alarms).toBeLessThanOrEqual(alarmsMax(200, 0.01));
});

describe("a candidate with a tenth of the traffic is found different within 3,000 values where its scores are", () => {
  test.each<readonly [string, (next: Chance) => number]>([
    ["half a deviation higher", (next) => gaussian(next) + 0.5],
    ["half as spread again", (next) => 1.5 * gaussian(next)],
    ["all the same", () => 0.5],
    ["in two humps", (next) => (next() < 0.5 ? 1 : -1) + 0.3 * gaussian(next)],
  ])("%s", (_, draw) => {
    expect(untilFound(3, 3_000, (next, candidate) => (candidate ? draw(next) : gaussian(next)))).toBeDefined();
  });
});

test("the shift is the probability that a candidate's value is greater, less a half", () => {
  const comparison = distribution();
  const next = chance(6);
  let state = comparison.start();
  const [candidates, primaries]: [number[], number[]] = [[], []];
  for (let n = 0; n < 6_000; n += 1) {
    const candidate = next() < 0.5;
    const value = gaussian(next) + (candidate ? 1 : 0);
    (candidate ? candidates : primaries).push(value);
    state = comparison.step(state, { candidate, weight: 0.5, value });
  }
  let greater = 0;
  for (const value of candidates) greater += primaries.filter((other) => other < value).length;
  expect(comparison.effect(state)).toBeCloseTo(greater / candidates.length / primaries.length - 0.5, 1);
  const { lower, upper } = comparison.interval(state, 0.01);
  expect(lower).toBeGreaterThan(0.1);
  expect(lower).toBeLessThan(0.26);
  expect(upper).toBeGreaterThan(0.26);
});

test("the sample stays sorted and bounded, and of a group the first value counts", () => {
  const comparison = distribution({ grouping: "key" });
  const next = chance(2);
  let state = comparison.start();
  for (let n = 0; n < 5_000; n += 1) state = comparison.step(state, { candidate: false, weight: 0.1, value: gaussian(next), group: 1 + (n >> 1) });
  expect(comparison.seen(state)).toEqual({ events: 5_000, effective: 2_500 });
  expect([...state.sample]).toEqual([...state.sample].sort((a, b) => a - b));
  expect(state.held).toBe(512);
});

test.each([Number.NaN, Infinity])("a value of %d is refused", (value) => {
  const comparison = distribution();
  expect(() => comparison.step(comparison.start(), { candidate: true, weight: 0.1, value })).toThrow(RangeError);
});
