/**
 * EWMA chart: has the moving average of a stream, the newest values weighing most, left the mean?
 *
 * The average is held to `threshold` of its own standard deviations, which grow from the first value on to a limit. The
 * mean and the standard deviation of the values are given, which is Roberts' chart; or they are learnt, as the mean of all
 * so far and a variance in which the newest values weigh most, so that the chart slowly takes a change for the new normal.
 * Cost: O(1) a value, 40 bytes.
 *
 * Source: S. W. Roberts, Control Chart Tests Based on Geometric Moving Averages, Technometrics 1 (1959); the variance by
 * T. Finch, Incremental Calculation of Weighted Mean and Variance (2009). Learnt, its answers equal river's of 2026.
 */
import type { Detector } from "../detector.ts";
import { number } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const ewmaParameters = {
  alpha: { kind: "number", default: 0.1, above: 0, max: 1, help: "weight of the newest value" },
  threshold: { kind: "number", default: 4, above: 0, help: "how far from the mean is too far, in standard deviations of the average" },
  warmup: { kind: "integer", default: 30, min: 1, help: "values before the first alarm, unless mean and standard deviation are given" },
  mean: { kind: "number", default: "learnt", help: "of the stream while it is normal" },
  standardDeviation: { kind: "number", default: "learnt", above: 0, help: "of the stream while it is normal" },
  mode: { kind: "choice", default: "both", choices: ["up", "down", "both"], help: "which way the mean moves" },
} as const satisfies Parameters;

export type EwmaOptions = Options<typeof ewmaParameters>;

export interface EwmaState {
  count: number;
  mean: number;
  average: number;
  variance: number;
  /** (1 - alpha)^(2 count): what the average still lacks of its final variance. */
  lacking: number;
}

export function ewma(options: EwmaOptions = {}): Detector<EwmaState> {
  const { alpha, threshold, warmup, mean: meanGiven, standardDeviation, mode } = settle("ewma", ewmaParameters, options);
  const first = meanGiven !== "learnt" && standardDeviation !== "learnt" ? 1 : warmup;
  return {
    guarantee: "None; measured at its defaults, 1.2 false alarms in a stream of 10,000 independent normal values, 0.5 where mean and standard deviation are given.",

    start: () => ({ count: 0, mean: 0, average: meanGiven === "learnt" ? 0 : meanGiven, variance: 0, lacking: 1 }),

    step(state, value) {
      const x = number("ewma", value);
      if (state.count === 0 && meanGiven === "learnt") state.average = x;
      state.count += 1;
      state.mean += (x - state.mean) / state.count;
      const above = x - state.average;
      state.average += alpha * above;
      state.variance = (1 - alpha) * (state.variance + alpha * above * above);
      state.lacking = state.lacking < 1e-20 ? 0 : state.lacking * (1 - alpha) ** 2;
      return state;
    },

    read({ count, mean, average, variance, lacking }) {
      const above = average - (meanGiven === "learnt" ? mean : meanGiven);
      const statistic = mode === "up" ? above : mode === "down" ? -above : Math.abs(above);
      const spread = standardDeviation === "learnt" ? variance : standardDeviation ** 2;
      const limit = threshold * Math.sqrt(((spread * alpha) / (2 - alpha)) * (1 - lacking));
      return { verdict: count < first ? "warmup" : statistic > limit ? "drift" : "stable", statistic, threshold: limit };
    },
  };
}
