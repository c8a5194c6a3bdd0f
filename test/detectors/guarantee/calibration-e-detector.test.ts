import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calibrationEDetector, type CalibrationEDetector, type CalibrationState } from "../../../detectors/guarantee/calibration-e-detector.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

type Scores = (next: Chance) => number;

const logistic = (logOdds: number) => 1 / (1 + Math.exp(-logOdds));
const logOdds = (score: number) => Math.log(score / (1 - score));

const even: Scores = (next) => next();
const sharp: Scores = (next) => logistic(3 * gaussian(next) - 2);
const rare: Scores = (next) => logistic(gaussian(next) - 4);
const right = (score: number) => score;

/** The rows, from 1, at which a detector alarms that is started anew after each. */
function alarms(detector: CalibrationEDetector, scores: Scores, truth: (score: number) => number, { rows, seed }: { rows: number; seed: number }): number[] {
  const next = chance(seed);
  const found: number[] = [];
  let state = detector.start();
  for (let row = 1; row <= rows; row += 1) {
    const score = scores(next);
    state = detector.step(state, score, Number(next() < truth(score)));
    if (detector.read(state).verdict !== "drift") continue;
    found.push(row);
    state = detector.start();
  }
  return found;
}

describe("scores mean what they say, and A is 1,000", () => {
  const detector = calibrationEDetector({ samplesPerFalseAlarm: 1_000 });
  test.each<[string, Scores]>([
    ["even scores", even],
    ["scores near 0 and 1", sharp],
    ["rare positives", rare],
    ["one score for all", () => 0.3],
  ])("%s: the budget is kept, and not by never alarming", (_, scores) => {
    let [count, early] = [0, 0];
    for (let seed = 1; seed <= 100; seed += 1) {
      const found = alarms(detector, scores, right, { rows: 5_000, seed });
      count += found.length;
      if ((found[0] ?? Infinity) <= 250) early += 1;
    }
    expect(count).toBeLessThanOrEqual(500 + 3 * Math.sqrt(500));
    expect(count).toBeGreaterThanOrEqual(100);
    expect(early).toBeLessThanOrEqual(25 + 3 * Math.sqrt(25 * 0.75));
  });

  test("scores of 0 and 1 that are right for ever prove nothing", () => {
    let state = detector.start();
    for (let row = 0; row < 50_000; row += 1) {
      state = detector.step(state, row % 2, row % 2);
      expect(detector.read(state).verdict).toBe("stable");
    }
  });

  test("odds within the tolerance are forgiven, odds beyond it are not", () => {
    const tolerant = calibrationEDetector({ samplesPerFalseAlarm: 1_000, oddsTolerance: 1.5 });
    const times = (factor: number) => (score: number) => logistic(logOdds(score) + Math.log(factor));
    const count = (factor: number) => {
      let sum = 0;
      for (let seed = 1; seed <= 20; seed += 1) sum += alarms(tolerant, even, times(factor), { rows: 5_000, seed }).length;
      return sum;
    };
    for (const factor of [1 / 1.5, 1, 1.5]) expect(count(factor)).toBeLessThanOrEqual(100 + 3 * Math.sqrt(100));
    for (const factor of [1 / 3, 3]) expect(count(factor)).toBeGreaterThan(200);
  });
});

describe("scores have stopped meaning what they say, and A is 10,000", () => {
  const detector = calibrationEDetector({ samplesPerFalseAlarm: 10_000 });
  test.each<[string, Scores, (score: number) => number, number]>([
    ["true odds half as high, even scores", even, (score) => logistic(logOdds(score) - Math.log(2)), 250],
    ["true odds half as high again, even scores", even, (score) => logistic(logOdds(score) + Math.log(1.5)), 550],
    ["right on average, too sure at both ends", sharp, (score) => logistic(0.5 * logOdds(score)), 250],
    ["upside down", even, (score) => 1 - score, 100],
    ["rare positives, half as many as said", rare, (score) => score / 2, 1_500],
  ])("%s: found in time", (_, scores, truth, within) => {
    const delays = Array.from({ length: 21 }, (_unused, run) => alarms(detector, scores, truth, { rows: 3_000, seed: run + 1 })[0] ?? Infinity);
    expect(delays.sort((a, b) => a - b)[10]).toBeLessThanOrEqual(within);
  });

  test("and the bin in which they have is named", () => {
    let state = detector.start();
    const next = chance(1);
    for (let row = 0; row < 3_000; row += 1) {
      const score = next();
      state = detector.step(state, score, Number(next() < (score >= 0.7 && score < 0.8 ? 0.5 : score)));
    }
    const shares = detector.shares(state);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(shares.indexOf(Math.max(...shares))).toBe(7);
  });
});

