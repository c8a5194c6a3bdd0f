/**
 * ECDD: has the error rate of a model risen, by an EWMA chart for 0 and 1?
 *
 * The moving average of the mistakes is held to the rate so far plus some of its own standard deviations, and how many is
 * chosen for each rate so that false alarms come once in `averageRunLength` values. Values: 1 for a mistake, 0 for none.
 * Cost: O(1) a value, 24 bytes.
 *
 * Source: G. Ross, N. Adams, D. Tasoulis and D. Hand, Exponentially Weighted Moving Average Charts for Detecting Concept
 * Drift, Pattern Recognition Letters 33 (2012), with its polynomials for lambda 0.2 and its warning (ECDD-WT). Measured
 * with them, a false alarm comes in 190 to 440 values for 400, in 36 to 136 for 100, and in 37 to 570 for 1000, whose
 * printed coefficients can not be right; error rates from 0.01 to 0.4. Answers equal frouros'.
 */
import type { Detector } from "../detector.ts";
import { bit } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const ecddParameters = {
  warmup: { kind: "integer", default: 30, min: 1, help: "values before the first alarm" },
  lambda: { kind: "number", default: 0.2, above: 0, max: 1, help: "weight of the newest value; the run lengths are those of 0.2" },
  averageRunLength: { kind: "integer", default: 400, choices: ["100", "400", "1000"], help: "values between false alarms: 100, 400 or 1000" },
  warning: { kind: "number", default: 0.5, above: 0, max: 1, help: "share of the limit that warns" },
} as const satisfies Parameters;

export type EcddOptions = Options<typeof ecddParameters>;

export interface EcddState {
  count: number;
  errors: number;
  average: number;
  /** (1 - lambda)^(2 t) after t values. */
  lacking: number;
}

/** Coefficients of 1, p, p^3, p^5 and p^7. */
const limits = {
  100: [2.76, -6.23, 18.12, -312.45, 1002.18],
  400: [3.97, -6.56, 48.73, -330.13, 848.18],
  1000: [1.17, 7.56, -21.24, 112.12, -987.23],
} as const;

const measured = { 100: "36 to 136", 400: "190 to 440", 1000: "37 to 570" } as const;

export function ecdd(options: EcddOptions = {}): Detector<EcddState> {
  const { warmup, lambda, averageRunLength, warning } = settle("ecdd", ecddParameters, options);
  const [a, b, c, d, e] = limits[averageRunLength as keyof typeof limits];
  return {
    guarantee: `The paper promises a false alarm in about ${averageRunLength} values; measured at error rates from 0.01 to 0.4 it is one in ${measured[averageRunLength as keyof typeof limits]}, and above 0.5 it hears nothing or too much.`,

    start: () => ({ count: 0, errors: 0, average: 0, lacking: 1 }),

    step(state, value) {
      const x = bit("ecdd", value);
      state.count += 1;
      state.errors += x;
      state.average += lambda * (x - state.average);
      state.lacking = state.lacking < 1e-20 ? 0 : state.lacking * (1 - lambda) ** 2;
      return state;
    },

    read({ count, errors, average, lacking }) {
      if (count < warmup) return { verdict: "warmup", statistic: 0, threshold: 0 };
      const rate = errors / count;
      const square = rate * rate;
      const threshold = a + rate * (b + square * (c + square * (d + square * e)));
      const deviation = Math.sqrt((lambda / (2 - lambda)) * (1 - lacking) * rate * (1 - rate));
      if (deviation === 0) return { verdict: "stable", statistic: 0, threshold };
      const statistic = (average - rate) / deviation;
      return { verdict: statistic > threshold ? "drift" : statistic > warning * threshold ? "warning" : "stable", statistic, threshold };
    },
  };
}
