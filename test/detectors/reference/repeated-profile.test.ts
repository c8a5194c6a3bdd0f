import { describe, expect, test } from "vitest";
import { repeatedProfile } from "../../../detectors/reference/repeated-profile.ts";
import { chance, gaussian } from "../chance.ts";

test("with one place it is Student's t test, two-sided: scipy 1.14.1, ttest_1samp", () => {
  const values = [1.2, 0.4, 2.1, 1.7, 0.9];
  const { variance, p } = repeatedProfile(values.map((value) => Float64Array.of(value)));
  expect(p).toBeCloseTo(0.0133374324635, 10);
  const products = values.flatMap((a, i) => values.slice(i + 1).map((b) => a * b));
  expect(variance).toBeCloseTo(products.reduce((sum, product) => sum + product, 0) / products.length, 12);
});

describe("profiles of 24 places that share nothing", () => {
  test.each([[5, 0], [5, 0.8], [20, 0], [20, 0.8]])("%i of them, each place like the one before by %f: p is below 0.01 about one time in a hundred", (n, alike) => {
    const next = chance(n + 10 * alike);
    const low = Array.from({ length: 1_000 }, () => {
      const profiles = Array.from({ length: n }, () => {
        let last = gaussian(next);
        return Float64Array.from({ length: 24 }, () => (last = alike * last + Math.sqrt(1 - alike ** 2) * gaussian(next)));
      });
      return repeatedProfile(profiles).p;
    }).filter((p) => p < 0.01).length;
    expect(low).toBeLessThanOrEqual(20);
  });
});

test("profiles that are all alike share all, and those that vanish nothing", () => {
  const same = Float64Array.of(1, -1, 0);
  expect(repeatedProfile([same, same, same])).toEqual({ variance: 2, p: 0 });
  expect(repeatedProfile([new Float64Array(3), new Float64Array(3)])).toEqual({ variance: 0, p: 1 });
});

test("fewer than two profiles, or two lengths, are refused", () => {
  expect(() => repeatedProfile([new Float64Array(3)])).toThrow(RangeError);
  expect(() => repeatedProfile([new Float64Array(3), new Float64Array(4)])).toThrow(RangeError);
});
