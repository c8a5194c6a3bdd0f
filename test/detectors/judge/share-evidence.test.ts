import { describe, expect, test } from "vitest";
import { shareEvidence } from "../../../detectors/judge/share-evidence.ts";
import { chance } from "../chance.ts";
import { alarmsMax, expectation } from "./promise.ts";

const steps = [0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.25, 0.25];
const shareOf = (weight: number, risk: number): number => (weight * risk) / (weight * risk + 1 - weight);

describe("the bet is fair: over all courses of twelve events under four weights its mean is", () => {
  const mean = (ratio: number, risk: number): number => {
    const evidence = shareEvidence({ ratio });
    return expectation(
      steps.map((weight) => shareOf(weight, risk)),
      (row) => Math.exp(evidence.logEvidence(row.reduce((state, one, i) => evidence.step(state, one ? 1 : 0, steps[i] as number), evidence.start()))),
    );
  };
  test.each([1, 2, 0.5])("1 where the candidate's risk is the ratio of %d", (ratio) => expect(mean(ratio, ratio)).toBeCloseTo(1, 9));
  test("below 1 where it is less", () => expect(mean(1, 0.8)).toBeLessThan(1));
  test("above 1 where it is more", () => expect(mean(1, 1.5)).toBeGreaterThan(1));
});

test("a batch divided between the sides wins no more on average than the events it is made of", () => {
  const evidence = shareEvidence();
  const after = (share: number): number => Math.exp(evidence.logEvidence(evidence.step(evidence.step(evidence.start(), 1, 0.1), share, 0.1)));
  for (const share of [0.1, 0.3, 0.5, 0.9]) expect(after(share)).toBeLessThanOrEqual(share * after(1) + (1 - share) * after(0) + 1e-12);
});

test("of 400 healthy candidates whose weight grows from 1 % to 50 %, looked at on every error, no more than a promise of 5 % allows are called worse", () => {
  const evidence = shareEvidence();
  let alarms = 0;
  for (let run = 1; run <= 400; run += 1) {
    const next = chance(run);
    let state = evidence.start();
    for (let n = 0; n < 500; n += 1) {
      const weight = [0.01, 0.05, 0.1, 0.25, 0.5][Math.floor(n / 100)] as number;
      state = evidence.step(state, next() < weight ? 1 : 0, weight);
      if (evidence.logEvidence(state) < Math.log(20)) continue;
      alarms += 1;
      break;
    }
  }
  expect(alarms).toBeLessThanOrEqual(alarmsMax(400, 0.05));
});

test("small harm is learnt across steps: each finds less evidence than all together", () => {
  const evidence = shareEvidence();
  const next = chance(5);
  let whole = evidence.start();
  let best = 0;
  for (const weight of [0.05, 0.1, 0.25, 0.5]) {
    let own = evidence.start();
    for (let n = 0; n < 100; n += 1) {
      const share = next() < shareOf(weight, 2) ? 1 : 0;
      whole = evidence.step(whole, share, weight);
      own = evidence.step(own, share, weight);
    }
    best = Math.max(best, evidence.logEvidence(own));
  }
  expect(evidence.logEvidence(whole)).toBeGreaterThan(best + Math.log(100));
});

test("at a weight of 0 or 1 an event says nothing", () => {
  const evidence = shareEvidence();
  expect(evidence.logEvidence(evidence.step(evidence.step(evidence.start(), 1, 1), 0, 0))).toBe(0);
});

test("what makes no sense is refused", () => {
  const evidence = shareEvidence();
  expect(() => shareEvidence({ ratio: 0 })).toThrow(RangeError);
  expect(() => evidence.step(evidence.start(), 1.5, 0.1)).toThrow(RangeError);
  expect(() => evidence.step(evidence.start(), 1, 100)).toThrow(RangeError);
});
