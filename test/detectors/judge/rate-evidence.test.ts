import { describe, expect, test } from "vitest";
import { evidenceAbove, evidenceBelow } from "../../../detectors/judge/rate-evidence.ts";
import { betaSurvival, logBetaSurvival } from "../../../detectors/special/beta.ts";

/** The mixture by its definition: likelihood ratios of all rates above the bound, averaged in the prior's proportions (midpoint rule). */
function byIntegration(bound: number, successes: number, failures: number, a: number, b: number): number {
  const steps = 400_000;
  let [sum, weights] = [0, 0];
  for (let i = 0; i < steps; i += 1) {
    const p = bound + ((i + 0.5) * (1 - bound)) / steps;
    const weight = p ** (a - 1) * (1 - p) ** (b - 1);
    weights += weight;
    sum += weight * Math.exp(successes * Math.log(p / bound) + failures * Math.log((1 - p) / (1 - bound)));
  }
  return Math.log(sum / weights);
}

describe("the closed form is the integral of likelihood ratios over all greater rates", () => {
  test.each([
    [0.1, 3, 0, 1, 1],
    [0.1, 5, 30, 1, 1],
    [0.1, 2, 400, 1, 1],
    [0.5, 20.25, 2.75, 1, 1],
    [0.02, 7, 90, 2, 18],
    [0.01, 0, 50, 1, 25],
  ])("bound %d, %d successes, %d failures, prior %d and %d", (bound, successes, failures, a, b) => {
    expect(evidenceAbove(bound, successes, failures, { a, b })).toBeCloseTo(byIntegration(bound, successes, failures, a, b), 5);
    expect(evidenceBelow(1 - bound, failures, successes, { a: b, b: a })).toBeCloseTo(evidenceAbove(bound, successes, failures, { a, b }), 9);
  });
});

test("three errors of three, all of a candidate that has a tenth of the traffic, are evidence of 277.75", () => {
  // The mean of p^3 over 0.1 to 1 is (1 - 0.1^4) / (4 * 0.9), over 0.1^3.
  expect(Math.exp(evidenceAbove(0.1, 3, 0))).toBeCloseTo((1 - 1e-4) / 3.6 / 1e-3, 8);
});

test("a candidate far better than its bound leaves little evidence, and never none or too much", () => {
  const evidence = evidenceAbove(0.5, 100, 100_000);
  expect(Number.isFinite(evidence)).toBe(true);
  // Laplace: the prior's density at the bound, 2, over the slope of the log likelihood there.
  expect(evidence).toBeCloseTo(Math.log(2 / (100_000 / 0.5 - 100 / 0.5)), 2);
});

test("the logarithm of a tail agrees with the tail, and goes on where that is too small for a number", () => {
  for (const [x, a, b] of [[0.3, 2, 5], [0.9, 2, 5], [0.5, 100, 100], [0.01, 3, 4]] as const) expect(logBetaSurvival(x, a, b)).toBeCloseTo(Math.log(betaSurvival(x, a, b)), 10);
  // P(X > x) for a = 1 is (1 - x)^b.
  expect(logBetaSurvival(0.9, 1, 5_000)).toBeCloseTo(5_000 * Math.log(0.1), 6);
});

test.each([[0], [1], [Number.NaN], [-0.1]])("a bound of %d is refused", (bound) => {
  expect(() => evidenceAbove(bound, 1, 1)).toThrow(RangeError);
});

test.each([[-1, 1], [1, -1], [Number.NaN, 1], [1, Infinity]])("%d successes and %d failures are refused", (successes, failures) => {
  expect(() => evidenceAbove(0.5, successes, failures)).toThrow(RangeError);
});
