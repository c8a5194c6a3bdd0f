/**
 * Conformal e-detector: has a feature stopped looking like its reference? With a false-alarm rate that is promised.
 *
 * Each value is ranked among the reference and all that came since. While nothing has changed, every rank is equally
 * likely whatever came before, and whatever the feature's distribution; so a bet on the next rank at fair odds neither
 * gains nor loses on average. Fifteen bets are played: three follow what the last ranks were like, at three speeds of
 * forgetting, and twelve are fixed (rank-bets.ts). Money is put into each at every step and left in the game (Shiryaev and
 * Roberts); what they hold together is the evidence. After a change a bet comes true and it grows without bound.
 *
 * Proved, for rows that are exchangeable with the reference's: evidence less t is a martingale, so the evidence is t on
 * average after t values, it reaches A at any of the first t with probability t/A at most (Doob's inequality), and the mean
 * time until it does is A or more. This holds for cells that are fixed beforehand. Edges that come from the very rows that
 * are ranked against part one gap of n + 1 each, which is nothing. That the rate holds after an alarm too, when the detector
 * starts anew on the same reference, was measured (bench/guarantees.ts): 0.7 to 0.9 of the budget.
 *
 * Two things would break the promise. One is a plug-in likelihood ratio against the reference's own histogram: a reference
 * of 500 rows is not the truth, and its errors look like drift; ranking among reference *and* seen values takes both as
 * equals. The other is an order of categories made by the rows that are ranked against (conformal-layout.ts). It is void
 * where rows depend on each other: thin them (autocorrelation.ts). Where a reference has seasons, each has its own bag to be
 * ranked in, and all share the bets, since ranks mean the same in each.
 *
 * Sources: V. Vovk et al., Retrain or not retrain, arXiv 2102.10439 (conformal martingales); J. Shin, A. Ramdas and
 * A. Rinaldo, E-detectors, arXiv 2203.03532.
 */
import { count, countBefore, cumulativeCounts } from "./cumulative-counts.ts";
import { conformalLayout } from "./conformal-layout.ts";
import { evenRanks, fixedStake, learntStake, memories, rankBets, rankCell, rankOdds } from "./rank-bets.ts";
import { advance, uniform } from "../random.ts";
import type { FeatureReference } from "../reference/reference.ts";

export interface ConformalState {
  /** Rows of the reference and of what came since, by their place in the order of ranks, a tree for each season; and last how many rows each has. */
  readonly seen: Uint32Array;
  /** Of the generator that breaks ties. */
  chance: number;
  /**
   * Ranks of late, per memory: how many in each betting cell, in all, and what the latest counts for. Behind them what each
   * bet has won, in units of `2^exponent`. One array, because each costs two hundred bytes beside what it holds.
   */
  readonly bets: Float64Array;
  /** All that was won, in the same units. */
  evidence: number;
  exponent: number;
}

export interface ConformalEDetector {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  /** @param after the state that is left, so that ties are not broken as they were before; none for a first start. */
  start(after?: ConformalState): ConformalState;
  /**
   * Consumes `state`. `cell` is that of `cellOf` on the same reference, `season` that of `seasonOf` where the reference has
   * seasons. Throws a RangeError for one that it has not.
   */
  step(state: ConformalState, cell: number, season?: number): ConformalState;
  /** Natural logarithm of the evidence, to be compared with that of A; minus infinity before the first value. */
  logEvidence(state: ConformalState): number;
}

/** Beyond this the evidence is written with another exponent. No bet multiplies by more than two thousand. */
const shift = 512;
const large = 2 ** shift;

/** Beyond this the latest rank counts for 1 again, and the ones before for less. */
const heavy = 2 ** 64;

/**
 * @param seed of the generator that breaks ties; give every feature its own.
 * Cost: O(log cells) a value, 0.1 microseconds as measured; 0.9 kB of state, and 4 bytes a cell for each further season.
 */
