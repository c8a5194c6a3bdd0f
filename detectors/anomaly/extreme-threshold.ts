/**
 * SPOT: above which value does a stream rise only with a chance of `risk`, whatever its distribution?
 *
 * The first values set a high quantile. What later exceeds it are peaks; a generalised Pareto distribution is fitted to them
 * and gives the threshold for any risk, also one far rarer than anything seen. With `depth` the stream is taken relative to
 * the mean of the last values that were no alarms (DSPOT), for a stream that drifts. At most `peaksMax` peaks are kept, the
 * oldest go first. Upper side only: give -x for the lower one.
 *
 * One thing differs from the paper, which learns nothing from an alarm. That cuts the tail off again and again, and the rate
 * of alarms creeps to 3 to 13 times the risk (measured at 1e-3 and 1e-4 on normal, exponential and Pareto streams). Here the
 * first alarm of a row of alarms is learnt as a peak of the height that the fit expects of one that passes the threshold,
 * however high it was: 1 to 1.8 times the risk. Below it for tails that end abruptly, as a uniform stream's does.
 *
 * Units: values and thresholds in the stream's unit. Cost: O(1) a value; a fit, O(60 peaks) logarithms, now and then (each
 * time the peaks have grown or been renewed by a tenth); 8 bytes a peak and a calibration value.
 * Source: A. Siffer, P.-A. Fouque, A. Termier and C. Largouet, Anomaly detection in streams with extreme value theory,
 * KDD 2017.
 */
import { paretoFit, paretoQuantile } from "./generalised-pareto.ts";

export interface ExtremeThresholdOptions {
  /** Chance of an alarm at a value while nothing has changed, between 0 and 1 - quantile. */
  readonly risk?: number;
  /** Of the calibration values, above which a value is a peak. */
  readonly quantile?: number;
  /** Values before the first threshold. */
  readonly calibration?: number;
  readonly peaksMax?: number;
  /** Values whose mean is the local level; 0 for none. */
  readonly depth?: number;
}

export interface ExtremeThresholdState {
  /** Calibration values, then unused. */
  readonly first: Float64Array;
  /** The last values that were no alarms. */
  readonly local: Float64Array;
  localCount: number;
  localSum: number;
  /** Values judged or learnt since the calibration began, alarms left out. */
  count: number;
  /** Excesses over `base`, a ring. */
  readonly peaks: Float64Array;
  peakCount: number;
  base: number;
  scale: number;
  shape: number;
  /** Peaks that the last fit knew. */
  fitted: number;
  /** Whether the newest value was above the threshold. */
  alarm: boolean;
}

export interface ExtremeThreshold {
  start(): ExtremeThresholdState;
  /** Consumes `state`. Throws a RangeError for a value that is not finite. */
  step(state: ExtremeThresholdState, value: number): ExtremeThresholdState;
  /** What the next value passes with the chance `risk` (that of the options by default); undefined during the calibration. */
  threshold(state: ExtremeThresholdState, risk?: number): number | undefined;
}

/** Tails heavier than this have no mean worth the name. */
const shapeMax = 0.8;

export function extremeThreshold({ risk = 1e-4, quantile = 0.98, calibration = 500, peaksMax = 200, depth = 0 }: ExtremeThresholdOptions = {}): ExtremeThreshold {
  if (!(quantile > 0 && quantile < 1)) throw new RangeError(`extremeThreshold: quantile must be between 0 and 1, got ${quantile}`);
  const checkRisk = (value: number): void => {
    if (!(value > 0 && value < 1 - quantile)) throw new RangeError(`extremeThreshold: risk must be between 0 and 1 - quantile = ${1 - quantile}, got ${value}`);
  };
  checkRisk(risk);
  for (const [name, value, min] of [["calibration", calibration, 10], ["peaksMax", peaksMax, 10], ["depth", depth, 0]] as const) {
    if (!Number.isInteger(value) || value < min) throw new RangeError(`extremeThreshold: ${name} must be a whole number, ${min} or more, got ${value}`);
  }

  const level = (state: ExtremeThresholdState): number => (state.localCount === 0 ? 0 : state.localSum / Math.min(state.localCount, depth));

  function remember(state: ExtremeThresholdState, value: number): void {
    if (depth === 0) return;
    const at = state.localCount % depth;
    state.localSum += value - (state.localCount >= depth ? (state.local[at] as number) : 0);
    state.local[at] = value;
    state.localCount += 1;
    // A running sum gathers rounding errors; a fresh one now and then does not.
    if (at === depth - 1) state.localSum = state.local.reduce((sum, each) => sum + each, 0);
  }

  function addPeak(state: ExtremeThresholdState, excess: number): void {
    state.peaks[state.peakCount % peaksMax] = excess;
    state.peakCount += 1;
  }

  function fit(state: ExtremeThresholdState): void {
    const { scale, shape } = paretoFit(state.peaks, Math.min(state.peakCount, peaksMax));
    state.scale = scale;
    state.shape = shape;
    state.fitted = state.peakCount;
  }

  /** How far a value that passes the bound goes beyond it, on average. */
  function meanBeyond({ base, scale, shape }: ExtremeThresholdState, bound: number): number {
    return (scale + shape * (bound - base)) / (1 - Math.min(shape, shapeMax));
  }

  function learn(state: ExtremeThresholdState, off: number): void {
    state.count += 1;
    if (!(off > state.base)) return;
    addPeak(state, off - state.base);
    if (state.peakCount - state.fitted >= Math.max(1, Math.min(state.fitted, peaksMax) / 10)) fit(state);
  }

  /** The calibration is complete: the base, and the first peaks. */
  function calibrate(state: ExtremeThresholdState): void {
    const sorted = state.first.toSorted();
    state.base = sorted[Math.min(calibration - 1, Math.floor(quantile * calibration))] as number;
    for (const value of state.first) if (value > state.base) addPeak(state, value - state.base);
    if (state.peakCount > 0) fit(state);
  }

  /** Above the local level; the share of peaks among all values fixes how far out in the tail the risk lies. */
  function excessAt(state: ExtremeThresholdState, chance: number): number {
    if (state.peakCount === 0) return state.base;
    const share = state.peakCount / state.count;
    return state.base + paretoQuantile(Math.min(1, chance / share), state.scale, state.shape);
  }

  return {
    start: () => ({
      first: new Float64Array(calibration),
      local: new Float64Array(depth),
      localCount: 0,
      localSum: 0,
      count: 0,
      peaks: new Float64Array(peaksMax),
      peakCount: 0,
      base: 0,
      scale: 0,
      shape: 0,
      fitted: 0,
      alarm: false,
    }),

    step(state, value) {
      if (!Number.isFinite(value)) throw new RangeError(`extremeThreshold: expected a finite number, got ${value}`);
      if (state.localCount < depth) {
        remember(state, value);
        return state;
      }
      const off = value - level(state);
      if (state.count >= calibration) {
        const bound = excessAt(state, risk);
        const before = state.alarm;
        state.alarm = off > bound;
        if (state.alarm) {
          if (!before) learn(state, bound + meanBeyond(state, bound));
          return state;
        }
      }
      remember(state, value);
      if (state.count < calibration) {
        state.first[state.count] = off;
        state.count += 1;
        if (state.count === calibration) calibrate(state);
        return state;
      }
      learn(state, off);
      return state;
    },

    threshold(state, chance = risk) {
      checkRisk(chance);
      return state.count < calibration ? undefined : level(state) + excessAt(state, chance);
    },
  };
}
