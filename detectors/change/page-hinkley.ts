/**
 * Page-Hinkley test: has the mean of a stream risen, or fallen?
 *
 * Adds up how far each value lies above the mean so far, less a slack `delta`, and compares the sum with the least it has
 * ever been; for a fall the other way round. With `alpha` below 1 old deviations fade.
 *
 * Sources: E. S. Page, Continuous Inspection Schemes, Biometrika 41 (1954); D. Hinkley, Biometrika 58 (1971). The
 * forgetting factor is river's, and so are the answers where it is given.
 */
import type { Detector } from "../detector.ts";

export interface PageHinkleyOptions {
  /** Slack, in the stream's unit: deviations smaller than this count for nothing. */
  readonly delta: number;
  /** The sum at which to alarm, in the stream's unit times values. */
  readonly lambda: number;
  /** Values before the first alarm. */
  readonly warmup: number;
  readonly direction: "up" | "down" | "both";
  /** What is kept of the sum at each value; 1 forgets nothing. */
  readonly alpha?: number;
}

export interface PageHinkleyState {
  readonly count: number;
  readonly mean: number;
  readonly rise: number;
  readonly riseMin: number;
  readonly fall: number;
  readonly fallMax: number;
}

/** Cost: O(1) a value. */
export function pageHinkley({ delta, lambda, warmup, direction, alpha = 1 }: PageHinkleyOptions): Detector<PageHinkleyState> {
  if (!(delta >= 0)) throw new RangeError(`pageHinkley: delta must be 0 or more, got ${delta}`);
  if (!(lambda > 0)) throw new RangeError(`pageHinkley: lambda must be above 0, got ${lambda}`);
  if (!(warmup >= 1)) throw new RangeError(`pageHinkley: warmup must be 1 or more, got ${warmup}`);
  if (!(alpha > 0 && alpha <= 1)) throw new RangeError(`pageHinkley: alpha must be above 0 and at most 1, got ${alpha}`);
  return {
    guarantee: "None on false alarms: lambda buys fewer of them with slower ones.",

    start: () => ({ count: 0, mean: 0, rise: 0, riseMin: 0, fall: 0, fallMax: 0 }),

    step(state, value) {
      if (!Number.isFinite(value)) throw new RangeError(`pageHinkley: expected a finite number, got ${value}`);
      const count = state.count + 1;
      const mean = state.mean + (value - state.mean) / count;
      const rise = alpha * state.rise + value - mean - delta;
      const fall = alpha * state.fall + value - mean + delta;
      return { count, mean, rise, riseMin: Math.min(state.riseMin, rise), fall, fallMax: Math.max(state.fallMax, fall) };
    },

    read({ count, rise, riseMin, fall, fallMax }) {
      const up = direction === "down" ? 0 : rise - riseMin;
      const down = direction === "up" ? 0 : fallMax - fall;
      const statistic = Math.max(up, down);
      return { verdict: count < warmup ? "warmup" : statistic > lambda ? "drift" : "stable", statistic, threshold: lambda };
    },
  };
}
