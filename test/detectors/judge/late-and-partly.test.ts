/** Events that come late and mixed, events that count in part, and values that are worse one way alone. */
import { expect, test } from "vitest";
import { byWeight } from "../../../detectors/judge/by-weight.ts";
import { disagreement } from "../../../detectors/judge/disagreement.ts";
import { distribution } from "../../../detectors/judge/distribution.ts";
import { errors } from "../../../detectors/judge/errors.ts";
import { pairs } from "../../../detectors/judge/pairs.ts";
import { shareEvidence } from "../../../detectors/judge/share-evidence.ts";
import { judge } from "../../../detectors/judge/verdict.ts";
import { advance, uniform } from "../../../detectors/random.ts";
import { alarmsMax } from "./promise.ts";

function dice(seed: number): () => number {
  let state = seed;
  return () => uniform((state = advance(state)));
}

test("events of two weights that come mixed are evidence as if each weight's came by themselves", () => {
  const late = byWeight(errors());
  const chance = dice(1);
  let mixed = late.start();
  const apart = new Map([0.05, 0.4].map((weight) => [weight, errors().start()]));
  for (let i = 0; i < 2_000; i += 1) {
    const weight = chance() < 0.5 ? 0.05 : 0.4;
    const event = { candidate: chance() < weight, weight, failed: chance() < 0.1 };
    mixed = late.step(mixed, event);
    apart.set(weight, errors().step(apart.get(weight)!, event));
  }
  expect(late.logEvidence(mixed)).toBeCloseTo([...apart.values()].reduce((sum, state) => sum + errors().logEvidence(state), 0), 9);
  expect(late.effect(mixed)).toBe(errors().effect(apart.get(0.4)!));
  expect(late.interval(mixed, 0.01)).toEqual(errors().interval(apart.get(0.4)!, 0.01));
  expect(late.seen(mixed).events).toBe([...apart.values()].reduce((sum, state) => sum + errors().seen(state).events, 0));
});

test("late events of a candidate that is alike are called harm in at most alpha of the runs, whatever weights they were dealt at", () => {
  const [runs, alpha] = [400, 0.05];
  const late = byWeight(errors());
  let alarms = 0;
  for (let run = 0; run < runs; run += 1) {
    const chance = dice(run * 7_919 + 1);
    let state = late.start();
    for (let i = 0; i < 1_500; i += 1) {
      const weight = [0.05, 0.2, 0.5][Math.floor(3 * chance())] as number;
      state = late.step(state, { candidate: chance() < weight, weight, failed: chance() < 0.1 });
      if (late.logEvidence(state) < Math.log(1 / alpha)) continue;
      alarms += 1;
      break;
    }
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(runs, alpha));
});

test("a batch's rows are one event of which a part failed: as the mean part is alike, the promise holds however the parts are spread", () => {
  const [runs, alpha] = [400, 0.05];
  const evidence = shareEvidence();
  let alarms = 0;
  for (let run = 0; run < runs; run += 1) {
    const chance = dice(run * 104_729 + 1);
    let state = evidence.start();
    for (let i = 0; i < 1_500; i += 1) {
      const candidate = chance() < 0.2;
      // The same mean: the candidate's batches fail whole and seldom, the primary's a little and often.
      const size = candidate ? Number(chance() < 0.05) : 0.05;
      if (size === 0) continue;
      state = evidence.step(state, candidate ? 1 : 0, 0.2, size);
      if (evidence.logEvidence(state) < Math.log(1 / alpha)) continue;
      alarms += 1;
      break;
    }
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(runs, alpha));
  expect(() => evidence.step(evidence.start(), 1, 0.2, 1.1)).toThrow(RangeError);
});

test("a part of a batch counts as that part in ratios, pairs and disagreement", () => {
  let state = errors().start();
  for (const [candidate, failed] of [[true, 0.5], [true, 0], [false, 0.25], [false, false]] as const) state = errors().step(state, { candidate, weight: 0.5, failed });
  expect(errors().effect(state)).toBe(0.125);
  expect(errors().sides?.(state)).toEqual({ candidate: 0.25, primary: 0.125 });
  let both = pairs().start();
  both = pairs().step(both, { candidate: "worse", size: 0.5 });
  both = pairs().step(both, { candidate: "better", size: 0.25 });
  expect(pairs().effect(both)).toBe(0.125);
  const other = disagreement({ allowed: 0.25 });
  expect(other.effect(other.step(other.start(), { different: 0.5 }))).toBe(0.25);
});

