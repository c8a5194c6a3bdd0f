/**
 * CUSUM chart: has the mean of a stream moved away from what it was?
 *
 * Adds up how many standard deviations each value lies above the mean, less a slack, and never lets the sum fall below
 * zero; a second sum does the same downwards. The mean and the standard deviation are given, or learnt from the first
 * `warmup` values and frozen (see baseline.ts). Units: `slack` and `threshold` in standard deviations. Cost: O(1) a value.
 *
 * Source: E. S. Page, Continuous Inspection Schemes, Biometrika 41 (1954). Answers equal river's of 2026. What MOA and
 * frouros call CUSUM measures in the stream's unit from the mean so far: that is page-hinkley.ts with alpha 1, mode "up".
 */
import type { Detector } from "../detector.ts";
import { type Baseline, baselineParameters, learn, standardised, startBaseline } from "./baseline.ts";
import { bounded, number } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const cusumParameters = {
  ...baselineParameters,
  slack: { kind: "number", default: 0.5, min: 0, help: "deviations smaller than this count for nothing; half the shift to be found, in standard deviations" },
  threshold: { kind: "number", default: 5, above: 0, help: "the sum at which to alarm, in standard deviations" },
  mode: { kind: "choice", default: "both", choices: ["up", "down", "both"], help: "which way the mean moves" },
} as const satisfies Parameters;

export type CusumOptions = Options<typeof cusumParameters>;

export interface CusumState {
  readonly baseline: Baseline;
  rise: number;
  fall: number;
}

export function cusum(options: CusumOptions = {}): Detector<CusumState> {
  const settled = settle("cusum", cusumParameters, options);
  const { slack, threshold, mode } = settled;
  return {
    guarantee:
      "One false alarm in 465 independent normal values at its defaults where mean and standard deviation are given (Siegmund 1985); where 30 values teach them none, measured 19 in a stream of 10,000.",

    start: () => ({ baseline: startBaseline(settled), rise: 0, fall: 0 }),

    step(state, value) {
      const x = number("cusum", value);
      if (learn(state.baseline, x, settled)) return state;
      const z = standardised(state.baseline, x);
      state.rise = bounded(Math.max(0, state.rise + z - slack));
      state.fall = bounded(Math.max(0, state.fall - z - slack));
      return state;
    },

    read({ baseline, rise, fall }) {
      const statistic = mode === "up" ? rise : mode === "down" ? fall : Math.max(rise, fall);
      return { verdict: baseline.deviation === 0 ? "warmup" : statistic > threshold ? "drift" : "stable", statistic, threshold };
    },
  };
}
