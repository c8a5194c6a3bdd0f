import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meanSequence, type MeanSequence, type MeanSequenceState } from "../../../detectors/guarantee/mean-sequence.ts";
import { chance, gaussian, type Chance } from "../chance.ts";

type Draw = (next: Chance) => number;

/** In how many of the runs an interval, at one of the looks, does not hold the mean. */
function missedRuns(sequence: MeanSequence, draw: Draw, mean: number, { runs, steps, growth }: { runs: number; steps: number; growth: number }): number {
  let missed = 0;
  for (let run = 1; run <= runs; run += 1) {
    const next = chance(run);
    let state = sequence.start();
    let look = 1;
    for (let n = 1; n <= steps; n += 1) {
      state = sequence.step(state, draw(next));
      if (n < look) continue;
      look = Math.ceil(growth * n);
      const { lower, upper } = sequence.read(state);
      if (mean >= lower && mean <= upper) continue;
      missed += 1;
      break;
    }
  }
  return missed;
}

function fed(sequence: MeanSequence, values: Iterable<number>): MeanSequenceState {
  let state = sequence.start();
  for (const value of values) state = sequence.step(state, value);
  return state;
}

describe("with known ends", () => {
  test.each<[string, Draw, number]>([
    ["even values", (next) => next(), 0.5],
    ["zeros and a rare one", (next) => Number(next() < 0.02), 0.02],
    ["squares, as Brier's score", (next) => (0.5 * next()) ** 2, 1 / 12],
  ])("the mean of %s is ever missed in one run of ten at most", (_, draw, mean) => {
    const runs = 150;
    const missed = missedRuns(meanSequence({ alpha: 0.1, low: 0, high: 1 }), draw, mean, { runs, steps: 2_000, growth: 1.2 });
    expect(missed).toBeLessThanOrEqual(0.1 * runs);
  });

  test("the interval's width follows how much the values vary, and at worst is 2.4 times that of a single look", () => {
    const [n, next] = [10_000, chance(1)];
    const width = (draw: Draw) => {
      const sequence = meanSequence({ alpha: 0.05, low: 0, high: 1 });
      const { lower, upper } = sequence.read(fed(sequence, Array.from({ length: n }, () => draw(next))));
      return upper - lower;
    };
    const hoeffding = 2 * Math.sqrt(Math.log(40) / (2 * n));
    expect(width((draw) => Number(draw() < 0.5)) / hoeffding).toBeLessThan(2.4);
    expect(width((draw) => 0.5 + 0.1 * draw()) / hoeffding).toBeLessThan(0.2);
  });

  test("shifted and stretched values have the shifted and stretched interval", () => {
    const next = chance(2);
    const values = Array.from({ length: 500 }, () => next());
    const [unit, other] = [meanSequence({ alpha: 0.05, low: 0, high: 1 }), meanSequence({ alpha: 0.05, low: -10, high: 30 })];
    const here = unit.read(fed(unit, values));
    const there = other.read(fed(other, values.map((value) => 40 * value - 10)));
    expect(there.lower).toBeCloseTo(40 * here.lower - 10, 9);
    expect(there.upper).toBeCloseTo(40 * here.upper - 10, 9);
  });

  test("before the first value all is possible", () => {
    const sequence = meanSequence({ alpha: 0.05, low: -1, high: 2 });
    expect(sequence.read(sequence.start())).toEqual({ lower: -1, upper: 2 });
  });
});

describe("without ends", () => {
  test.each<[string, Draw, number]>([
    ["normal values", (next) => gaussian(next), 0],
    ["absolute errors", (next) => Math.abs(gaussian(next)), Math.sqrt(2 / Math.PI)],
    ["exponential values", (next) => -Math.log(next()), 1],
  ])("the mean of %s is missed about as seldom as asked, in one run of twenty, from 100 values on", (_, draw, mean) => {
    const runs = 500;
    const missed = missedRuns(meanSequence({ alpha: 0.05 }), draw, mean, { runs, steps: 3_000, growth: 1 });
    expect(missed).toBeLessThanOrEqual(0.05 * runs + 3 * Math.sqrt(0.0475 * runs));
    expect(missed).toBeGreaterThanOrEqual(0.01 * runs);
  });

  test("nothing is said before the least count, nor below an end that is known", () => {
    const sequence = meanSequence({ alpha: 0.05, low: 0, nMin: 10 });
    const state = fed(sequence, [0, 0, 0, 0, 0, 0, 0, 0, 9]);
    expect(sequence.read(state)).toEqual({ lower: 0, upper: Infinity });
    expect(sequence.read(sequence.step(state, 0)).lower).toBe(0);
    expect(sequence.read(state).upper).toBeLessThan(10);
  });
});

const sequences: readonly MeanSequence[] = [meanSequence({ alpha: 0.05, low: -5, high: 5 }), meanSequence({ alpha: 0.05, nMin: 2 })];
const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: 50 });

describe.each(sequences)("$validity", (sequence) => {
  test("goes on from a stored state as if it had never stopped; the interval holds the average", () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const state = fed(sequence, before);
        let stored = deserialize(serialize(state)) as MeanSequenceState;
        for (const value of after) stored = sequence.step(stored, value);
        expect(stored).toEqual(fed(sequence, [...before, ...after]));
        const { lower, upper } = sequence.read(stored);
        expect(lower).toBeLessThanOrEqual(stored.mean + 1e-12);
        expect(upper).toBeGreaterThanOrEqual(stored.mean - 1e-12);
      }),
      { numRuns: 50 },
    );
  });

  test("a value that is no finite number is refused and changes nothing", () => {
    const state = fed(sequence, [1, 2]);
    const before = { ...state };
    for (const value of [Number.NaN, Infinity, -Infinity]) expect(() => sequence.step(state, value)).toThrow(RangeError);
    expect(state).toEqual(before);
  });
});

test("options out of their range are refused by name", () => {
  expect(() => meanSequence({ alpha: 1 })).toThrow("meanSequence: alpha must be between 0 and 1, got 1");
  expect(() => meanSequence({ alpha: 0.05, low: 1, high: 1 })).toThrow("meanSequence: low must be below high, got 1 and 1");
  expect(() => meanSequence({ alpha: 0.05, nMin: 1 })).toThrow("nMin 2 or more");
  expect(() => meanSequence({ alpha: 0.05, low: 0, high: 1 }).step({ count: 0, mean: 0, variance: 0 }, 1.5)).toThrow("from 0 to 1, got 1.5");
});
