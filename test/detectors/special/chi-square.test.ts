import { expect, test } from "vitest";
import { chiSquareCumulative, chiSquareQuantile } from "../../../detectors/special/chi-square.ts";

/** NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.4. */
test.each([
  [0.95, 1, 3.841], [0.999, 1, 10.828], [0.9, 5, 9.236], [0.99, 9, 21.666], [0.999, 9, 27.877], [0.95, 29, 42.557],
  [0.999, 63, 103.442], [0.99, 100, 135.807], [0.05, 10, 3.94], [0.001, 50, 24.674],
])("the %d quantile at %d degrees of freedom is %d", (probability, degrees, expected) => {
  expect(chiSquareQuantile(probability, degrees)).toBeCloseTo(expected, 3);
});

test("with one degree it is the square of a normal variable: 68, 95 and 99.7 percent within 1, 2 and 3 deviations", () => {
  for (const [deviations, probability] of [[1, 0.682_689_492_137], [2, 0.954_499_736_104], [3, 0.997_300_203_937]] as const) {
    expect(chiSquareCumulative(deviations ** 2, 1)).toBeCloseTo(probability, 11);
  }
});

test("with an even number of degrees it is the tail of a Poisson sum", () => {
  for (const [x, degrees] of [[0.5, 2], [3, 4], [20, 10], [64, 64], [90, 70]] as const) {
    let term = Math.exp(-x / 2);
    let tail = term;
    for (let k = 1; k < degrees / 2; k += 1) tail += term *= x / 2 / k;
    expect(chiSquareCumulative(x, degrees)).toBeCloseTo(1 - tail, 12);
  }
});

test("quantile and cumulative probability are each other's inverse, far into the tail", () => {
  for (const degrees of [1, 7, 63, 500]) {
    for (const probability of [0, 1e-6, 0.3, 0.999, 0.999_999]) {
      expect(chiSquareCumulative(chiSquareQuantile(probability, degrees), degrees)).toBeCloseTo(probability, 9);
    }
  }
});

test("a probability of 1 and no degrees of freedom are refused", () => {
  expect(() => chiSquareQuantile(1, 3)).toThrow(RangeError);
  expect(() => chiSquareCumulative(1, 0)).toThrow(RangeError);
});
