/**
 * What a control chart holds its values to: a mean and a standard deviation, either given or learnt from the first values
 * and then frozen.
 *
 * Learnt by Welford's sums (B. P. Welford, Technometrics 4, 1962), with n - 1. A standard deviation of zero says nothing
 * about the scale, so learning goes on until two values differ. Thirty values make a poor standard deviation, with a
 * standard error of 13 %, and a chart on it alarms falsely for as long as it errs: take both from a reference where there is
 * one.
 */
import { bounded } from "./domain.ts";

export interface Baseline {
  count: number;
  mean: number;
  squares: number;
  /** The standard deviation; 0 until it is known. */
  deviation: number;
}

export const baselineParameters = {
  warmup: { kind: "integer", default: 30, min: 2, help: "values that teach the mean and the standard deviation, unless both are given" },
  mean: { kind: "number", default: "learnt", help: "of the stream while it is normal" },
  standardDeviation: { kind: "number", default: "learnt", above: 0, help: "of the stream while it is normal" },
} as const;

export interface BaselineOptions {
  readonly warmup: number;
  readonly mean: number | "learnt";
  readonly standardDeviation: number | "learnt";
}

export function startBaseline({ mean, standardDeviation }: BaselineOptions): Baseline {
  const known = mean !== "learnt" && standardDeviation !== "learnt";
  return { count: 0, mean: known ? mean : 0, squares: 0, deviation: known ? standardDeviation : 0 };
}

/** Takes a value in; false where the baseline was complete before it, so that the value is to be judged. */
export function learn(baseline: Baseline, value: number, { warmup, mean, standardDeviation }: BaselineOptions): boolean {
  if (baseline.deviation > 0) return false;
  baseline.count += 1;
  const before = value - baseline.mean;
  baseline.mean += before / baseline.count;
  baseline.squares += before * (value - baseline.mean);
  if (baseline.count < warmup || !(baseline.squares > 0)) return true;
  baseline.deviation = standardDeviation === "learnt" ? Math.sqrt(baseline.squares / (baseline.count - 1)) : standardDeviation;
  if (mean !== "learnt") baseline.mean = mean;
  return true;
}

/** How many standard deviations a value lies above the mean. */
export function standardised({ mean, deviation }: Baseline, value: number): number {
  return bounded((value - mean) / deviation);
}
