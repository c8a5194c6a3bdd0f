/**
 * Shadow pairs: both sides were given the same request, and one may have answered worse: failed where the other did not, was
 * later than it by more than allowed, or was wrong where the other was right, once the actual has come. Pairs in which both
 * did alike say nothing; of the others, the candidate is worse in r / (1 + r) where it is worse r times as often as it is
 * better. As the same request meets both sides, no difference between requests has to be averaged out: twenty in a hundred
 * against two are seen within a hundred pairs. Grouped, the evidence has each key's first pair that differs, the interval
 * its first pair.
 *
 * The evidence is that of McNemar's test made sequential (share-evidence.ts, at a weight of a half). The effect is how much
 * more often the candidate is worse than better, of all pairs, with an empirical-Bernstein confidence sequence
 * (mean-sequence.ts). Actuals that come late are judged in the order in which they come, which may depend on anything but on
 * which side was right.
 *
 * Sources: Q. McNemar, Psychometrika 12 (1947); late labels: A. Podkopaev and A. Ramdas, Tracking the risk of a deployed
 * model, ICLR 2022.
 */
import { meanSequence, type MeanSequenceState } from "../guarantee/mean-sequence.ts";
import type { Comparison } from "./comparison.ts";
import { groupedShare, type GroupedShareState } from "./grouped-share.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";

export interface PairEvent {
  /** What the candidate was beside the primary. */
  readonly candidate: "worse" | "same" | "better";
  /** By what part of a batch, where the pair is one of batches: the rows in which it is worse less those in which it is better. 0 to 1. */
  readonly size?: number;
  readonly group?: number;
}

export interface PairsState {
  share: GroupedShareState;
  readonly groups: Groups;
  /** All pairs, and how many more of them were worse than better. */
  pairs: number;
  worse: number;
  /** Of the first pairs of groups. */
  difference: MeanSequenceState;
}

/** @param ratio how many times as often worse as better is still fine. Cost: O(1) a pair; the interval takes 0.3 ms. */
export function pairs({ ratio = 1, grouping = "each" }: { readonly ratio?: number; readonly grouping?: Grouping } = {}): Comparison<PairEvent, PairsState> {
  const share = groupedShare({ ratio, grouping });
  const differences = (alpha: number) => meanSequence({ alpha, low: -1, high: 1 });
  // How wide an interval is asked for does not matter to what is counted.
  const counted = differences(0.5);
  return {
    guarantee: share.guarantee,
    start: () => ({ share: share.start(), groups: noGroups(grouping), pairs: 0, worse: 0, difference: counted.start() }),
    step(state, { candidate, size = 1, group }) {
      const hit = candidate === "same" ? 0 : size;
      state.share = share.step(state.share, { candidate: candidate === "worse", weight: 0.5, hit, ...(group !== undefined && { group }) });
      const worse = candidate === "worse" ? hit : -hit;
      state.pairs += 1;
      state.worse += worse;
      if (isFirst(state.groups, grouping, group)) state.difference = counted.step(state.difference, worse);
      return state;
    },
    logEvidence: (state) => share.logEvidence(state.share),
    effect: (state) => (state.pairs === 0 ? undefined : state.worse / state.pairs),
    interval: ({ difference }, alpha) => differences(alpha).read(difference),
    seen: (state) => share.seen(state.share),
  };
}

/** Which side was right, of two predictions whose actual has come. */
export function pairOf(primaryRight: boolean, candidateRight: boolean): PairEvent["candidate"] {
  return primaryRight === candidateRight ? "same" : primaryRight ? "worse" : "better";
}
