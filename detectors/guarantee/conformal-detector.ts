/**
 * The conformal e-detector as a change detector like the others: numbers in, a verdict out. There is no warm-up, since it
 * knows from the reference what is normal.
 *
 * Statistic and threshold are decimal logarithms, the statistic never below 0: evidence of less than 1 is none.
 */
import { conformalEDetector, type ConformalState } from "./conformal-e-detector.ts";
import { falseAlarmThreshold } from "./evidence.ts";
import type { Detector } from "../detector.ts";
import { cellOf, type FeatureReference, type Value } from "../reference/reference.ts";

export interface ConformalDetectorOptions {
  /** At most one false alarm is expected in so many values. */
  readonly samplesPerFalseAlarm: number;
  /** Of the generator that breaks ties. */
  readonly seed?: number;
}

export interface ConformalDetector extends Detector<ConformalState> {
  start(after?: ConformalState): ConformalState;
  /** As `step`, for whatever a feature may send, null and text among it. */
  stepValue(state: ConformalState, value: Value, season?: number): ConformalState;
}

/** Cost: that of finding the cell, and 0.1 microseconds. */
export function conformalDetector(reference: FeatureReference, { samplesPerFalseAlarm, seed = 1 }: ConformalDetectorOptions): ConformalDetector {
  if (!(samplesPerFalseAlarm >= 1)) throw new RangeError(`conformalDetector: samplesPerFalseAlarm must be 1 or more, got ${samplesPerFalseAlarm}`);
  if (!Number.isInteger(seed)) throw new RangeError(`conformalDetector: seed must be a whole number, got ${seed}`);
  const detector = conformalEDetector(reference, { seed });
  const threshold = Math.log10(falseAlarmThreshold(1, samplesPerFalseAlarm));
  return {
    guarantee: `While values keep coming as the reference's rows did, independent of each other, an alarm within t values has a probability of t/${samplesPerFalseAlarm} at most.`,

    start: (after) => detector.start(after),

    step(state, value) {
      if (!Number.isFinite(value)) throw new RangeError(`conformalDetector: expected a finite number, got ${value}`);
      return detector.step(state, cellOf(reference, value));
    },

    stepValue: (state, value, season) => detector.step(state, cellOf(reference, value), season),

    read(state) {
      const statistic = Math.max(0, detector.logEvidence(state) / Math.LN10);
      return { verdict: statistic >= threshold ? "drift" : "stable", statistic, threshold };
    },
  };
}
