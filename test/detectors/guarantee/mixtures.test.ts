import { describe, expect, test } from "vitest";
import { betaBinomial } from "../../../detectors/guarantee/beta-binomial.ts";
import { doubleStitching } from "../../../detectors/guarantee/double-stitching.ts";
import { empiricalProcess } from "../../../detectors/guarantee/empirical-process.ts";
import { gammaExponential } from "../../../detectors/guarantee/gamma-exponential.ts";
import { gammaPoisson } from "../../../detectors/guarantee/gamma-poisson.ts";
import { mixturePrecision, type Mixture } from "../../../detectors/guarantee/mixture.ts";
import { normalMixture } from "../../../detectors/guarantee/normal-mixture.ts";
import { polynomialStitching } from "../../../detectors/guarantee/stitching.ts";
import { zeta } from "../../../detectors/guarantee/zeta.ts";
import knownAnswers from "../known-answers/anytime.json" with { type: "json" };
import { chance, gaussian } from "../chance.ts";

const normal = knownAnswers.normal_mixture;
const exponential = knownAnswers["gamma_exponential(c=2)"];
const poisson = knownAnswers.gamma_poisson;
const binomial = knownAnswers["beta_binomial(g=.2,h=.8)"];
const vOpt = 100;

/** To all seven digits that the known answers have. */
function expectSame(value: number, known: number, relative = 1e-6): void {
  expect(Math.abs(value / known - 1)).toBeLessThan(relative);
}

const mixtures: readonly (readonly [string, Mixture, number, number])[] = [
  ["two-sided normal", normalMixture({ vOpt, sides: 2 }), normal["log_mixture(s=10,v=100)"].two_sided, normal["bound(v=100,alpha=.05)"].two_sided],
  ["one-sided normal", normalMixture({ vOpt }), normal["log_mixture(s=10,v=100)"].one_sided, normal["bound(v=100,alpha=.05)"].one_sided],
  ["gamma-exponential", gammaExponential({ vOpt, c: 2 }), exponential.log, exponential.bound],
  ["gamma-Poisson", gammaPoisson({ vOpt, c: 2 }), poisson.log, poisson.bound],
  ["two-sided beta-binomial", betaBinomial({ vOpt, g: 0.2, h: 0.8, sides: 2 }), binomial.two_sided.log, binomial.two_sided.bound],
  ["one-sided beta-binomial", betaBinomial({ vOpt, g: 0.2, h: 0.8 }), binomial.one_sided.log, binomial.one_sided.bound],
];

describe("as the authors' own program confseq answers (its unit tests)", () => {
  test.each(mixtures)("%s mixture: its logarithm at s = 10, v = 100 and its boundary at v = 100", (_, mixture, log, bound) => {
    expectSame(mixture.logEvidence(10, 100), log);
    expectSame(mixture.bound(100, 0.05), bound);
  });

  test("the normal mixture's precision", () => {
    expectSame(mixturePrecision({ vOpt, sides: 2 }), normal["rho(vOpt=100,alpha=.05)"]);
  });

  test("a sum can not pass what its increments allow: two of at most 0.8", () => {
    expect(betaBinomial({ vOpt, g: 0.2, h: 0.8 }).bound(2 * 0.2 * 0.8, 0.05)).toBeCloseTo(1.6, 12);
  });

  test("polynomial stitching, with heavier and with lighter tails than normal", () => {
    const known = knownAnswers["poly_stitching(v=100,alpha=.05,vMin=10)"];
    expectSame(polynomialStitching(100, { alpha: 0.05, vMin: 10, c: 3 }), known["c=3"]);
    expectSame(polynomialStitching(100, { alpha: 0.05, vMin: 10, c: -1 }), known["c=-1"]);
  });

  test("the empirical process; the published value, of a constant found less exactly, to 2e-6", () => {
    const known = knownAnswers["empirical_process_lil(t=1000,alpha=.05,tMin=100,A=.85)"];
    const process = empiricalProcess({ alpha: 0.05, nMin: 100 });
    expectSame(process.constant, known.C);
    expectSame(process.bound(1_000), known.value, 2e-6);
  });

  test.each([[0.5, "p=.5"], [0.9, "p=.9"], [0.1, "p=.1"]] as const)("double stitching of the %d-quantile", (q, name) => {
    expectSame(doubleStitching(q, 1_000, { alpha: 0.05, nOpt: 100 }), knownAnswers["double_stitching(t=1000)"][name]);
  });
});

