/** The tests of two samples of numbers: against scipy, against counting by hand, and where there is little or nothing to go by. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { energyDistance } from "../../../detectors/distance/energy-distance.ts";
import { wasserstein1 } from "../../../detectors/distance/wasserstein.ts";
import { andersonDarling } from "../../../detectors/two-sample/anderson-darling.ts";
import { brunnerMunzel } from "../../../detectors/two-sample/brunner-munzel.ts";
import { cramerVonMises } from "../../../detectors/two-sample/cramer-von-mises.ts";
import { eppsSingleton } from "../../../detectors/two-sample/epps-singleton.ts";
import { kolmogorovSmirnov, kolmogorovSmirnovOfCells } from "../../../detectors/two-sample/kolmogorov-smirnov.ts";
import { kuiper } from "../../../detectors/two-sample/kuiper.ts";
import { mannWhitney } from "../../../detectors/two-sample/mann-whitney.ts";
import type { TestResult } from "../../../detectors/two-sample/test-result.ts";
import { welch } from "../../../detectors/two-sample/welch.ts";
import { chance, gaussian } from "../chance.ts";
import knownAnswers from "../known-answers/two-sample-scipy.json" with { type: "json" };

type Sample = readonly number[];
type Test = (a: Sample, b: Sample) => TestResult;

const tests: Readonly<Record<string, Test>> = {
  kolmogorovSmirnov, kuiper, cramerVonMises, andersonDarling, mannWhitney, brunnerMunzel, eppsSingleton, welch,
};

describe("scipy 1.14.1, on ties, tiny samples, constants, unequal sizes, and values far from 0", () => {
  const compared: Readonly<Record<string, Test>> = {
    ...tests,
    "kolmogorovSmirnov exact": (a, b) => kolmogorovSmirnov(a, b, { method: "exact" }),
    "kolmogorovSmirnov asymptotic": (a, b) => kolmogorovSmirnov(a, b, { method: "asymptotic" }),
  };
  const names = Object.keys(compared).filter((name) => knownAnswers.samples.some(({ answers }) => name in answers));

  test.each(names)("%s", (name) => {
    let seen = 0;
    for (const { a, b, kind, answers } of knownAnswers.samples) {
      const expected = answers[name as keyof typeof answers];
      if (expected === undefined) continue;
      seen += 1;
      const [statistic, p] = expected as [number, number];
      const found = compared[name]!(a, b);
      const where = `${kind}, ${a.length} and ${b.length} values`;
      expect(Math.abs(found.statistic - statistic), where).toBeLessThanOrEqual(1e-8 * Math.max(1, Math.abs(statistic)));
      expect(Math.abs(found.p - p), `${where}: ${found.p}, not ${p}`).toBeLessThanOrEqual(1e-6 * p);
    }
    expect(seen).toBeGreaterThanOrEqual(8);
  });
});

describe("counting every way to deal the values into two samples", () => {
  const distinct = fc.uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 3, maxLength: 9 });
  const dealt = distinct.chain((values) => fc.integer({ min: 1, max: values.length - 1 }).map((n) => [values.slice(0, n), values.slice(n)] as const));
  const farness: Readonly<Record<string, (a: Sample, b: Sample) => number>> = {
    kolmogorovSmirnov: (a, b) => kolmogorovSmirnov(a, b).statistic,
    cramerVonMises: (a, b) => cramerVonMises(a, b).statistic,
    mannWhitney: (a, b) => Math.abs(mannWhitney(a, b).statistic - (a.length * b.length) / 2),
  };

  test.each(Object.entries(farness))("%s: p is the share that lie as far apart", (name, far) => {
    fc.assert(
      fc.property(dealt, ([a, b]) => {
        const deals = waysToDeal([...a, ...b], a.length);
        const asFar = deals.filter(([x, y]) => far(x, y) >= far(a, b) - 1e-9).length;
        expect(tests[name]!(a, b).p).toBeCloseTo(asFar / deals.length, 9);
      }),
      { numRuns: 60 },
    );
  });
});

function waysToDeal(values: Sample, n: number): (readonly [Sample, Sample])[] {
  const ways: (readonly [Sample, Sample])[] = [];
  for (let mask = 0; mask < 2 ** values.length; mask += 1) {
    const first = values.filter((_, index) => mask & (2 ** index));
    if (first.length === n) ways.push([first, values.filter((_, index) => !(mask & (2 ** index)))]);
  }
  return ways;
}

describe("whatever the samples", () => {
  const sample = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 5, maxLength: 12 });

  test.each(Object.entries(tests))("%s says a probability, and the same one the other way round", (_, run) => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const [there, back] = [run(a, b), run(b, a)];
        expect(there.statistic).not.toBeNaN();
        expect(there.p).toBeGreaterThan(0);
        expect(there.p).toBeLessThanOrEqual(1);
        expect(back.p).toBeCloseTo(there.p, 9);
      }),
    );
  });

  test.each(Object.entries(tests))("%s finds nothing in two samples of one constant", (name, run) => {
    const { p } = run([7, 7, 7, 7, 7], [7, 7, 7, 7, 7, 7]);
    expect(p).toBe(name === "andersonDarling" ? 0.25 : 1); // where its table ends
  });

  test.each(Object.entries(tests))("%s never calls two small samples that lie apart impossible", (_, run) => {
    // Of the 252 ways to deal ten values two lie as far apart, 0.008 of them.
    const { p } = run([1, 1, 1, 1, 1], [2, 2, 2, 2, 2]);
    expect(p).toBeGreaterThanOrEqual(0.001);
    expect(p).toBeLessThan(0.05);
  });

  test.each(Object.entries(tests))("%s refuses what it can not judge, by name", (name, run) => {
    const five = [1, 2, 3, 4, 5];
    expect(() => run([], five)).toThrow(new RegExp(`^${name}: expected .*`));
    expect(() => run(five, [1, 2, 3, 4, NaN])).toThrow(`${name}: expected finite numbers, got NaN`);
    expect(() => run([1, 2, 3, 4, -Infinity], five)).toThrow(RangeError);
  });
});

test("numbers at the ends of a double's range are judged or refused, and never give NaN", () => {
  const wild = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 5, maxLength: 9 });
  fc.assert(
    fc.property(wild, wild, (a, b) => {
      for (const [name, run] of Object.entries({ ...tests, wasserstein1: measured(wasserstein1), energyDistance: measured(energyDistance) })) {
        try {
          const { statistic, p } = run(a, b);
          expect([statistic, p], name).not.toContain(NaN);
        } catch (error) {
          expect(error, name).toBeInstanceOf(RangeError);
        }
      }
    }),
    { examples: [[[1e308, -1e308, 0, 5e-324, 1], [1e308, 1, 2, 3, 4]], [[0, 1e-320, 2e-320, 0, 1e-320], [5e-324, 0, 0, 1e-320, 0]]] },
  );
});

const measured = (measure: (a: Sample, b: Sample) => number): Test => (a, b) => ({ statistic: measure(a, b), p: 1 });

test("the tests that need more than one value a sample say how many", () => {
  expect(() => welch([1], [2, 3])).toThrow("welch: expected two values or more a sample, got 1");
  expect(() => brunnerMunzel([1, 2], [3])).toThrow("brunnerMunzel: expected two values or more a sample, got 2 and 1");
  expect(() => eppsSingleton([1, 2, 3, 4], [1, 2, 3, 4, 5])).toThrow("eppsSingleton: expected five values or more a sample, got 4 and 5");
  expect(() => andersonDarling([1], [1, 2])).toThrow("andersonDarling: expected at least four values together, got 3");
});

test("one value against one says nothing: 1 for all that take so few", () => {
  for (const run of [kolmogorovSmirnov, kuiper, cramerVonMises, mannWhitney]) expect(run([1], [2]).p).toBeCloseTo(1, 12);
});

test("without any spread, means that differ do so by infinitely many errors, as likely as a deal that falls apart", () => {
  expect(welch([5, 5, 5], [7, 7])).toEqual({ statistic: -Infinity, p: expect.closeTo(2 / 10, 12) });
  expect(brunnerMunzel([1, 2, 3], [7, 8])).toEqual({ statistic: Infinity, p: expect.closeTo(2 / 10, 12) });
  expect(eppsSingleton([5, 5, 5, 5, 5], [7, 7, 7, 7, 7])).toEqual({ statistic: Infinity, p: expect.closeTo(2 / 252, 12) });
});

test("where nothing has changed, each finds something as often as its level says, and a shift nearly always", () => {
  const next = chance(12);
  const draw = (count: number, shift: number) => Array.from({ length: count }, () => gaussian(next) + shift);
  const rounds = 400;
  for (const [name, run] of Object.entries(tests)) {
    let alarms = 0;
    let found = 0;
    for (let round = 0; round < rounds; round += 1) {
      const reference = draw(60, 0);
      if (run(reference, draw(45, 0)).p <= 0.1) alarms += 1;
      if (round < 50 && run(reference, draw(45, 1.5)).p <= 0.01) found += 1;
    }
    expect(alarms / rounds, name).toBeGreaterThan(0.05);
    expect(alarms / rounds, name).toBeLessThan(0.15);
    expect(found, name).toBeGreaterThan(45);
  }
});

describe("Kolmogorov-Smirnov", () => {
  test("beyond a million pairs the approximation takes over, and is close to the exact count", () => {
    const next = chance(3);
    const a = Array.from({ length: 1_200 }, next);
    const b = Array.from({ length: 900 }, () => next() ** 1.1);
    const exact = kolmogorovSmirnov(a, b, { method: "exact" });
    expect(kolmogorovSmirnov(a, b)).toEqual(kolmogorovSmirnov(a, b, { method: "asymptotic" }));
    expect(kolmogorovSmirnov(a, b).p / exact.p).toBeCloseTo(1, 1);
    expect(kolmogorovSmirnov(a.slice(0, 1_000), b)).toEqual(kolmogorovSmirnov(a.slice(0, 1_000), b, { method: "exact" }));
  });

  test("of counts over cells it is that of the rows where a cell is a value, and a bound where a cell holds many", () => {
    const [a, b] = [[1, 1, 2, 4, 4, 4, 5], [2, 3, 3, 5, 5, 5]];
    const counts = (of: Sample, cells: readonly Sample[]) => cells.map((cell) => of.filter((value) => cell.includes(value)).length);
    const single = [[1], [2], [3], [4], [5]];
    const wide = [[1, 2, 3], [4, 5]];
    const whole = kolmogorovSmirnov(a, b);
    expect(kolmogorovSmirnovOfCells(counts(a, single), counts(b, single))).toEqual({ statistic: expect.closeTo(whole.statistic, 12), p: expect.closeTo(whole.p, 12) });
    const bound = kolmogorovSmirnovOfCells(counts(a, wide), counts(b, wide));
    expect(bound.statistic).toBeLessThan(whole.statistic);
    expect(bound.p).toBeGreaterThan(whole.p);
  });

  test("without rows on a side there is no gap", () => {
    expect(kolmogorovSmirnovOfCells([0, 0], [3, 4])).toEqual({ statistic: 0, p: 1 });
    expect(() => kolmogorovSmirnovOfCells([1], [1, 2])).toThrow(RangeError);
  });
});

test("Kuiper does not mind where the day is cut; Kolmogorov-Smirnov does", () => {
  const [night, day] = [[22, 23, 23.5, 0.5, 1, 2, 2.5], [9, 10, 12, 13, 15, 16]];
  const turned = (hours: Sample, by: number) => hours.map((hour) => (hour + by) % 24);
  expect(kuiper(turned(night, 7), turned(day, 7)).statistic).toBeCloseTo(kuiper(night, day).statistic, 12);
  expect(kolmogorovSmirnov(turned(night, 7), turned(day, 7)).statistic).not.toBeCloseTo(kolmogorovSmirnov(night, day).statistic, 1);
});
