import { describe, expect, test } from "vitest";
import { conformalEDetector } from "../../../detectors/guarantee/conformal-e-detector.ts";
import { detectableChange } from "../../../detectors/guarantee/detectable-change.ts";
import { cellOf, featureReference, type Value } from "../../../detectors/reference/reference.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

type Draw = (next: Chance) => Value;
const budget = { samplesPerFalseAlarm: 1e5 };

function draws(draw: Draw, rows: number, seed = 1): Value[] {
  const next = chance(seed);
  return Array.from({ length: rows }, () => draw(next));
}

/** How often, of 60 times, the detector finds a change that comes at once. */
function found(before: Draw, after: Draw, rows: number, horizon: number): number {
  let times = 0;
  for (let run = 1; run <= 60; run += 1) {
    const reference = featureReference("x", draws(before, rows, run));
    const detector = conformalEDetector(reference, { seed: run });
    const next = chance(1_000 + run);
    let state = detector.start();
    for (let t = 0; t < horizon; t += 1) {
      state = detector.step(state, cellOf(reference, after(next)));
      if (detector.logEvidence(state) < Math.log(budget.samplesPerFalseAlarm)) continue;
      times += 1;
      break;
    }
  }
  return times;
}

describe("what is stated is found four times of five, and half of it is not", () => {
  test.each([[500, 1_000], [500, 5_000], [10_000, 1_000], [10_000, 5_000]])("a mean, reference of %i rows, within %i", { timeout: 30_000 }, (rows, horizon) => {
    const { smallest } = detectableChange(featureReference("x", draws(gaussian, rows)), { ...budget, horizon });
    expect(found(gaussian, (next) => gaussian(next) + smallest!, rows, horizon)).toBeGreaterThanOrEqual(48);
    expect(found(gaussian, (next) => gaussian(next) + smallest! / 2, rows, horizon)).toBeLessThan(36);
  });

  test("a category: rows that move from the first and fourth most frequent to the others", () => {
    const shares = [0.4, 0.25, 0.15, 0.12, 0.08];
    const signs = [-1, 1, 1, -1, 1];
    const category = (moved: number): Draw => (next) => {
      const now = shares.map((share, i) => share * (1 + (signs[i] as number) * (moved / (signs[i] === 1 ? 0.48 : 0.52))));
      let left = next();
      return `c${now.findIndex((share) => (left -= share) < 0)}`;
    };
    const { unit, smallest } = detectableChange(featureReference("x", draws(category(0), 10_000)), { ...budget, horizon: 5_000 });
    expect(unit).toBe("share");
    expect(found(category(0), category(smallest!), 10_000, 5_000)).toBeGreaterThanOrEqual(48);
    expect(found(category(0), category(smallest! / 2), 10_000, 5_000)).toBeLessThan(36);
  });
});

test("it is said in a sentence for a person", () => {
  const at = (values: readonly Value[], horizon: number) => detectableChange(featureReference("x", values), { ...budget, horizon }).sentence;
  expect(at(draws(gaussian, 10_000), 5_000)).toBe("changes of the mean below 0.16 standard deviations may go unseen within 5,000 rows");
  expect(at(draws((next) => Number(next() < 0.05), 500), 5_000)).toMatch(/^a rise of the mean below 0\.\d+ standard deviations and any fall may go unseen within 5,000 rows$/);
  expect(at(draws((next) => `c${Math.floor(5 * next())}`, 10_000), 5_000)).toMatch(/^changes that move less than \d\.\d % of the rows may go unseen within 5,000 rows$/);
  expect(at(draws(gaussian, 10_000), 5)).toBe("any change of the mean may go unseen within 5 rows");
});

test("a larger reference, a longer wait and a larger budget see smaller changes; more features under one budget larger ones", () => {
  const at = (rows: number, horizon: number, samplesPerFalseAlarm = 1e5, features = 1) =>
    detectableChange(featureReference("x", draws(gaussian, rows)), { samplesPerFalseAlarm, horizon, features }).smallest!;
  expect(at(10_000, 5_000)).toBeLessThan(at(500, 5_000));
  expect(at(10_000, 5_000)).toBeLessThan(at(10_000, 500));
  expect(at(10_000, 5_000, 1e3)).toBeLessThan(at(10_000, 5_000));
  expect(at(10_000, 5_000, 1e5, 50)).toBeGreaterThan(at(10_000, 5_000));
});

test("the unit makes no difference, be it as large or as small as a number can tell", () => {
  const sentences = [1, 1e306, 1e-300].map((unit) => detectableChange(featureReference("x", draws((next) => unit * gaussian(next), 2_000)), { ...budget, horizon: 5_000 }).sentence);
  expect(new Set(sentences).size).toBe(1);
  expect(sentences[0]).toMatch(/^changes of the mean below 0\.\d+ standard/);
});

test("a constant, nulls alone or a single row have a reading, and no number is not one", () => {
  for (const value of [1, "a", null]) {
    for (const rows of [1, 1_000]) {
      const { unit, smallest, sentence } = detectableChange(featureReference("x", draws(() => value, rows)), { ...budget, horizon: 5_000 });
      expect(unit).toBe("share");
      expect(smallest).not.toBeNaN();
      expect(sentence).toMatch(/may go unseen within 5,000 rows$/);
    }
  }
});

test("options out of their range are named", () => {
  const reference = featureReference("x", draws(gaussian, 100));
  expect(() => detectableChange(reference, { samplesPerFalseAlarm: 1, horizon: 10 })).toThrow("samplesPerFalseAlarm must be above 1, got 1");
  expect(() => detectableChange(reference, { ...budget, horizon: NaN })).toThrow("horizon must be 1 or more, got NaN");
  expect(() => detectableChange(reference, { ...budget, horizon: 10, features: 0 })).toThrow("features must be 1 or more, got 0");
});
