import fc from "fast-check";
import { expect, test } from "vitest";
import { paretoFit, paretoQuantile, paretoSurvival } from "../../../detectors/anomaly/generalised-pareto.ts";
import { chance } from "../chance.ts";

test("the fit is the likeliest: genpareto.fit(floc=0) of scipy 1.14 finds the same", () => {
  // Excesses: paretoQuantile of 100 numbers of chance(107) at scale 2.
  const scipy = [
    { shape: -0.3, fitted: -0.32641, scale: 2.19348 },
    { shape: 0, fitted: 0.00742, scale: 2.18574 },
    { shape: 0.4, fitted: 0.43484, scale: 2.21435 },
    { shape: 1, fitted: 1.06354, scale: 2.28572 },
  ];
  for (const { shape, fitted, scale } of scipy) {
    const next = chance(107);
    const fit = paretoFit(Array.from({ length: 100 }, () => paretoQuantile(next(), 2, shape)));
    expect(fit.shape).toBeCloseTo(fitted, 3);
    expect(fit.scale).toBeCloseTo(scale, 3);
  }
});

test("the fit follows the unit, and its tail is that of what was fitted", () => {
  const excesses = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(excesses, fc.integer({ min: -30, max: 30 }), (values, power) => {
      const unit = 2 ** power;
      const fit = paretoFit(values);
      const scaled = paretoFit(values.map((value) => value * unit));
      expect(fit.scale).toBeGreaterThan(0);
      expect(fit.shape).toBeGreaterThanOrEqual(-0.5);
      expect(scaled.shape).toBeCloseTo(fit.shape, 6);
      expect(scaled.scale / unit / fit.scale).toBeCloseTo(1, 6);
    }),
  );
});

test("quantile and survival undo each other, at the exponential too", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1, noNaN: true }), fc.constantFrom(-0.4, -1e-12, 0, 1e-12, 0.2, 1.5), (p, shape) => {
      expect(paretoSurvival(paretoQuantile(p, 3, shape), 3, shape) / p).toBeCloseTo(1, 6);
    }),
  );
  expect(paretoSurvival(2, 1, -0.5)).toBe(0); // the end of the tail is at scale / 0.5
});

test("nothing to fit, or no excess, is refused by name", () => {
  expect(() => paretoFit([])).toThrow("paretoFit: excesses must not be empty");
  expect(() => paretoFit([1, 0])).toThrow("paretoFit: excesses must be above 0, got 0");
});
