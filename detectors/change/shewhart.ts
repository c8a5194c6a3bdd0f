/**
 * Shewhart chart: does one value lie too far from the mean to be one of the usual?
 *
 * It sees large jumps at once and small lasting ones hardly ever. The mean and the standard deviation are given, or learnt
 * from the first `warmup` values and frozen (see baseline.ts). Units: `threshold` in standard deviations. Cost: O(1) a value.
 *
 * Source: W. A. Shewhart, Economic Control of Quality of Manufactured Product (1931). Answers equal river's of 2026.
 */
import type { Detector } from "../detector.ts";
import { type Baseline, baselineParameters, learn, standardised, startBaseline } from "./baseline.ts";
import { number } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const shewhartParameters = {
  ...baselineParameters,
  threshold: { kind: "number", default: 3, above: 0, help: "how far from the mean is too far, in standard deviations" },
  mode: { kind: "choice", default: "both", choices: ["up", "down", "both"], help: "on which side of the mean" },
} as const satisfies Parameters;

export type ShewhartOptions = Options<typeof shewhartParameters>;

export interface ShewhartState {
  readonly baseline: Baseline;
  /** Of the last value, in standard deviations. */
  distance: number;
}

export function shewhart(options: ShewhartOptions = {}): Detector<ShewhartState> {
  const settled = settle("shewhart", shewhartParameters, options);
  const { threshold, mode } = settled;
  return {
    guarantee:
      "One false alarm in 370 independent normal values at its defaults where mean and standard deviation are given; where 30 values teach them none, measured 15 in a stream of 10,000 and as much as they mislead.",

    start: () => ({ baseline: startBaseline(settled), distance: 0 }),

    step(state, value) {
      const x = number("shewhart", value);
      if (!learn(state.baseline, x, settled)) state.distance = standardised(state.baseline, x);
      return state;
    },

    read({ baseline, distance }) {
      const statistic = mode === "up" ? distance : mode === "down" ? -distance : Math.abs(distance);
      return { verdict: baseline.deviation === 0 ? "warmup" : statistic > threshold ? "drift" : "stable", statistic, threshold };
    },
  };
}
