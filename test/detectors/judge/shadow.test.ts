import { expect, test } from "vitest";
import { disagreement } from "../../../detectors/judge/disagreement.ts";
import { pairedDifference } from "../../../detectors/judge/paired-difference.ts";
import { pairOf, pairs } from "../../../detectors/judge/pairs.ts";
import { logBeta, logBetaSurvival } from "../../../detectors/special/beta.ts";
import { chance, gaussian } from "../chance.ts";
import { alarmsMax } from "./promise.ts";

const kindOf = (at: number, worse: number, better: number) => (at < worse ? "worse" : at < worse + better ? "better" : "same");

test("twenty pairs in a hundred worse and two better are found within 100 pairs, the median of 201 trials", () => {
  const comparison = pairs();
  const found = Array.from({ length: 201 }, (_, run) => {
    const next = chance(run + 1);
    let state = comparison.start();
    for (let n = 1; ; n += 1) {
      state = comparison.step(state, { candidate: kindOf(next(), 0.2, 0.02) });
      if (comparison.logEvidence(state) >= Math.log(100)) return n;
    }
  }).sort((a, b) => a - b);
  expect(found[100]).toBeLessThanOrEqual(100);
});

test("pairs that do alike are no evidence; of the others only how many were worse and better counts", () => {
  const comparison = pairs();
  let state = comparison.start();
  for (let n = 0; n < 300; n += 1) state = comparison.step(state, { candidate: n % 30 === 0 ? "worse" : n % 100 === 1 ? "better" : "same" });
  // Ten worse and three better: 2^13 times the integral of p^10 (1 - p)^3 over a half to 1, in even proportions.
  expect(comparison.logEvidence(state)).toBeCloseTo(logBeta(11, 4) + logBetaSurvival(0.5, 11, 4) + 14 * Math.LN2, 9);
  expect(comparison.effect(state)).toBeCloseTo(7 / 300, 12);
  expect(comparison.seen(state)).toEqual({ events: 13, effective: 13 });
});

test("who is right where the actual has come late", () => {
  expect([pairOf(true, false), pairOf(false, true), pairOf(true, true), pairOf(false, false)]).toEqual(["worse", "better", "same", "same"]);
});

test("numbers: of 200 runs without a difference on average no more than a promise of 5 % allows call one, however heavy the tails", () => {
  const comparison = pairedDifference({ most: 5 });
  let alarms = 0;
  for (let run = 1; run <= 200; run += 1) {
    const next = chance(run);
    let state = comparison.start();
    for (let n = 0; n < 500; n += 1) {
      state = comparison.step(state, { candidate: gaussian(next) ** 3, primary: 0 });
      if (comparison.logEvidence(state) < Math.log(20)) continue;
      alarms += 1;
      break;
    }
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(200, 0.05));
});

test("numbers: a small difference that is always there is found, told in their unit, and only in the direction that is worse", () => {
  const next = chance(3);
  const events = Array.from({ length: 2_000 }, () => {
    const primary = 100 * next();
    return { primary, candidate: primary + 0.05 + 0.1 * gaussian(next) };
  });
  const after = (worse: "higher" | "lower" | "either") => {
    const comparison = pairedDifference({ most: 1, worse });
    const state = events.reduce((so, event) => comparison.step(so, event), comparison.start());
    return { evidence: comparison.logEvidence(state), effect: comparison.effect(state) as number, interval: comparison.interval(state, 0.01) };
  };
  for (const worse of ["higher", "either"] as const) {
    const { evidence, effect, interval } = after(worse);
    expect(evidence).toBeGreaterThan(Math.log(100));
    expect(effect).toBeCloseTo(0.05, 2);
    expect(interval.lower).toBeGreaterThan(0);
    expect(interval.lower).toBeLessThan(0.05);
    expect(interval.upper).toBeGreaterThan(0.05);
  }
  expect(after("lower").evidence).toBeLessThan(0);
  expect(after("lower").effect).toBeCloseTo(-0.05, 2);
});

test("answers: a rate of disagreement above what is allowed is found, and one below is proved to be", () => {
  const comparison = disagreement({ allowed: 0.05 });
  const after = (rate: number) => {
    const next = chance(5);
    let state = comparison.start();
    for (let n = 0; n < 2_000; n += 1) state = comparison.step(state, { different: next() < rate });
    return state;
  };
  expect(comparison.logEvidence(after(0.1))).toBeGreaterThan(Math.log(100));
  expect(comparison.logEvidence(after(0.05))).toBeLessThan(Math.log(100));
  expect(comparison.interval(after(0.02), 0.01).upper).toBeLessThan(0);
});

test("what makes no sense is refused", () => {
  expect(() => disagreement({ allowed: 0 })).toThrow(RangeError);
  expect(() => pairedDifference({ most: 0 })).toThrow(RangeError);
  const comparison = pairedDifference({ most: 1 });
  expect(() => comparison.step(comparison.start(), { candidate: Number.NaN, primary: 1 })).toThrow(RangeError);
  expect(() => pairs({ ratio: Number.NaN })).toThrow(RangeError);
});
