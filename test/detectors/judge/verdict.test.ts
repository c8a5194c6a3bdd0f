import { expect, test } from "vitest";
import { combine } from "../../../detectors/judge/combine.ts";
import type { Comparison } from "../../../detectors/judge/comparison.ts";
import { errors } from "../../../detectors/judge/errors.ts";
import { pairs } from "../../../detectors/judge/pairs.ts";
import { shareEvidence } from "../../../detectors/judge/share-evidence.ts";
import { judge } from "../../../detectors/judge/verdict.ts";
import { chance } from "../chance.ts";
import { alarmsMax } from "./promise.ts";

interface Said {
  readonly evidence: number;
  readonly effect: number;
  readonly upper: number;
}

/** A comparison that answers what it is told. */
const told: Comparison<Said, Said> = {
  guarantee: "",
  start: () => ({ evidence: 1, effect: 0, upper: Infinity }),
  step: (_, said) => said,
  logEvidence: ({ evidence }) => Math.log(evidence),
  effect: ({ effect }) => effect,
  interval: ({ upper }) => ({ lower: -1, upper }),
  seen: () => ({ events: 1, effective: 1 }),
};
const asked = { comparison: told, minimumHarm: 0.01, margin: 0.02 };

function verdictOf(hard: Said, soft: Said, timeIsUp = false) {
  const judged = judge({ alpha: 0.01, comparisons: { hard: { ...asked, share: 3 }, soft: { ...asked, share: 1 } } });
  const state = judged.start();
  judged.step(state, "hard", hard);
  judged.step(state, "soft", soft);
  const { verdict, harmed } = judged.read(state, timeIsUp);
  return [verdict, ...harmed];
}
const fine: Said = { evidence: 0.1, effect: 0, upper: 0.015 };
const open: Said = { evidence: 0.1, effect: 0, upper: 0.05 };

test("harm at a share of the budget, and only where it matters: three quarters of 1 % ask for 133.4, a quarter for 400", () => {
  expect(verdictOf({ evidence: 134, effect: 0.05, upper: 1 }, fine)).toEqual(["harm", "hard"]);
  expect(verdictOf({ evidence: 133, effect: 0.05, upper: 1 }, fine)).toEqual(["continue"]);
  expect(verdictOf(fine, { evidence: 399, effect: 0.05, upper: 1 })).toEqual(["continue"]);
  expect(verdictOf(fine, { evidence: 401, effect: 0.05, upper: 1 })).toEqual(["harm", "soft"]);
  expect(verdictOf({ evidence: 1e9, effect: 0.009, upper: 1 }, fine)).toEqual(["continue"]);
});

test("not worse only when all are; harm goes before it; what is open when time is up is for a person", () => {
  expect(verdictOf(fine, fine)).toEqual(["not-worse"]);
  expect(verdictOf(fine, open)).toEqual(["continue"]);
  expect(verdictOf(fine, open, true)).toEqual(["inconclusive"]);
  expect(verdictOf(fine, fine, true)).toEqual(["not-worse"]);
  expect(verdictOf({ evidence: 1e3, effect: 0.015, upper: 0.015 }, fine, true)).toEqual(["harm", "hard"]);
});

test("real comparisons of different kinds under one budget: a healthy candidate is proved not worse", () => {
  const judged = judge({
    alpha: 0.05,
    comparisons: { errors: { comparison: errors(), share: 3, minimumHarm: 0.002, margin: 0.01 }, accuracy: { comparison: pairs(), share: 1, minimumHarm: 0.01, margin: 0.03 } },
  });
  const next = chance(1);
  const state = judged.start();
  for (let n = 0; n < 20_000; n += 1) {
    judged.step(state, "errors", { candidate: next() < 0.5, weight: 0.5, failed: next() < 0.005 });
    judged.step(state, "accuracy", { candidate: next() < 0.02 ? (next() < 0.5 ? "worse" : "better") : "same" });
  }
  expect(judged.read(state, false).verdict).toBe("not-worse");
});

test("ten pods that have each won a factor of two have won a thousand together", () => {
  const fleet = combine(Array.from({ length: 10 }, (_, pod) => ({ errors: Math.log(2), ...(pod === 0 && { p99: -1 }) })));
  expect(fleet["errors"]).toBeCloseTo(Math.log(1_024), 9);
  expect(fleet["p99"]).toBe(-1);
  expect(() => combine([])).toThrow(RangeError);
  expect(() => combine([{ errors: Number.NaN }])).toThrow(RangeError);
});

test("five pods together find harm in a fraction of the time of one, and keep the promise where there is none", () => {
  const evidence = shareEvidence();
  const until = (share: number, pods: number, seed: number): number => {
    const next = chance(seed);
    let states = Array.from({ length: pods }, () => evidence.start());
    for (let n = 1; n <= 200; n += 1) {
      states = states.map((state) => evidence.step(state, next() < share ? 1 : 0, 0.1));
      if ((combine(states.map((state) => ({ errors: evidence.logEvidence(state) })))["errors"] as number) >= Math.log(100)) return n;
    }
    return Infinity;
  };
  const median = (pods: number): number => Array.from({ length: 51 }, (_, run) => until(0.3, pods, run + 1)).sort((a, b) => a - b)[25] as number;
  expect(median(5)).toBeLessThan(median(1) / 2);
  const alarms = Array.from({ length: 200 }, (_, run) => until(0.1, 5, run + 1)).filter((n) => n < Infinity).length;
  expect(alarms).toBeLessThanOrEqual(alarmsMax(200, 0.01));
});

test("options that make no sense are refused by name", () => {
  const make = (options: object) => () => judge({ alpha: 0.01, comparisons: { hard: { ...asked, share: 1, ...options } } });
  expect(make({ share: 0 })).toThrow("judge: hard: share must be above 0, got 0");
  expect(make({ margin: -1 })).toThrow("judge: hard: margin must be above 0, got -1");
  expect(make({ minimumHarm: Number.NaN })).toThrow(RangeError);
  expect(() => judge({ alpha: 1, comparisons: { hard: { ...asked, share: 1 } } })).toThrow(RangeError);
  expect(() => judge({ alpha: 0.01, comparisons: {} })).toThrow(RangeError);
});