test("zeta is the sum that it says, where others know it: pi^2 / 6, pi^4 / 90, Apery's constant", () => {
  expect(zeta(2)).toBeCloseTo(Math.PI ** 2 / 6, 12);
  expect(zeta(4)).toBeCloseTo(Math.PI ** 4 / 90, 12);
  expect(zeta(3)).toBeCloseTo(1.202056903159594, 12);
  expect(zeta(1.4)).toBeCloseTo(3.105_547_277_977_58, 10); // scipy 1.14.1
});

describe.each(mixtures)("%s mixture", (_, mixture) => {
  test("its boundary is where the evidence is 1/alpha, grows with v, and is higher for a smaller alpha", () => {
    let last = 0;
    for (const v of [1, 100, 1e4, 1e6, 1e8]) {
      const bound = mixture.bound(v, 0.05);
      expect(bound).toBeGreaterThan(last);
      expect(mixture.bound(v, 0.01)).toBeGreaterThanOrEqual(bound);
      if (v >= 100) expect(mixture.logEvidence(bound, v)).toBeCloseTo(Math.log(20), 5);
      last = bound;
    }
  });

  test("what no boundary has is refused", () => {
    expect(() => mixture.bound(-1, 0.05)).toThrow("v must be 0 or more, got -1");
    for (const alpha of [0, 1, Number.NaN]) expect(() => mixture.bound(1, alpha)).toThrow("alpha must be between 0 and 1");
  });
});

describe("of 1,000 random walks of 2,000 steps, no more cross than alpha allows, 0.1, at any time", () => {
  const alpha = 0.1;
  const [runs, steps] = [1_000, 2_000];
  const allowed = alpha * runs + 3 * Math.sqrt(runs * alpha * (1 - alpha));

  function crossings(draw: (next: () => number) => number, perStep: number, boundary: (v: number) => number): number {
    const bounds = Float64Array.from({ length: steps + 1 }, (_, t) => boundary(t * perStep));
    let crossed = 0;
    for (let run = 1; run <= runs; run += 1) {
      const next = chance(run);
      let sum = 0;
      for (let t = 1; t <= steps; t += 1) {
        sum += draw(next);
        if (sum <= (bounds[t] as number) + 1e-9) continue;
        crossed += 1;
        break;
      }
    }
    return crossed;
  }

  const rare = (next: () => number) => (next() < 0.2 ? 0.8 : -0.2);
  test.each<[string, number, number]>([
    ["normal", crossings(gaussian, 1, (v) => normalMixture({ vOpt }).bound(v, alpha)), 20],
    ["beta-binomial", crossings(rare, 0.16, (v) => betaBinomial({ vOpt, g: 0.2, h: 0.8 }).bound(v, alpha)), 20],
    ["gamma-exponential, of exponential variables", crossings((next) => -Math.log(next()) - 1, 1, (v) => gammaExponential({ vOpt, c: 1 }).bound(v, alpha)), 20],
    ["gamma-Poisson, of rare ones", crossings(rare, 0.16, (v) => gammaPoisson({ vOpt, c: 0.8 }).bound(v, alpha)), 5],
    ["stitched", crossings(gaussian, 1, (v) => polynomialStitching(v, { alpha, vMin: 10 })), 1],
  ])("%s", (_, crossed, least) => {
    expect(crossed).toBeLessThanOrEqual(allowed);
    expect(crossed).toBeGreaterThanOrEqual(least); // no promise kept by being far too high
  });
});

test("options out of their range are refused by name", () => {
  expect(() => normalMixture({ vOpt: 0 })).toThrow("vOpt must be above 0, got 0");
  expect(() => gammaExponential({ vOpt, c: -1 })).toThrow("gammaExponential: c must be above 0, got -1");
  expect(() => gammaPoisson({ vOpt, c: Number.NaN })).toThrow("gammaPoisson: c must be above 0, got NaN");
  expect(() => betaBinomial({ vOpt, g: 0, h: 1 })).toThrow("betaBinomial: g and h must be above 0, got 0 and 1");
  expect(() => polynomialStitching(1, { alpha: 0.05, vMin: 1, eta: 1 })).toThrow("s and eta must be above 1");
  expect(() => polynomialStitching(1, { alpha: 0.05, vMin: 0 })).toThrow("vMin above 0");
  expect(() => doubleStitching(1, 100, { alpha: 0.05, nOpt: 100 })).toThrow("q must be between 0 and 1, got 1");
  expect(() => empiricalProcess({ alpha: 0.05, nMin: 100, amplitude: 0.5 })).toThrow("amplitude must be above");
  expect(() => empiricalProcess({ alpha: 0.05, nMin: 100 }).bound(99)).toThrow("n must be 100 or more, got 99");
});
