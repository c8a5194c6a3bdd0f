/**
 * Bayesian online change point: how long is it, most probably, since the stream last changed?
 *
 * Keeps a probability for each time at which the present run may have begun: at each value a run goes on, by how well it
 * foretold the value, or ends with chance `hazard`. Values are Gaussian about a mean with a Gaussian prior. Their variance
 * is given, or learnt from an inverse gamma prior of shape 1 about `dataVariance`, so that the prediction is Student's. It
 * alarms where another run than the one from the start is the most probable. Of the runs, the one from the start and the
 * most probable others are kept, `runsMax` together. Units: means in the stream's, variances in its square, `hazard` in
 * changes a value. Cost: O(runsMax) a value, some 4 microseconds at the defaults; 40 bytes a run.
 *
 * Sources: R. Adams and D. MacKay, Bayesian Online Changepoint Detection, arXiv:0710.3742 (2007); K. Murphy, Conjugate
 * Bayesian Analysis of the Gaussian Distribution (2007). Answers equal frouros', which has the given variance alone.
 */
import { gammaln } from "simple-statistics";
import type { Detector } from "../detector.ts";
import { bounded, number } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const bayesianOnlineChangePointParameters = {
  hazard: { kind: "number", default: 0.01, above: 0, below: 1, help: "chance of a change at each value" },
  priorMean: { kind: "number", default: 0, help: "what the mean of a run is expected to be" },
  priorVariance: { kind: "number", default: 1, above: 0, help: "of the mean of a run about that" },
  dataVariance: { kind: "number", default: 1, above: 0, help: "of the values of a run about their mean" },
  variance: { kind: "choice", default: "given", choices: ["given", "learnt"], help: "whether dataVariance holds or is a first guess" },
  warmup: { kind: "integer", default: 30, min: 1, help: "values before the first alarm" },
  runsMax: { kind: "integer", default: 100, min: 3, max: 10_000, help: "runs that are kept" },
} as const satisfies Parameters;

export type BayesianOnlineChangePointOptions = Options<typeof bayesianOnlineChangePointParameters>;

export interface BayesianOnlineChangePointState {
  count: number;
  runs: number;
  /** Of each run, oldest first; the first is the one from the start. Logarithms of probabilities. */
  readonly logs: Float64Array;
  readonly lengths: Float64Array;
  readonly means: Float64Array;
  /** Where the variance is learnt: the inverse gamma's scale, and ln Gamma(a + 1/2) - ln Gamma(a) of its shape a. */
  readonly scales: Float64Array;
  readonly gammas: Float64Array;
  /** The logarithm of the odds of the most probable later run against the one from the start. */
  lead: number;
}

export function bayesianOnlineChangePoint(options: BayesianOnlineChangePointOptions = {}): Detector<BayesianOnlineChangePointState> {
  const settled = settle("bayesianOnlineChangePoint", bayesianOnlineChangePointParameters, options);
  const { hazard, priorMean, priorVariance, dataVariance, warmup, runsMax } = settled;
  const learnt = settled.variance === "learnt";
  /** How many values the prior of the mean is worth. */
  const priorWeight = dataVariance / priorVariance;
  const priorGamma = gammaln(1.5) - gammaln(1);
  const logHazard = Math.log(hazard);
  const logSurvival = Math.log1p(-hazard);

  function begin(state: BayesianOnlineChangePointState, logProbability: number): void {
    const i = state.runs;
    state.logs[i] = logProbability;
    state.lengths[i] = 0;
    state.means[i] = priorMean;
    state.scales[i] = dataVariance;
    state.gammas[i] = priorGamma;
    state.runs = i + 1;
  }

  /** Weighs each run by the density that it gave to the value. */
  function predict({ runs, logs, lengths, means, scales, gammas }: BayesianOnlineChangePointState, x: number): void {
    for (let i = 0; i < runs; i += 1) {
      const length = lengths[i] as number;
      const weight = priorWeight + length;
      const squared = (x - (means[i] as number)) ** 2;
      const spread = 1 + 1 / weight;
      if (learnt) {
        const shape = 1 + length / 2;
        const scale = 2 * (scales[i] as number) * spread;
        logs[i]! += (gammas[i] as number) - 0.5 * Math.log(Math.PI * scale) - (shape + 0.5) * Math.log1p(bounded(squared / scale));
      } else {
        const variance = dataVariance * spread;
        logs[i]! -= 0.5 * (Math.log(2 * Math.PI * variance) + bounded(squared / variance));
      }
    }
  }

  /** Lets each run go on, and takes the value into what it expects. */
  function proceed({ runs, logs, lengths, means, scales, gammas }: BayesianOnlineChangePointState, x: number): void {
    let greatest = -Infinity;
    for (let i = 0; i < runs; i += 1) greatest = Math.max(greatest, logs[i] as number);
    let sum = 0;
    for (let i = 0; i < runs; i += 1) sum += Math.exp((logs[i] as number) - greatest);
    const change = logSurvival - greatest - Math.log(sum);
    for (let i = 0; i < runs; i += 1) {
      const weight = priorWeight + (lengths[i] as number);
      const above = x - (means[i] as number);
      logs[i]! += change;
      means[i]! += above / (weight + 1);
      if (learnt) {
        scales[i]! += (above * above * weight) / (2 * (weight + 1));
        gammas[i] = Math.log(1 + (lengths[i] as number) / 2) - (gammas[i] as number);
      }
      lengths[i]! += 1;
    }
  }

  /** The least probable run goes, but never the one from the start. */
  function prune(state: BayesianOnlineChangePointState): void {
    const { logs, lengths, means, scales, gammas } = state;
    let least = 1;
    for (let i = 2; i < state.runs; i += 1) if ((logs[i] as number) < (logs[least] as number)) least = i;
    state.runs -= 1;
    for (let i = least; i < state.runs; i += 1) {
      logs[i] = logs[i + 1] as number;
      lengths[i] = lengths[i + 1] as number;
      means[i] = means[i + 1] as number;
      scales[i] = scales[i + 1] as number;
      gammas[i] = gammas[i + 1] as number;
    }
  }

  function compare(state: BayesianOnlineChangePointState): void {
    let later = -Infinity;
    for (let i = 1; i < state.runs; i += 1) later = Math.max(later, state.logs[i] as number);
    state.lead = later - (state.logs[0] as number);
  }

  return {
    guarantee: "None on false alarms, measured at its defaults 20 in 10,000 standard normal values; its probabilities are right where values are Gaussian and independent and the priors and the hazard are.",

    start() {
      const state = {
        count: 0,
        runs: 0,
        logs: new Float64Array(runsMax),
        lengths: new Float64Array(runsMax),
        means: new Float64Array(runsMax),
        scales: new Float64Array(runsMax),
        gammas: new Float64Array(runsMax),
        lead: 0,
      };
      begin(state, 0);
      return state;
    },

    step(state, value) {
      const x = number("bayesianOnlineChangePoint", value);
      state.count += 1;
      predict(state, x);
      proceed(state, x);
      if (state.runs === runsMax) prune(state);
      begin(state, logHazard);
      compare(state);
      return state;
    },

    read: ({ count, lead }) => ({
      verdict: count < warmup ? "warmup" : lead > 0 ? "drift" : "stable",
      statistic: lead,
      threshold: 0,
    }),
  };
}
