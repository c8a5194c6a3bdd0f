/**
 * Does the candidate fail more often than the primary? For errors, time-outs, and wrong answers where actuals come late
 * (each is an event of the moment its actual arrives).
 *
 * Evidence: of the requests that failed, whose were they (share-evidence.ts). The effect is the difference of the two
 * failure ratios; its interval is made of a confidence sequence of each, half of alpha for either (rate-sequence.ts). Both
 * are of the weight in force: they begin anew when it changes, since a rate pooled over steps would compare the candidate's
 * busy hours with the primary's quiet ones. So "not worse" is proved at each step anew, while evidence of harm is kept.
 *
 * Grouped, the evidence has each key's first failure, and each second with failures as one. The interval has each key's
 * first request, and each second as one trial that may have failed in part. The effect is always that of all requests. A
 * request that carries a batch is one trial, and fails in part where a part of its rows does.
 */
import type { Interval } from "../guarantee/interval.ts";
import { rateSequence } from "../guarantee/rate-sequence.ts";
import type { Comparison, Dealt } from "./comparison.ts";
import { groupedShare, type GroupedShareState } from "./grouped-share.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";

export interface ErrorsOptions {
  /** How many times as often as the primary the candidate may fail and still not be called worse. */
  readonly ratio?: number;
  readonly grouping?: Grouping;
}

export interface ErrorsEvent extends Dealt {
  /** Or the part of it that did, 0 to 1. */
  readonly failed: boolean | number;
}

interface Side {
  requests: number;
  failures: number;
  /** Groups judged as one, and what of them failed. By seconds, the requests of the open one are apart. */
  trials: number;
  failed: number;
  openTrials: number;
  openFailed: number;
}

export interface ErrorsState {
  share: GroupedShareState;
  readonly groups: Groups;
  /** The weight that the rates are of. */
  weight: number;
  candidate: Side;
  primary: Side;
}

const noTrials = (): Side => ({ requests: 0, failures: 0, trials: 0, failed: 0, openTrials: 0, openFailed: 0 });

/** Effects are differences of ratios, -1 to 1. Cost: O(1) a request, some nanoseconds; the interval takes 0.1 ms. */
export function errors({ ratio = 1, grouping = "each" }: ErrorsOptions = {}): Comparison<ErrorsEvent, ErrorsState> {
  const share = groupedShare({ ratio, grouping });

  function turn({ candidate, primary }: ErrorsState): void {
    for (const side of [candidate, primary]) {
      if (side.openTrials === 0) continue;
      side.trials += 1;
      side.failed += side.openFailed / side.openTrials;
      side.openTrials = 0;
      side.openFailed = 0;
    }
  }

  return {
    guarantee: share.guarantee,

    start: () => ({ share: share.start(), groups: noGroups(grouping), weight: 0, candidate: noTrials(), primary: noTrials() }),

    step(state, event) {
      const { candidate, failed, weight, group } = event;
      state.share = share.step(state.share, { candidate, weight, hit: failed, ...(group !== undefined && { group }) });
      if (weight !== state.weight) {
        state.weight = weight;
        state.candidate = noTrials();
        state.primary = noTrials();
      }
      const first = isFirst(state.groups, grouping, group);
      if (grouping === "second" && first) turn(state);
      const side = candidate ? state.candidate : state.primary;
      side.requests += 1;
      side.failures += Number(failed);
      if (grouping === "second") {
        side.openTrials += 1;
        side.openFailed += Number(failed);
      } else if (first) {
        side.trials += 1;
        side.failed += Number(failed);
      }
      return state;
    },

    logEvidence: (state) => share.logEvidence(state.share),

    effect({ candidate, primary }) {
      return candidate.requests === 0 || primary.requests === 0 ? undefined : candidate.failures / candidate.requests - primary.failures / primary.requests;
    },

    interval({ candidate, primary }, alpha) {
      const of = rateOf(candidate, alpha / 2);
      const against = rateOf(primary, alpha / 2);
      return { lower: of.lower - against.upper, upper: of.upper - against.lower };
    },

    seen: (state) => share.seen(state.share),

    sides({ candidate, primary }) {
      return candidate.requests === 0 || primary.requests === 0 ? undefined : { candidate: candidate.failures / candidate.requests, primary: primary.failures / primary.requests };
    },
  };
}

/** Tightest from about a thousand trials on, as many as a step has; sums of fractions may pass the trials by a rounding. */
function rateOf({ failed, trials }: Side, alpha: number): Interval {
  return rateSequence(Math.min(failed, trials), trials, alpha, { nOpt: 1_000 });
}
