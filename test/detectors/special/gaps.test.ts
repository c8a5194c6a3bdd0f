/** The distributions of the greatest gaps and of the mean squared gap between a distribution function and its sample's. */
import { expect, test } from "vitest";
import { cramerVonMisesSurvival } from "../../../detectors/special/cramer-von-mises.ts";
import { kolmogorovSurvival } from "../../../detectors/special/kolmogorov.ts";
import { kuiperSurvival } from "../../../detectors/special/kuiper.ts";
import { chance } from "../chance.ts";
import knownAnswers from "../known-answers/two-sample-scipy.json" with { type: "json" };

test("Kolmogorov's distribution is scipy's to six digits, from 1 draw to 50,000", () => {
  for (const [gap, n, expected] of knownAnswers.kolmogorov as [number, number, number][]) {
    const found = kolmogorovSurvival(gap, n);
    expect(Math.abs(found - expected), `${gap} of ${n}: ${found}, not ${expected}`).toBeLessThanOrEqual(2e-6 * expected);
  }
});

test("with one draw and two it is what a pencil says", () => {
  for (const gap of [0.5, 0.6, 0.75, 0.9, 0.99]) expect(kolmogorovSurvival(gap, 1)).toBeCloseTo(2 * (1 - gap), 12);
  for (const gap of [0.51, 0.7, 0.9]) expect(kolmogorovSurvival(gap, 2)).toBeCloseTo(2 * (1 - gap) ** 2, 12);
  for (const gap of [0.3, 0.4, 0.49]) expect(kolmogorovSurvival(gap, 2)).toBeCloseTo(1 - 2 * (2 * gap - 0.5) ** 2, 12);
});

test("for very many draws it is Kolmogorov's limit", () => {
  const limit = (z: number) => [1, 2, 3, 4, 5].reduce((sum, k) => sum + 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * z * z), 0);
  for (const z of [0.6, 1, 1.4, 2, 4]) expect(kolmogorovSurvival(z / 1e5, 1e10) / limit(z)).toBeCloseTo(1, 4);
});

test("the Cramer-von Mises limit is scipy's, and its tail goes on where 1 less a sum has no digits left", () => {
  for (const [x, expected] of knownAnswers.cramerVonMises as [number, number][]) expect(cramerVonMisesSurvival(x)).toBeCloseTo(expected, 10);
  // Anderson and Darling (1952), table 1.
  for (const [x, probability] of [[0.34730, 0.1], [0.46136, 0.05], [0.74346, 0.01], [1.16786, 0.001]] as const) {
    expect(cramerVonMisesSurvival(x)).toBeCloseTo(probability, 5);
  }
  // Far out the first of the squared normal variables rules alone, which falls by a little over exp(-pi^2) in steps of 2.
  const fall = Math.log(cramerVonMisesSurvival(20) / cramerVonMisesSurvival(22));
  expect(fall).toBeGreaterThan(Math.PI ** 2);
  expect(fall).toBeLessThan(Math.PI ** 2 + 0.1);
  expect([cramerVonMisesSurvival(0), cramerVonMisesSurvival(Infinity)]).toEqual([1, 0]);
});

test("Kuiper's distribution is what draws show, wherever one formula hands over to the next", () => {
  for (const n of [2, 5, 10, 30]) {
    const random = chance(n);
    const draws = Array.from({ length: 4_000 }, () => {
      const sample = Array.from({ length: n }, random).sort((a, b) => a - b);
      return Math.max(...sample.map((u, i) => (i + 1) / n - u)) + Math.max(...sample.map((u, i) => u - i / n));
    });
    for (const v of [1.2 / n, 1.8 / n, 2.4 / n, 3.2 / n, 4 / n, 0.45, 0.55, 0.7].filter((at) => at < 1)) {
      const share = draws.filter((draw) => draw >= v).length / draws.length;
      expect(Math.abs(kuiperSurvival(v, n) - share), `V of ${v} from ${n} draws`).toBeLessThan(0.03);
    }
  }
});

test("draws that are no whole number, and gaps that are none, are refused", () => {
  expect(() => kolmogorovSurvival(0.5, 0)).toThrow("kolmogorovSurvival: expected a whole number of draws, got 0");
  expect(() => kuiperSurvival(0.5, 2.5)).toThrow(RangeError);
  expect(() => kolmogorovSurvival(NaN, 3)).toThrow(RangeError);
  expect(() => kuiperSurvival(NaN, 3)).toThrow(RangeError);
  expect(() => cramerVonMisesSurvival(NaN)).toThrow(RangeError);
});
