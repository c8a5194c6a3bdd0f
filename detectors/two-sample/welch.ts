/**
 * Welch's t test, two-sided: do the means of two samples differ, whatever their variances? The statistic is positive where
 * the first one's is the greater. Student's t with Satterthwaite's degrees of freedom; near its promise from some thirty
 * values a sample on, or fewer where they are about normal. Cost: O(n). Samples without any spread: see separation.ts.
 *
 * Source: B. Welch, The generalization of Student's problem when several different population variances are involved (1947).
 */
import { studentSurvival } from "../special/student.ts";
import { separation } from "./separation.ts";
import type { TestResult } from "./test-result.ts";

/** @throws RangeError for fewer than two values a sample and for one that is not a finite number. */
export function welch(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  // Values far from 0 keep their digits when they are counted from one of them.
  const origin = a[0] ?? 0;
  const [first, second] = [meanAndError(a, origin), meanAndError(b, origin)];
  const squared = first.errorSquared + second.errorSquared;
  if (!Number.isFinite(squared)) throw new RangeError("welch: expected values whose squares are finite, got larger ones");
  if (squared === 0) return separation(Math.sign(first.mean - second.mean), a.length, b.length);
  const statistic = (first.mean - second.mean) / Math.sqrt(squared);
  // As ratios, since the squares of small variances are out of a double's range.
  const degrees = 1 / ((first.errorSquared / squared) ** 2 / (a.length - 1) + (second.errorSquared / squared) ** 2 / (b.length - 1));
  return { statistic, p: 2 * studentSurvival(Math.abs(statistic), degrees) };
}

/** The mean, counted from `origin`, and the square of its standard error. */
function meanAndError(sample: ArrayLike<number>, origin: number): { readonly mean: number; readonly errorSquared: number } {
  const count = sample.length;
  if (count < 2) throw new RangeError(`welch: expected two values or more a sample, got ${count}`);
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const value = sample[index] as number;
    if (!Number.isFinite(value)) throw new RangeError(`welch: expected finite numbers, got ${value}`);
    sum += value - origin;
  }
  const mean = sum / count;
  let squares = 0;
  for (let index = 0; index < count; index += 1) squares += ((sample[index] as number) - origin - mean) ** 2;
  return { mean, errorSquared: squares / (count - 1) / count };
}