test.each(["higher", "lower"] as const)("where %s is worse: that way is found, the other way and a wider spread are not", (worse) => {
  const compared = distribution({ worse });
  const evidenceOf = (move: (value: number) => number): { log: number; effect: number } => {
    const chance = dice(4);
    let state = compared.start();
    for (let i = 0; i < 3_000; i += 1) {
      const candidate = chance() < 0.3;
      const value = chance() - 0.5;
      state = compared.step(state, { candidate, weight: 0.3, value: candidate ? move(value) : value });
    }
    return { log: compared.logEvidence(state), effect: compared.effect(state) as number };
  };
  const away = worse === "higher" ? 1 : -1;
  expect(evidenceOf((value) => value + 0.15 * away).log).toBeGreaterThan(Math.log(1_000));
  expect(evidenceOf((value) => value + 0.15 * away).effect).toBeGreaterThan(0.08);
  expect(evidenceOf((value) => value - 0.15 * away)).toMatchObject({ log: expect.toSatisfy((log: number) => log < 0), effect: expect.toSatisfy((effect: number) => effect < -0.08) });
  expect(evidenceOf((value) => 2 * value).log).toBeLessThan(Math.log(20));
});

test("numbers that are no higher are called higher in at most alpha of the runs", () => {
  const [runs, alpha] = [200, 0.05];
  const compared = distribution({ worse: "higher" });
  let alarms = 0;
  for (let run = 0; run < runs; run += 1) {
    const chance = dice(run * 31 + 7);
    let state = compared.start();
    for (let i = 0; i < 1_000; i += 1) {
      // Alike, or lower now and then.
      const candidate = chance() < 0.2;
      const value = Math.floor(10 * chance()) - (candidate && chance() < 0.02 ? 3 : 0);
      state = compared.step(state, { candidate, weight: 0.2, value });
      if (compared.logEvidence(state) < Math.log(1 / alpha)) continue;
      alarms += 1;
      break;
    }
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(runs, alpha));
});

test("a difference that is no harm by itself harms only where it is the least that matters for certain", () => {
  const chance = dice(12);
  const share = { share: 1, minimumHarm: 0.1, margin: 0.3 };
  const both = judge({ alpha: 0.02, comparisons: { seems: { comparison: distribution(), ...share }, certain: { comparison: distribution(), certain: true, ...share } } });
  const state = both.start();
  const harmed = new Map<string, number>();
  for (let i = 0; i < 6_000; i += 1) {
    const candidate = chance() < 0.5;
    // A shift of 0.13 in rank.
    const event = { candidate, weight: 0.5, value: chance() + (candidate ? 0.14 : 0) };
    for (const name of ["seems", "certain"] as const) {
      both.step(state, name, event);
      if (!harmed.has(name) && both.isHarmed(state, name)) harmed.set(name, i);
    }
  }
  expect(harmed.get("seems")).toBeLessThan(500);
  expect(harmed.get("certain") ?? Infinity).toBeGreaterThan(3 * (harmed.get("seems") as number));
});

test("what nothing was heard of is not waited for; where only harm is looked for nothing is; and of nothing at all nothing is said", () => {
  const one = { comparison: errors(), share: 1, minimumHarm: 0, margin: 0.2 };
  const both = judge({ alpha: 0.05, comparisons: { heard: one, silent: one, harmOnly: { ...one, margin: Infinity } } });
  const state = both.start();
  for (let i = 0; i < 2_000; i += 1) both.step(state, "heard", { candidate: i % 2 === 0, weight: 0.5, failed: false });
  expect(both.read(state, false).verdict).toBe("continue");
  expect(both.read(state, false, new Set(["silent"])).verdict).toBe("not-worse");
  expect(both.read(state, false, new Set(["silent", "heard", "harmOnly"])).verdict).toBe("continue");
});
