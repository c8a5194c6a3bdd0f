/** Tests and effect sizes of tables of counts: one row a sample, one column a category. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chiSquareTest } from "../../../detectors/two-sample/chi-square-test.ts";
import { cramersV } from "../../../detectors/two-sample/cramers-v.ts";
import { fisherExact } from "../../../detectors/two-sample/fisher-exact.ts";
import { gTest } from "../../../detectors/two-sample/g-test.ts";
import { chiSquareCumulative } from "../../../detectors/special/chi-square.ts";
import { chance } from "../chance.ts";
import knownAnswers from "../known-answers/two-sample-scipy.json" with { type: "json" };

test("chi-square, G and Fisher's test are scipy 1.14.1's", () => {
  for (const { counts, chiSquare, yates, g, fisherP } of knownAnswers.tables) {
    for (const [found, expected] of [[chiSquareTest(counts), chiSquare], [chiSquareTest(counts, { yates: true }), yates], [gTest(counts), g]] as const) {
      expect(found.statistic, JSON.stringify(counts)).toBeCloseTo(expected[0]!, 9);
      expect(Math.abs(found.p / expected[1]! - 1), JSON.stringify(counts)).toBeLessThan(1e-9);
    }
    if (fisherP !== undefined) expect(Math.abs(fisherExact(counts).p / fisherP - 1), JSON.stringify(counts)).toBeLessThan(1e-9);
  }
});

/** Chance that unchanged windows of as many rows as the reference are called changed at 5 percent. */
function falseAlarms(run: (reference: readonly number[], window: readonly number[]) => number): number {
  const next = chance(8);
  const draw = () => {
    const counts = [0, 0, 0, 0, 0, 0];
    for (let row = 0; row < 200; row += 1) counts[Math.floor(6 * next())]! += 1;
    return counts;
  };
  let alarms = 0;
  for (let round = 0; round < 2_000; round += 1) if (run(draw(), draw()) <= 0.05) alarms += 1;
  return alarms / 2_000;
}

/** What the reference's counts would be if they were the truth and not a sample. */
function pOfWindowAlone(reference: readonly number[], window: readonly number[]): number {
  const statistic = window.reduce((sum, count, cell) => sum + (count - reference[cell]!) ** 2 / reference[cell]!, 0);
  return 1 - chiSquareCumulative(statistic, window.length - 1);
}

describe("a one-sample test in a two-sample test's place (Evidently)", () => {
  const [reference, window] = [[16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]];

  test("p is 0.8985 where the reference counts as a sample; 0.67309 would take it for the truth", () => {
    expect(chiSquareTest([reference, window]).p).toBeCloseTo(0.8985, 4);
    expect(pOfWindowAlone(reference, window)).toBeCloseTo(0.67309, 5);
  });

  test("unchanged windows of six categories alarm in 5 percent, not in 35", () => {
    for (const run of [chiSquareTest, gTest]) {
      const rate = falseAlarms((a, b) => run([a, b]).p);
      expect(rate).toBeGreaterThan(0.03);
      expect(rate).toBeLessThan(0.07);
    }
    expect(falseAlarms(pOfWindowAlone)).toBeGreaterThan(0.3);
  });
});

test("a single row of a category never seen before is no proof of drift (whylogs)", () => {
  expect(chiSquareTest([[500, 500, 0], [499, 500, 1]]).p).toBeGreaterThan(0.5);
  expect(gTest([[500, 500, 0], [499, 500, 1]]).p).toBeGreaterThan(0.4);
});

test("rare categories are added up until they expect enough, the rarest first", () => {
  const table = [[90, 60, 2, 1, 1, 0], [80, 70, 1, 2, 0, 1]];
  const pooled = [[90, 60, 4], [80, 70, 4]];
  expect(chiSquareTest(table, { expectedMin: 4 })).toEqual(chiSquareTest(pooled));
  expect(gTest(table, { expectedMin: 4 })).toEqual(gTest(pooled));
  expect(chiSquareTest(table, { expectedMin: 0 })).toEqual(chiSquareTest(table));
});

test("what has been added up and is still rare takes the next category with it", () => {
  expect(chiSquareTest([[90, 10, 1], [80, 20, 1]], { expectedMin: 5 })).toEqual(chiSquareTest([[90, 11], [80, 21]]));
  expect(chiSquareTest([[3, 1], [2, 1]], { expectedMin: 5 })).toEqual({ statistic: 0, p: 1 });
});

