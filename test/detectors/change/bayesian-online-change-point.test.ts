import fc from "fast-check";
import { expect, test } from "vitest";
import { bayesianOnlineChangePoint, type BayesianOnlineChangePointState } from "../../../detectors/change/bayesian-online-change-point.ts";
import knownAnswers from "../known-answers/change-detectors.json" with { type: "json" };
import { alarmsOf } from "../monitored.ts";

/** Of x_1 .. x_n under a Gaussian whose mean has a Gaussian prior: one integral over the mean, by the trapezium rule. */
function evidence(values: readonly number[], variance: number): number {
  const density = (x: number, mean: number, of: number) => Math.exp(-((x - mean) ** 2) / (2 * of)) / Math.sqrt(2 * Math.PI * of);
  const step = 0.01;
  let sum = 0;
  for (let mean = -10; mean <= 10; mean += step) sum += step * values.reduce((product, x) => product * density(x, mean, variance), density(mean, 0, 1));
  return sum;
}

/** P(run lengths | values) from the sum over every way to cut the values into runs. */
function runLengths(values: readonly number[], hazard: number, variance: number): number[] {
  const weights = Array.from({ length: values.length + 1 }, () => 0);
  for (let cuts = 0; cuts < 2 ** values.length; cuts += 1) {
    let weight = 1;
    let run: number[] = [];
    for (const [i, value] of values.entries()) {
      run.push(value);
      const ends = (cuts >> i) % 2 === 1;
      weight *= ends ? hazard : 1 - hazard;
      if (!ends) continue;
      weight *= evidence(run, variance);
      run = [];
    }
    weights[run.length]! += weight * (run.length === 0 ? 1 : evidence(run, variance));
  }
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / all);
}

function stateAfter(values: readonly number[], options: Parameters<typeof bayesianOnlineChangePoint>[0]): BayesianOnlineChangePointState {
  const detector = bayesianOnlineChangePoint(options);
  return values.reduce((state, value) => detector.step(state, value), detector.start());
}

test("the probabilities of the run lengths are those of the sum over all ways to cut the stream", () => {
  const values = [0.3, -0.2, 2.5, 2.9];
  const { runs, logs, lengths } = stateAfter(values, { hazard: 0.2, dataVariance: 0.5 });
  const byDefinition = runLengths(values, 0.2, 0.5);
  for (let i = 0; i < runs; i += 1) expect(Math.exp(logs[i] as number)).toBeCloseTo(byDefinition[lengths[i] as number] as number, 8);
});

test("with few runs kept the probabilities still add up to one, and the run from the start is among them", () => {
  const number = fc.double({ min: -5, max: 5, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 100 }), fc.constantFrom("given", "learnt"), (values, variance) => {
      const full = stateAfter(values, { runsMax: 200, variance });
      const { runs, logs, lengths } = stateAfter(values, { runsMax: 4, variance });
      expect(runs).toBeLessThanOrEqual(4);
      expect(lengths[0]).toBe(values.length);
      const sum = (all: BayesianOnlineChangePointState["logs"], count: number) => all.slice(0, count).reduce((total, log) => total + Math.exp(log), 0);
      expect(sum(full.logs, full.runs)).toBeCloseTo(1, 9);
      expect(sum(logs, runs)).toBeLessThanOrEqual(1 + 1e-9);
    }),
  );
});

test("on g4 it alarms where frouros' tests do", () => {
  expect(alarmsOf(bayesianOnlineChangePoint({ hazard: 0.01, dataVariance: 0.5 }), knownAnswers.streams.g4)).toEqual([100, 203]);
});

test("with the variance learnt, Student's prediction after three values is that of scipy 1.14", () => {
  const detector = bayesianOnlineChangePoint({ variance: "learnt", hazard: 1e-12 });
  const state = [1, 2, 4].reduce((before, value) => detector.step(before, value), detector.start());
  // Normal-gamma posterior from m 0, k 1, a 1, b 1: m 7/4, k 4, a 5/2, b 1 + (21 - 4 (7/4)^2) / 2.
  const [m, k, a, b] = [7 / 4, 4, 5 / 2, 1 + (21 - 4 * (7 / 4) ** 2) / 2] as const;
  expect(state.means[0]).toBeCloseTo(m, 12);
  expect(state.scales[0]).toBeCloseTo(b, 12);
  expect(state.gammas[0]).toBeCloseTo(Math.log(2) - Math.log((3 * Math.sqrt(Math.PI)) / 4), 12); // ln Gamma(3) - ln Gamma(5/2)
  expect([state.lengths[0], k, 1 + (state.lengths[0] as number) / 2]).toEqual([3, 4, a]);
});

test("with the variance learnt, a stream whose unit nobody told is followed: a jump of four of its own deviations", () => {
  const noise = knownAnswers.streams.g1.slice(0, 200);
  const values = [...noise, ...noise.map((one) => one + 4)].map((one) => one / 1_000);
  const [first] = alarmsOf(bayesianOnlineChangePoint({ variance: "learnt", dataVariance: 1e-4, priorVariance: 1e-2 }), values);
  expect(first).toBeGreaterThanOrEqual(200);
  expect(first).toBeLessThan(206);
});
