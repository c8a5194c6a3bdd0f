/**
 * How often do candidate and primary answer the same request differently, and is that more than allowed? For shadow pairs
 * where nobody knows yet who is right. Evidence: a bet on all greater rates (rate-evidence.ts); the effect is the rate less
 * what is allowed, with the confidence sequence of a rate (rate-sequence.ts). Grouped, the first pair of a group stands for
 * it; a pair of batches differs in part, which evidence takes as well as the whole (rate-evidence.ts).
 */
import { rateSequence } from "../guarantee/rate-sequence.ts";
import type { Comparison } from "./comparison.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";
import { evidenceAbove } from "./rate-evidence.ts";

export interface DisagreementState {
  readonly groups: Groups;
  events: number;
  pairs: number;
  different: number;
}

/** @param allowed ratio of pairs, above 0 and below 1. Cost: O(1) a pair. */
export function disagreement({ allowed, grouping = "each" }: { readonly allowed: number; readonly grouping?: Grouping }): Comparison<{ readonly different: boolean | number; readonly group?: number }, DisagreementState> {
  if (!(allowed > 0 && allowed < 1)) throw new RangeError(`disagreement: allowed must be above 0 and below 1, got ${allowed}`);
  return {
    guarantee: `While a pair differs with probability ${allowed} at most, the evidence ever reaches 1/alpha with probability alpha at most, however often one looks.`,
    start: () => ({ groups: noGroups(grouping), events: 0, pairs: 0, different: 0 }),
    step(state, { different, group }) {
      state.events += 1;
      if (!isFirst(state.groups, grouping, group)) return state;
      state.pairs += 1;
      state.different += Number(different);
      return state;
    },
    logEvidence: ({ pairs, different }) => evidenceAbove(allowed, different, pairs - different),
    effect: ({ pairs, different }) => (pairs === 0 ? undefined : different / pairs - allowed),
    interval({ pairs, different }, alpha) {
      const { lower, upper } = rateSequence(different, pairs, alpha, { nOpt: 1_000 });
      return { lower: lower - allowed, upper: upper - allowed };
    },
    seen: ({ events, pairs }) => ({ events, effective: pairs }),
  };
}
