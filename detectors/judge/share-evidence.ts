/**
 * Of events that happen on either side, is the candidate's share above what its share of the traffic explains? The engine of
 * the judge: events are errors, slow answers, or pairs in which one side was better.
 *
 * Traffic is dealt out at random: a request goes to the candidate with probability w. If a request to it has such an event r
 * times as often as one to the primary, or less, then of the events it has a share of w r / (w r + 1 - w) or less, whatever
 * the rate of events and however that swings from hour to hour: nothing is said about how many events there are, only about
 * whose the next one is. The evidence against it is a bet on all greater shares (rate-evidence.ts).
 *
 * Weights may change: each event is judged under the weight in force when it happened. What was won under the old weight is
 * staked on under the new one: half on all shares alike, for a candidate that turns bad under load, and half on what the old
 * one has taught, moved to the same relative risk and worth twenty events at most, so that a small harm need not be learnt
 * anew at every step. The bet is laid before the next event comes, so the promise holds across steps.
 *
 * An event may be worth less than one, where of several things that were dealt together a part is to be counted: of a batch
 * of ten rows with three mistakes, 0.3. What a bet makes of such a part is its gain to that power, which lies below the chord
 * that its mean is on (a^x is convex in x), so that the promise is then of the mean parts of both sides, whatever else there
 * is to say of how they are distributed.
 *
 * Promise: while the candidate's relative risk is r or less at every event given all before it, the evidence ever reaches
 * 1/alpha with probability alpha at most. Sources: rate-evidence.ts; the conditioning is that of the comparison of two
 * Poisson rates, as in M. Lindon and A. Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022.
 */
import { averageEvidence } from "../guarantee/e-values.ts";
import { evenPrior, evidenceAbove } from "./rate-evidence.ts";

export interface ShareState {
  /** Natural logarithm of what was won under earlier weights. */
  settled: number;
  /** Of the weight in force, or 0 before the first event: the candidate's share where its risk is r times the primary's. */
  bound: number;
  /** The shapes of what earlier weights have taught; 1 and 1 under the first. */
  a: number;
  b: number;
  /** Events under this weight; fractions where an event stands for a batch. */
  candidate: number;
  primary: number;
}

export interface ShareEvidence {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  start(): ShareState;
  /**
   * Consumes `state`.
   *
   * @param share of the event that is the candidate's: 1 or 0, or between for a batch of events that counts as one.
   * @param weight the candidate's share of the traffic when it happened. At 0 and 1 an event says nothing and is passed over.
   * @param size what the event is worth, 0 to 1.
   * @throws RangeError for a share, a weight or a size outside 0 to 1.
   */
  step(state: ShareState, share: number, weight: number, size?: number): ShareState;
  /** Natural logarithm of the evidence. Cost: some microseconds. */
  logEvidence(state: ShareState): number;
}

/** How many events what was learnt is worth, and the least shape it may have. */
const carriedMax = 20;
const shapeMin = 0.5;

/** @param ratio r: how many times as often is still fine. Cost: O(1) a step, 48 bytes. */
export function shareEvidence({ ratio = 1 }: { readonly ratio?: number } = {}): ShareEvidence {
  if (!(ratio > 0 && ratio < Infinity)) throw new RangeError(`shareEvidence: ratio must be above 0, got ${ratio}`);

  return {
    guarantee: `While the candidate has such an event at most ${ratio} times as often as the primary, the evidence ever reaches 1/alpha with probability alpha at most, however often one looks.`,

    start: () => ({ settled: 0, bound: 0, ...evenPrior, candidate: 0, primary: 0 }),

    step(state, share, weight, size = 1) {
      if (!(share >= 0 && share <= 1)) throw new RangeError(`shareEvidence: share must be 0 to 1, got ${share}`);
      if (!(weight >= 0 && weight <= 1)) throw new RangeError(`shareEvidence: weight must be 0 to 1, got ${weight}`);
      if (!(size >= 0 && size <= 1)) throw new RangeError(`shareEvidence: size must be 0 to 1, got ${size}`);
      if (weight === 0 || weight === 1) return state;
      const bound = (weight * ratio) / (weight * ratio + 1 - weight);
      if (bound !== state.bound) reweigh(state, bound);
      state.candidate += share * size;
      state.primary += (1 - share) * size;
      return state;
    },

    logEvidence: (state) => state.settled + underThisWeight(state),
  };

  function underThisWeight({ bound, candidate, primary, a, b }: ShareState): number {
    if (bound === 0) return 0;
    const even = evidenceAbove(bound, candidate, primary);
    return a === evenPrior.a && b === evenPrior.b ? even : averageEvidence([even, evidenceAbove(bound, candidate, primary, { a, b })]);
  }

  function reweigh(state: ShareState, bound: number): void {
    if (state.bound !== 0) {
      state.settled += underThisWeight(state);
      const [a, b] = [state.a + state.candidate, state.b + state.primary];
      const odds = ((a / b) * (bound / (1 - bound))) / (state.bound / (1 - state.bound));
      const worth = Math.min(carriedMax, a + b);
      state.a = Math.max(shapeMin, (worth * odds) / (1 + odds));
      state.b = Math.max(shapeMin, worth / (1 + odds));
    }
    state.bound = bound;
    state.candidate = 0;
    state.primary = 0;
  }
}