test("empty rows and columns change nothing, and a single category can not drift", () => {
  expect(chiSquareTest([[3, 0, 9], [7, 0, 4], [0, 0, 0]])).toEqual(chiSquareTest([[3, 9], [7, 4]]));
  for (const table of [[[5], [9]], [[5, 0], [9, 0]], [[0, 0], [3, 4]], [[0, 0], [0, 0]]]) {
    expect(chiSquareTest(table)).toEqual({ statistic: 0, p: 1 });
    expect(gTest(table)).toEqual({ statistic: 0, p: 1 });
    expect(cramersV(table)).toBe(0);
  }
});

describe("Cramer's V", () => {
  test("is 1 where the category tells the sample, and 0 where the proportions are the same", () => {
    expect(cramersV([[50, 0], [0, 50]])).toBeCloseTo(1, 6);
    expect(cramersV([[50, 0, 0], [0, 30, 20]])).toBeCloseTo(1, 1);
    expect(cramersV([[20, 40], [10, 20]])).toBe(0);
  });

  test("is Bergsma's: 0.3095 for 10, 20 against 20, 10, and not 0.3333", () => {
    // phi^2 = 1/9, less 1/59; two rows and columns count as 2 - 1/59.
    expect(cramersV([[10, 20], [20, 10]])).toBeCloseTo(Math.sqrt((1 / 9 - 1 / 59) / (1 - 1 / 59)), 12);
    expect(cramersV([[10, 20], [20, 10]])).toBeCloseTo(0.3095, 4);
  });

  test("of many categories and few unchanged rows is near 0 on average, where the uncorrected one is near 0.4", () => {
    const next = chance(4);
    let corrected = 0;
    let plain = 0;
    for (let round = 0; round < 200; round += 1) {
      const table = [0, 1].map(() => {
        const counts = Array.from({ length: 20 }, () => 0);
        for (let row = 0; row < 60; row += 1) counts[Math.floor(20 * next())]! += 1;
        return counts;
      });
      corrected += cramersV(table) / 200;
      plain += Math.sqrt(chiSquareTest(table).statistic / 120) / 200;
    }
    expect(corrected).toBeLessThan(0.1);
    expect(plain).toBeGreaterThan(0.35);
  });
});

describe("Fisher's exact test", () => {
  test("counts the tables that are at most as likely", () => {
    const factorial = (n: number): bigint => (n <= 1 ? 1n : BigInt(n) * factorial(n - 1));
    const choose = (n: number, k: number) => factorial(n) / factorial(k) / factorial(n - k);
    const cell = fc.nat(12);
    fc.assert(
      fc.property(cell, cell, cell, cell, (a, b, c, d) => {
        const ways = (k: number) => choose(a + b, k) * choose(c + d, a + c - k);
        let [rare, all] = [0n, 0n];
        for (let k = Math.max(0, a - d); k <= Math.min(a + b, a + c); k += 1) {
          all += ways(k);
          if (ways(k) <= ways(a)) rare += ways(k);
        }
        expect(fisherExact([[a, b], [c, d]]).p).toBeCloseTo(Number(rare) / Number(all), 10);
      }),
    );
  });

  test("the statistic is the odds ratio, and an empty margin leaves nothing to find", () => {
    expect(fisherExact([[8, 2], [1, 5]]).statistic).toBe(20);
    expect(fisherExact([[8, 0], [1, 5]]).statistic).toBe(Infinity);
    expect(fisherExact([[0, 0], [1, 5]])).toEqual({ statistic: 1, p: 1 });
    expect(fisherExact([[0, 3], [0, 5]])).toEqual({ statistic: 1, p: 1 });
  });

  test("large tables overflow nothing; what is out of a double's range is 0", () => {
    expect(fisherExact([[50_000, 50_000], [49_000, 51_000]]).p).toBeCloseTo(chiSquareTest([[50_000, 50_000], [49_000, 51_000]], { yates: true }).p, 6);
    expect(fisherExact([[100_000, 0], [0, 100_000]]).p).toBe(0);
  });
});

test("tables that are none are refused by name", () => {
  expect(() => chiSquareTest([])).toThrow("chiSquareTest: expected a table of at least one row and column, got none");
  expect(() => gTest([[1, 2], [1]])).toThrow("gTest: expected rows of 2 counts, got one of 1");
  expect(() => chiSquareTest([[1, -2], [1, 2]])).toThrow("chiSquareTest: expected counts of 0 or more, got -2");
  expect(() => cramersV([[1, NaN], [1, 2]])).toThrow(RangeError);
  expect(() => fisherExact([[1, 2, 3], [1, 2, 3]])).toThrow(RangeError);
  expect(() => fisherExact([[1.5, 2], [1, 2]])).toThrow("fisherExact: expected whole counts, got 1.5");
});