export function conformalEDetector(reference: FeatureReference, { seed }: { seed: number }): ConformalEDetector {
  // Nothing that can be made anew at a start is kept: a model may have a thousand of these.
  const { placeOf, edges, bags: { length: seasons } } = conformalLayout(reference);
  const places = Math.max(...placeOf) + 1;
  const rowsAt = seasons * (places + 1);
  const cells = edges.length - 1;
  const memorySize = cells + 2;
  const potsAt = memories.length * memorySize;
  const end = potsAt + memories.length + rankBets;

  return {
    guarantee:
      "While values keep coming as the reference's rows did, independent of each other, the evidence reaches A within t values with probability t/A at most.",

    start(after) {
      const { bags } = conformalLayout(reference);
      const seen = new Uint32Array(rowsAt + seasons);
      seen.set(cumulativeCounts(...bags));
      for (const [season, bag] of bags.entries()) seen[rowsAt + season] = bag.reduce((sum, inPlace) => sum + inPlace, 0);
      const bets = new Float64Array(end);
      for (let m = 0; m < memories.length; m += 1) bets[m * memorySize + cells + 1] = 1;
      return { seen, chance: after === undefined ? seed | 0 : after.chance, bets, evidence: 0, exponent: 0 };
    },

    step(state, cell, season = 0) {
      const place = placeOf[cell];
      if (place === undefined) throw new RangeError(`conformalEDetector: ${reference.name} has ${placeOf.length} cells, got cell ${cell}`);
      if (season >>> 0 !== season || season >= seasons) throw new RangeError(`conformalEDetector: ${reference.name} has ${seasons} seasons, got season ${season}`);
      const { seen, bets } = state;
      const known = seen[rowsAt + season] as number;

      // The rank, in [0, 1): the rows that come before this value, and a random share of those level with it, itself included.
      state.chance = advance(state.chance);
      const tree = season * (places + 1);
      const lower = countBefore(seen, place, tree);
      const upper = countBefore(seen, place + 1, tree) + 1;
      const rank = (lower + uniform(state.chance) * (upper - lower)) / (known + 1);
      count(seen, place, 1, tree, places);
      seen[rowsAt + season] = known + 1;

      const put = state.exponent === 0 ? 1 : 0; // beside a pot above 2^512, 1 is nothing
      let evidence = 0;

      let at = 0;
      while (at < cells - 1 && rank >= (edges[at + 1] as number)) at += 1;
      const width = (edges[at + 1] as number) - (edges[at] as number);
      for (let m = 0; m < memories.length; m += 1) {
        const row = m * memorySize;
        const sum = bets[row + cells] as number;
        const weight = bets[row + cells + 1] as number;
        const even = evenRanks * weight;
        const odds = ((bets[row + at] as number) / width + even) / (sum + even);
        const pot = ((bets[potsAt + m] as number) + put * learntStake) * odds;
        bets[potsAt + m] = pot;
        evidence += pot;

        // Instead of every older rank counting for less, the next one counts for more.
        bets[row + at]! += weight;
        bets[row + cells] = sum + weight;
        bets[row + cells + 1] = weight / (1 - 1 / (memories[m] as number));
        if (weight > heavy) for (let i = row; i < row + memorySize; i += 1) bets[i]! /= weight;
      }

      const odds = rankCell(rank) * rankBets;
      const fixedAt = potsAt + memories.length;
      for (let b = 0; b < rankBets; b += 1) {
        const pot = ((bets[fixedAt + b] as number) + put * fixedStake) * (rankOdds[odds + b] as number);
        bets[fixedAt + b] = pot;
        evidence += pot;
      }

      if (evidence > large || (evidence < 1 && state.exponent > 0)) {
        const up = evidence > large;
        for (let i = potsAt; i < end; i += 1) bets[i]! *= up ? 1 / large : large;
        evidence *= up ? 1 / large : large;
        state.exponent += up ? shift : -shift;
      }
      state.evidence = evidence;
      return state;
    },

    logEvidence: ({ evidence, exponent }) => Math.log(evidence) + exponent * Math.LN2,
  };
}