test("the sum of all pots is worth what was put in, on average: exactly, over all actuals of eight rows", () => {
  const scores = [0.05, 0.3, 0.31, 0.5, 0.77, 0.3, 0.95, 1];
  const detector = calibrationEDetector({ samplesPerFalseAlarm: 1e6 });
  let expected = 0;
  for (let bits = 0; bits < 2 ** scores.length; bits += 1) {
    let [state, probability] = [detector.start(), 1];
    for (const [i, score] of scores.entries()) {
      const actual = (bits >> i) & 1;
      probability *= actual === 1 ? score : 1 - score;
      state = detector.step(state, score, actual);
    }
    expected += probability * 10 ** detector.read(state).statistic;
  }
  expect(expected).toBeLessThanOrEqual(scores.length);
  expect(expected).toBeGreaterThan(0.999 * scores.length);
});

describe("state", () => {
  const detector = calibrationEDetector({ samplesPerFalseAlarm: 1_000 });
  const rows = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1)), { maxLength: 100 });
  const play = (state: CalibrationState, stream: readonly (readonly [number, number])[]) =>
    stream.map(([score, actual]) => detector.read((state = detector.step(state, score, actual))));

  test("goes on from a stored state as if it had never stopped", () => {
    fc.assert(
      fc.property(rows, rows, (before, after) => {
        const state = detector.start();
        play(state, before);
        const stored = deserialize(serialize(state)) as CalibrationState;
        expect(play(stored, after)).toEqual(play(state, after));
      }),
    );
  });

  test("evidence beyond what a number can hold stays a number, and comes down again", () => {
    let state = detector.start();
    for (let row = 0; row < 5_000; row += 1) state = detector.step(state, 0.01, 1);
    expect(detector.read(state).statistic).toBeGreaterThan(1_000);
    expect(detector.read(state).statistic).toBeLessThan(Infinity);
    for (let row = 0; row < 400_000; row += 1) state = detector.step(state, 0.01, Number(row % 100 === 0));
    expect(detector.read(state).statistic).toBeLessThan(3);
    expect(state.exponent).toBe(0);
  });

  test("before the first row there is no evidence, and no bin is to blame", () => {
    expect(detector.read(detector.start())).toEqual({ verdict: "stable", statistic: -Infinity, threshold: 3 });
    expect(detector.shares(detector.start())).toEqual(Array.from({ length: 10 }, () => 0.1));
  });

  test("what is no score or no actual is refused and changes nothing", () => {
    const state = detector.step(detector.start(), 0.5, 1);
    const before = structuredClone(state);
    for (const score of [Number.NaN, -0.1, 1.1, Infinity]) expect(() => detector.step(state, score, 1)).toThrow("expected a score from 0 to 1");
    for (const actual of [Number.NaN, 0.5, 2, -1]) expect(() => detector.step(state, 0.5, actual)).toThrow("expected an actual of 0 or 1");
    expect(state).toEqual(before);
  });
});

test("options out of their range are refused by name", () => {
  expect(() => calibrationEDetector({ samplesPerFalseAlarm: 1 })).toThrow("samplesPerFalseAlarm must be above 1, got 1");
  expect(() => calibrationEDetector({ samplesPerFalseAlarm: 100, oddsTolerance: 0.5 })).toThrow("oddsTolerance must be 1 or more, got 0.5");
});
