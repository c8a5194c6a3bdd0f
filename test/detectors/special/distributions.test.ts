import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { betaCumulative, betaQuantile, betaSurvival, logBeta } from "../../../detectors/special/beta.ts";
import { binomialDensity, logChoose } from "../../../detectors/special/binomial.ts";
import { chiSquareCumulative, chiSquareSurvival } from "../../../detectors/special/chi-square.ts";
import { lowerGamma, upperGamma } from "../../../detectors/special/gamma.ts";
import { normalCumulative, normalQuantile, normalSurvival } from "../../../detectors/special/normal.ts";
import { studentQuantile, studentSurvival } from "../../../detectors/special/student.ts";
import knownAnswers from "../known-answers/special.json" with { type: "json" };

const functions: Readonly<Record<string, (...of: [number, number, number]) => number>> = {
  normalCumulative, normalSurvival, normalQuantile, lowerGamma, upperGamma, betaCumulative, betaSurvival, logBeta,
  studentSurvival, chiSquareSurvival, chiSquareCumulative, binomialDensity,
};

describe("to 12 digits, far into both tails (mpmath, 50 digits)", () => {
  const { source: _, ...answers } = knownAnswers;
  test.each(Object.entries(answers))("%s", (name, rows) => {
    for (const row of rows) {
      const expected = row.at(-1) as number;
      const found = (functions[name] as (...of: readonly number[]) => number)(...row.slice(0, -1));
      const error = Math.abs(found - expected);
      expect(error, `${name}(${row.slice(0, -1).join(", ")}) is ${found}, not ${expected}`).toBeLessThanOrEqual(1e-12 * Math.abs(expected));
    }
  });
});

const probability = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });

test("quantiles are the inverses of what they belong to", () => {
  fc.assert(
    fc.property(probability, fc.double({ min: 0.5, max: 500, noNaN: true }), fc.double({ min: 0.5, max: 500, noNaN: true }), (p, a, b) => {
      expect(normalCumulative(normalQuantile(p)) / p).toBeCloseTo(1, 12);
      expect(1 - studentSurvival(studentQuantile(p, a), a)).toBeCloseTo(p, 12);
      expect(betaCumulative(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 10);
    }),
  );
});

test("Student's t has the published critical values: 12.706, 2.228 and 1.96 at 5 percent, two-sided, for 1, 10 and very many degrees", () => {
  expect(studentQuantile(0.975, 1)).toBeCloseTo(12.706, 3);
  expect(studentQuantile(0.975, 10)).toBeCloseTo(2.228, 3);
  expect(studentQuantile(0.975, 1e6)).toBeCloseTo(1.96, 3);
  expect(studentQuantile(0.025, 10)).toBeCloseTo(-2.228, 3);
});

test("the ends of a range are the ends: 0, 1 and infinity, never NaN", () => {
  expect([normalCumulative(-Infinity), normalCumulative(Infinity), normalSurvival(Infinity)]).toEqual([0, 1, 0]);
  expect([normalQuantile(0), normalQuantile(0.5), normalQuantile(1)]).toEqual([-Infinity, 0, Infinity]);
  expect([lowerGamma(2, 0), lowerGamma(2, Infinity), upperGamma(2, 0), upperGamma(2, Infinity)]).toEqual([0, 1, 1, 0]);
  expect([betaCumulative(0, 2, 3), betaCumulative(1, 2, 3), betaSurvival(0, 2, 3), betaSurvival(1, 2, 3)]).toEqual([0, 1, 1, 0]);
  expect([betaQuantile(0, 2, 3), betaQuantile(1, 2, 3)]).toEqual([0, 1]);
  expect([studentSurvival(-Infinity, 3), studentSurvival(0, 3), studentSurvival(1e200, 3)]).toEqual([1, 0.5, 0]);
  expect([studentQuantile(0, 3), studentQuantile(0.5, 3), studentQuantile(1, 3)]).toEqual([-Infinity, 0, Infinity]);
});

test("binomial densities add up to 1, and coefficients are whole numbers", () => {
  for (const [n, p] of [[1, 0.3], [12, 0], [12, 1], [40, 0.01], [500, 0.6]] as const) {
    let sum = 0;
    for (let k = 0; k <= n; k += 1) sum += binomialDensity(k, n, p);
    expect(sum).toBeCloseTo(1, 12);
  }
  expect(Math.exp(logChoose(10, 3))).toBeCloseTo(120, 10);
  expect(Math.exp(logChoose(52, 5))).toBeCloseTo(2_598_960, 5);
  expect([logChoose(7, 0), logChoose(7, 7)]).toEqual([0, 0]);
  expect(logBeta(1, 1)).toBeCloseTo(0, 14);
});

test("what has no distribution is refused by name", () => {
  expect(() => lowerGamma(0, 1)).toThrow("lowerGamma: expected a shape above 0, got 0");
  expect(() => upperGamma(1, NaN)).toThrow(RangeError);
  expect(() => betaCumulative(0.5, -1, 2)).toThrow("betaCumulative: expected shapes above 0, got -1 and 2");
  expect(() => betaQuantile(1.5, 1, 2)).toThrow(RangeError);
  expect(() => normalQuantile(-0.1)).toThrow("normalQuantile: expected a probability in [0, 1], got -0.1");
  expect(() => studentSurvival(1, 0)).toThrow("studentSurvival: expected degrees above 0, got 0");
  expect(() => studentQuantile(NaN, 3)).toThrow(RangeError);
  expect(() => chiSquareSurvival(1, 0)).toThrow(RangeError);
});
