/**
 * Two samples that lie wholly apart, all values of one on the same side of all values of the other.
 *
 * Nothing that `n` and `m` values can do is less likely than that; where an approximation says less of its own far tail, this
 * is the better answer.
 */
import { logChoose } from "../special/binomial.ts";
import type { TestResult } from "./test-result.ts";

/** The chance that rows dealt at random into `n` and `m` fall apart as cleanly, either way round. */
export function separationProbability(n: number, m: number): number {
  return Math.min(1, 2 * Math.exp(-logChoose(n + m, n)));
}

/**
 * What remains to say where neither sample has any spread: the difference is infinitely many standard errors.
 * @param direction the sign of the statistic; 0 where the samples are the same.
 */
export function separation(direction: number, n: number, m: number): TestResult {
  return direction === 0 ? { statistic: 0, p: 1 } : { statistic: direction * Infinity, p: separationProbability(n, m) };
}
