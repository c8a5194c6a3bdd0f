/** A rollout and its judge as series. They vanish when it is over; the judge's also when nothing is heard of it any more. */
import { instruments } from "../../exporters/instruments.ts";
import type { Meter } from "../../exporters/meter.ts";
import { verdicts, type RolloutVerdict } from "../../detectors/judge/verdict.ts";
import type { Point } from "../observation.ts";
import type { RolloutView } from "../rollout-view.ts";
import { rolloutPhases, type TrialReading } from "../trial.ts";

export interface RolloutSeries {
  readonly shown: (view: RolloutView) => void;
  readonly read: (reading: TrialReading, verdict: RolloutVerdict | undefined) => void;
  /** It was promoted or taken back. */
  readonly ended: (result: "promoted" | "aborted", reason: string) => void;
  /** Nothing is so any more. */
  readonly over: () => void;
}

const judged = [
  instruments.rolloutVerdict, instruments.rolloutEvidence, instruments.rolloutThreshold, instruments.rolloutEffect, instruments.rolloutEffectBound, instruments.rolloutEvents,
] as const;
const levels = [instruments.rolloutPhase, instruments.rolloutWeight, instruments.rolloutStep, instruments.rolloutStepUntil] as const;
/** The judge speaks each second. */
const readingTtlMs = 60_000;

/** @param model its name now. */
export function rolloutSeries(meter: Meter, model: () => string): RolloutSeries {
  return {
    shown({ phase, weight, step, timeBoxUntilWallMs }) {
      for (const instrument of levels) meter.drop(instrument);
      const labels = { model: model() };
      meter.oneHot(instruments.rolloutPhase, labels, "phase", rolloutPhases, phase);
      meter.gauge(instruments.rolloutWeight, labels).set(weight);
      meter.gauge(instruments.rolloutStep, labels).set(step);
      meter.gauge(instruments.rolloutStepUntil, labels).set(timeBoxUntilWallMs === undefined ? Number.NaN : timeBoxUntilWallMs / 1_000);
      if (phase === "promoted") for (const instrument of judged) meter.drop(instrument);
    },
    read(reading, verdict) {
      const name = model();
      const points: Point[] = verdicts.map((one) => ({ instrument: instruments.rolloutVerdict, labels: { model: name, verdict: one }, value: one === verdict ? 1 : 0 }));
      for (const { name: comparison, log10Evidence, threshold, effect, low, high, events, effective } of reading.comparisons) {
        const labels = { model: name, comparison };
        points.push(
          { instrument: instruments.rolloutEvidence, labels, value: log10Evidence },
          { instrument: instruments.rolloutThreshold, labels, value: threshold },
          { instrument: instruments.rolloutEvents, labels: { ...labels, judged: "all" }, value: events },
          { instrument: instruments.rolloutEvents, labels: { ...labels, judged: "effective" }, value: effective },
        );
        if (effect !== undefined) points.push({ instrument: instruments.rolloutEffect, labels, value: effect });
        if (low !== undefined) points.push({ instrument: instruments.rolloutEffectBound, labels: { ...labels, bound: "lower" }, value: low });
        if (high !== undefined) points.push({ instrument: instruments.rolloutEffectBound, labels: { ...labels, bound: "upper" }, value: high });
      }
      meter.observe(points, readingTtlMs);
    },
    ended: (result, reason) => meter.counter(instruments.rollouts, { model: model(), result, reason }).add(),
    over() {
      for (const instrument of [...levels, ...judged]) meter.drop(instrument);
    },
  };
}
