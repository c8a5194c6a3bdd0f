/** The tests whose probability comes from dealing the rows anew: MMD and energy. */
import { describe, expect, test } from "vitest";
import { energyDistance } from "../../../detectors/distance/energy-distance.ts";
import { mmd } from "../../../detectors/distance/maximum-mean-discrepancy.ts";
import { energyTest } from "../../../detectors/two-sample/energy-test.ts";
import { mmdTest } from "../../../detectors/two-sample/mmd-test.ts";
import { chance, gaussian } from "../chance.ts";

const tests = { mmdTest, energyTest } as const;
const rows = (count: number, seed: number, make: (next: () => number) => readonly number[]) => {
  const next = chance(seed);
  return Array.from({ length: count }, () => make(() => gaussian(next)));
};

describe.each(Object.entries(tests))("%s", (name, run) => {
  test("finds that two features no longer go together, though each by itself is as it was", () => {
    const reference = rows(60, 1, (next) => { const x = next(); return [x, x + 0.3 * next()]; });
    const window = rows(60, 2, (next) => { const x = next(); return [x, -x + 0.3 * next()]; });
    expect(run(reference, window, { permutations: 199 }).p).toBe(1 / 200);
  });

  test("p is never 0, as k / N would be (alibi-detect, Evidently): at least 1 / (1 + permutations)", () => {
    expect(run([1, 2, 3, 4, 5, 6, 7, 8], [91, 92, 93, 94, 95, 96, 97, 98], { permutations: 20 }).p).toBe(1 / 21);
  });

  test("is the share of all deals that lie as far apart, give or take chance", () => {
    const statistic = name === "mmdTest" ? (a: readonly number[], b: readonly number[]) => mmd(a, b, 1.5) : energyDistance;
    const options = name === "mmdTest" ? { sigma: 1.5 } : {};
    const [a, b] = [[0.3, 1.1, 2, 4.2], [2.4, 3.9, 5, 6.6, 7]];
    const all = [...a, ...b];
    let [asFar, deals] = [0, 0];
    for (let mask = 0; mask < 2 ** all.length; mask += 1) {
      const first = all.filter((_, index) => mask & (2 ** index));
      if (first.length !== a.length) continue;
      deals += 1;
      if (statistic(first, all.filter((_, index) => !(mask & (2 ** index)))) >= statistic(a, b) - 1e-12) asFar += 1;
    }
    const found = run(a, b, { permutations: 5_000, ...options });
    expect(found.statistic).toBeCloseTo(statistic(a, b), 12);
    expect(Math.abs(found.p - asFar / deals)).toBeLessThan(0.025);
  });

  test("unchanged rows are called changed at 10 percent about one time in ten", () => {
    let alarms = 0;
    for (let round = 0; round < 200; round += 1) {
      const [a, b] = [rows(15, 2 * round, (next) => [next(), next()]), rows(20, 2 * round + 1, (next) => [next(), next()])];
      if (run(a, b, { permutations: 79, seed: round }).p <= 0.1) alarms += 1;
    }
    expect(alarms).toBeGreaterThan(6);
    expect(alarms).toBeLessThan(36);
  });

  test("the same seed gives the same answer, and rows that are all the same give 1", () => {
    const [a, b] = [[1, 4, 2, 7, 5], [3, 9, 6, 8]];
    expect(run(a, b, { seed: 5 })).toEqual(run(a, b, { seed: 5 }));
    expect(run([2, 2, 2], [2, 2]).p).toBe(1);
  });

  test("too many rows, and options out of range, are refused by name", () => {
    const many = Array.from({ length: 1_500 }, (_, index) => index);
    expect(() => run(many, many)).toThrow(`${name}: expected 2000 rows together at most, got 3000`);
    expect(() => run([1, 2], [3, 4], { permutations: 0 })).toThrow(`${name}: expected permutations to be whole, 1 to 100000, got 0`);
    expect(() => run([1, 2], [3, 4], { seed: 0.5 })).toThrow(RangeError);
    expect(() => run([], [3, 4])).toThrow(RangeError);
    expect(() => run([[1, 2]], [[3, NaN]])).toThrow(RangeError);
  });
});

test("MMD wants two rows a sample and a width above 0", () => {
  expect(() => mmdTest([1], [2, 3])).toThrow("mmdTest: expected two rows or more a sample, got 1 and 2");
  expect(() => mmdTest([1, 2], [2, 3], { sigma: -1 })).toThrow("mmdTest: expected a sigma above 0, got -1");
});
