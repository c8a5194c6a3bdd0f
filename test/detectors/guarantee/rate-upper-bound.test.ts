import { expect, test } from "vitest";
import { rateLowerBound, rateUpperBound } from "../../../detectors/guarantee/rate-upper-bound.ts";

test("the bounds of Clopper and Pearson, as scipy 1.14.1 gives them", () => {
  // scipy.stats.binomtest(k, n, alternative="less" or "greater").proportion_ci(0.99, "exact")
  expect(rateUpperBound(50, 500, 0.99)).toBeCloseTo(0.13546852520445743, 12);
  expect(rateUpperBound(0, 500, 0.99)).toBeCloseTo(1 - 0.01 ** (1 / 500), 12);
  expect(rateUpperBound(7, 10, 0.95)).toBeCloseTo(0.9127355660858497, 12);
  expect(rateLowerBound(7, 10, 0.95)).toBeCloseTo(0.3933757838944236, 12);
});

test("whatever the rate, the bound is below it with the probability that is allowed, and no more", () => {
  const [n, confidence] = [40, 0.95];
  for (let percent = 1; percent < 100; percent += 1) {
    const rate = percent / 100;
    let [chance, wrong] = [(1 - rate) ** n, 0]; // of k successes, from none on
    for (let k = 0; k <= n; k += 1) {
      if (rateUpperBound(k, n, confidence) < rate) wrong += chance;
      chance *= ((n - k) / (k + 1)) * (rate / (1 - rate));
    }
    expect(wrong).toBeLessThanOrEqual(1 - confidence + 1e-9);
  }
});

test("all, none, and no trials", () => {
  expect(rateUpperBound(5, 5, 0.99)).toBe(1);
  expect(rateUpperBound(0, 0, 0.99)).toBe(1);
  expect(rateLowerBound(0, 5, 0.99)).toBe(0);
  expect(rateLowerBound(5, 5, 0.99)).toBeCloseTo(0.01 ** (1 / 5), 12);
});

test("what is no count is refused", () => {
  expect(() => rateUpperBound(6, 5, 0.99)).toThrow("rateUpperBound: expected whole numbers of successes among trials, got 6 of 5");
  for (const [k, n] of [[-1, 5], [0.5, 5], [1, Number.NaN], [1, Infinity]] as const) expect(() => rateLowerBound(k, n, 0.99)).toThrow(RangeError);
  expect(() => rateUpperBound(1, 5, 1)).toThrow("confidence must be between 0 and 1, got 1");
});
