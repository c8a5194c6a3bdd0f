/**
 * By how much do the candidate's numbers (scores, latencies, losses) differ from the primary's for the same request, on
 * average? For shadow pairs.
 *
 * Differences are taken between two known ends, and one beyond an end counts as that end: the statement is of differences so
 * cut, and needs nothing else of their distribution. Evidence: a gamma-exponential mixture over the deviations of the sum
 * from what no difference would give, measured by how much the differences do vary (mean-sequence.ts has the interval that
 * goes with it). Grouped, the first pair of a group stands for it.
 *
 * Source: S. Howard et al., Time-uniform confidence sequences, Annals of Statistics 49 (2021), theorem 4.
 */
import { averageEvidence } from "../guarantee/e-values.ts";
import { gammaExponential } from "../guarantee/gamma-exponential.ts";
import { meanSequence, type MeanSequenceState } from "../guarantee/mean-sequence.ts";
import type { Comparison } from "./comparison.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";

export interface PairedDifferenceOptions {
  /** The greatest difference, above 0, that is told from a greater one; in the numbers' unit. */
  readonly most: number;
  /** Which way is worse. */
  readonly worse?: "higher" | "lower" | "either";
  readonly grouping?: Grouping;
}

export interface PairedDifferenceState {
  readonly groups: Groups;
  events: number;
  difference: MeanSequenceState;
}

export interface PairedNumbers {
  /** Finite. */
  readonly candidate: number;
  readonly primary: number;
  readonly group?: number;
}

/** Effects are in the numbers' unit; for `either` their size. Cost: O(1) a pair; evidence and interval take 0.3 ms. */
export function pairedDifference({ most, worse = "either", grouping = "each" }: PairedDifferenceOptions): Comparison<PairedNumbers, PairedDifferenceState> {
  if (!(most > 0 && most < Infinity)) throw new RangeError(`pairedDifference: most must be above 0, got ${most}`);
  const means = (alpha: number) => meanSequence({ alpha, low: -most, high: most });
  // How wide an interval is asked for does not matter to what is counted.
  const counted = means(0.5);
  const mixture = gammaExponential({ c: 1, vOpt: 20 });
  const sign = worse === "lower" ? -1 : 1;
  const signed = (mean: number): number => (worse === "either" ? Math.abs(mean) : sign * mean);

  return {
    guarantee: `While the candidate's numbers are ${worse === "either" ? "neither higher nor lower" : `not ${worse}`} on average, given all before, the evidence ever reaches 1/alpha with probability alpha at most, however often one looks.`,
    start: () => ({ groups: noGroups(grouping), events: 0, difference: counted.start() }),
    step(state, { candidate, primary, group }) {
      if (!Number.isFinite(candidate) || !Number.isFinite(primary)) throw new RangeError(`pairedDifference: expected finite numbers, got ${candidate} and ${primary}`);
      state.events += 1;
      if (isFirst(state.groups, grouping, group)) state.difference = counted.step(state.difference, Math.min(most, Math.max(-most, candidate - primary)));
      return state;
    },
    logEvidence({ difference: { count, mean, variance } }) {
      if (count === 0) return 0;
      const sum = (count * mean) / (2 * most);
      if (worse !== "either") return mixture.logEvidence(sign * sum, variance);
      return averageEvidence([mixture.logEvidence(sum, variance), mixture.logEvidence(-sum, variance)]);
    },
    effect: ({ difference }) => (difference.count === 0 ? undefined : signed(difference.mean)),
    interval({ difference }, alpha) {
      const { lower, upper } = means(alpha).read(difference);
      if (worse === "either") return { lower: Math.max(0, lower, -upper), upper: Math.max(upper, -lower) };
      return sign > 0 ? { lower, upper } : { lower: -upper, upper: -lower };
    },
    seen: ({ events, difference }) => ({ events, effective: difference.count }),
  };
}
