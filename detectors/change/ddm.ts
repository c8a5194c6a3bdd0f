/**
 * Drift detection method: has the error rate of a model risen above the lowest it has been?
 *
 * Keeps the error rate p, its standard deviation s, and both where p + s was least. Values: 1 for a mistake, 0 for none.
 * Cost: O(1) a value.
 *
 * Source: J. Gama, P. Medas, G. Castillo and P. Rodrigues, Learning with Drift Detection, SBIA 2004. Answers equal
 * river's, which begins to look after `warmup` values; frouros begins one earlier.
 */
import type { Detector } from "../detector.ts";
import { bit } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const ddmParameters = {
  warmup: { kind: "integer", default: 30, min: 1, help: "values before the first alarm" },
  warning: { kind: "number", default: 2, above: 0, help: "standard deviations above the lowest rate that warn" },
  drift: { kind: "number", default: 3, above: 0, help: "standard deviations above the lowest rate that alarm" },
} as const satisfies Parameters;

export type DdmOptions = Options<typeof ddmParameters>;

export interface DdmState {
  count: number;
  errors: number;
  /** p and s where p + s was least; until the warm-up is over 1 and 1, more than they can be. */
  rateMin: number;
  deviationMin: number;
}

export function ddm(options: DdmOptions = {}): Detector<DdmState> {
  const { warmup, warning, drift } = settle("ddm", ddmParameters, options);
  return {
    guarantee: "None; measured at its defaults, 1 false alarm in a stream of 10,000 values at an error rate of 0.1, most of them in the first 1,000.",

    start: () => ({ count: 0, errors: 0, rateMin: 1, deviationMin: 1 }),

    step(state, value) {
      state.errors += bit("ddm", value);
      state.count += 1;
      if (state.count <= warmup) return state;
      const rate = state.errors / state.count;
      const deviation = Math.sqrt((rate * (1 - rate)) / state.count);
      if (rate + deviation > state.rateMin + state.deviationMin) return state;
      state.rateMin = rate;
      state.deviationMin = deviation;
      return state;
    },

    read({ count, errors, rateMin, deviationMin }) {
      const threshold = rateMin + drift * deviationMin;
      if (count <= warmup) return { verdict: "warmup", statistic: 0, threshold };
      const rate = errors / count;
      const statistic = rate + Math.sqrt((rate * (1 - rate)) / count);
      const verdict = statistic > threshold ? "drift" : statistic > rateMin + warning * deviationMin ? "warning" : "stable";
      return { verdict, statistic, threshold };
    },
  };
}
