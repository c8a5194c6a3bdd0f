/**
 * Conformal e-detector: has a feature stopped looking like its reference? With a false-alarm rate that is promised.
 *
 * Each value is ranked among the reference and all that came since. While nothing has changed, every rank is equally
 * likely, whatever the feature's distribution; so a bet on the next rank at fair odds neither gains nor loses on average.
 * The bets follow what the last ranks were like, at three speeds of forgetting. Money is put in at every step and left in
 * the game (Shiryaev and Roberts), so after t values the pot is worth t on average, and it can reach A within t values
 * with probability t/A at most. After a change the bets come true and the pot grows without bound.
 *
 * Two things would break the promise. One is a plug-in likelihood ratio against the reference's own histogram: a reference
 * of 500 rows is not the truth, and its errors look like drift; ranking among reference *and* seen values takes both as
 * equals. The other is an order of cells, or a choice of categories, that was made by the same rows that are ranked
 * against: what was frequent there by chance will always seem to have become rarer. Numbers have an order of their own;
 * categories are chosen and ordered by one half of the reference, and ranked against the other.
 *
 * Void where rows depend on each other (autocorrelation, seasons): thin, or key the reference by season.
 *
 * Sources: V. Vovk et al., Retrain or not retrain, arXiv 2102.10439 (conformal martingales); J. Shin, A. Ramdas and
 * A. Rinaldo, E-detectors, arXiv 2203.03532.
 */
import { count, countBefore, cumulativeCounts } from "./cumulative-counts.ts";
import { evenCuts } from "../reference/even-cuts.ts";
import { advance, uniform } from "../random.ts";
import type { CategoricalReference, FeatureReference, NumericReference } from "../reference/reference.ts";

export interface ConformalState {
  /** Rows of the reference and of what came since, by their place in the order of ranks (cumulative-counts.ts). */
  readonly seen: Float64Array;
  rows: number;
  /** Of the generator that breaks ties. */
  chance: number;
  /** Ranks of late per betting cell, one row of cells per memory, and their sums. */
  readonly ranks: Float64Array;
  readonly rankSums: Float64Array;
  /** The pot of each memory is `pots * 2^exponents`. */
  readonly pots: Float64Array;
  readonly exponents: Float64Array;
}

export interface ConformalEDetector {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  /** @param after the state that is left, so that ties are not broken as they were before; none for a first start. */
  start(after?: ConformalState): ConformalState;
  /** Consumes `state`. `cell` is that of `cellOf` on the same reference. Throws a RangeError for a cell that it has not. */
  step(state: ConformalState, cell: number): ConformalState;
  /** Natural logarithm of the pot, to be compared with that of A; minus infinity before the first value. */
  logEvidence(state: ConformalState): number;
}

/** Values after which a rank counts for 1/e: short ones catch big changes, long ones small. */
const memories = [64, 256, 1_024] as const;

/** Ranks that each memory believes to have seen evenly spread: how timid the bets are while little is known. */
const evenRanks = 32;

const betsMax = 16;

/** Beyond this a pot is written with another exponent. No bet multiplies by more than a thousand. */
const shift = 512;
const large = 2 ** shift;

/**
 * @param seed of the generator that breaks ties; give every feature its own.
 * Cost: O(log cells) a value, 0.1 microseconds as measured; about 2 kB of state.
 */
export function conformalEDetector(reference: FeatureReference, { seed }: { seed: number }): ConformalEDetector {
  const { placeOf, bag, edges } = layout(reference);
  const rows = sum(bag);
  const bets = edges.length - 1;
  const widths = Float64Array.from({ length: bets }, (_, bet) => (edges[bet + 1] as number) - (edges[bet] as number));

  return {
    guarantee:
      "While values keep coming as the reference's rows did, independent of each other, the evidence reaches A within t values with probability t/A at most.",

    start: (after) => ({
      seen: cumulativeCounts(bag),
      rows,
      chance: after === undefined ? seed | 0 : after.chance,
      ranks: new Float64Array(memories.length * bets),
      rankSums: new Float64Array(memories.length),
      pots: new Float64Array(memories.length),
      exponents: new Float64Array(memories.length),
    }),

    step(state, cell) {
      const place = placeOf[cell];
      if (place === undefined) throw new RangeError(`conformalEDetector: ${reference.name} has ${placeOf.length} cells, got cell ${cell}`);

      // The rank, in [0, 1): the rows that come before this value, and a random share of those level with it, itself included.
      const { seen, ranks, rankSums, pots, exponents } = state;
      state.chance = advance(state.chance);
      const lower = countBefore(seen, place);
      const upper = countBefore(seen, place + 1) + 1;
      const rank = (lower + uniform(state.chance) * (upper - lower)) / (state.rows + 1);
      count(seen, place);
      state.rows += 1;

      let bet = 0;
      while (bet < bets - 1 && rank >= (edges[bet + 1] as number)) bet += 1;
      const width = widths[bet] as number;

      for (let m = 0; m < memories.length; m += 1) {
        const row = m * bets;
        const odds = ((ranks[row + bet] as number) / width + evenRanks) / ((rankSums[m] as number) + evenRanks);
        const exponent = exponents[m] as number;
        let pot = ((pots[m] as number) + (exponent === 0 ? 1 : 0)) * odds; // beside a pot above 2^512, 1 is nothing
        if (pot > large) {
          pot /= large;
          exponents[m] = exponent + shift;
        } else if (pot < 1 && exponent > 0) {
          pot *= large;
          exponents[m] = exponent - shift;
        }
        pots[m] = pot;

        const kept = 1 - 1 / (memories[m] as number);
        for (let i = row; i < row + bets; i += 1) ranks[i]! *= kept;
        ranks[row + bet]! += 1;
        rankSums[m] = (rankSums[m] as number) * kept + 1;
      }
      return state;
    },

    logEvidence({ pots, exponents }) {
      const exponent = Math.max(...exponents);
      const sum = pots.reduce((total, pot, m) => total + pot * 2 ** ((exponents[m] as number) - exponent), 0);
      return Math.log(sum / memories.length) + exponent * Math.LN2;
    },
  };
}

interface Layout {
  /** The place of each cell in the order of ranks; cells may share one. */
  readonly placeOf: readonly number[];
  /** What is ranked against: rows per place. */
  readonly bag: readonly number[];
  /** Of the betting cells on the scale of ranks, from 0 to 1. */
  readonly edges: readonly number[];
}

function layout(reference: FeatureReference): Layout {
  return reference.kind === "numeric" ? numericLayout(reference) : categoricalLayout(reference);
}

/** Under, the intervals, over, null, NaN, infinite, wrong type: what is seldom lies at the ends. */
function numericLayout({ edges, counts }: NumericReference): Layout {
  const under = edges.length + 1;
  const placeOf = counts.map((_, cell) => (cell < under ? cell + 1 : cell === under ? 0 : cell));
  const bag = sumByPlace(placeOf, counts);
  return { placeOf, bag, edges: bettingEdges(bag, bag) };
}

/**
 * The most frequent first, and in the last place together all that the half which decides has never seen: a value that only
 * the other half knows is as new as one that neither does.
 */
function categoricalLayout({ counts, heldOut }: CategoricalReference): Layout {
  const deciding = counts.map((count, cell) => count - (heldOut[cell] as number));
  const seen = [...deciding.keys()].filter((cell) => deciding[cell] !== 0);
  seen.sort((a, b) => (deciding[b] as number) - (deciding[a] as number) || a - b);
  const placeOf = counts.map((_, cell) => (deciding[cell] === 0 ? seen.length : seen.indexOf(cell)));
  const bag = sumByPlace(placeOf, heldOut);
  return { placeOf, bag, edges: bettingEdges(sumByPlace(placeOf, deciding), bag) };
}

function sumByPlace(placeOf: readonly number[], counts: readonly number[]): number[] {
  const sums = Array.from({ length: Math.max(...placeOf) + 1 }, () => 0);
  for (const [cell, place] of placeOf.entries()) sums[place]! += counts[cell] as number;
  return sums;
}

/**
 * Up to sixteen betting cells of about equal weight, bounded where the feature's own cells are (so that a feature of two
 * values is bet on as one of two values), and a narrow one at each end, for what is seldom or new. None is narrower than
 * four rows of the bag: finer than that, a rank says more about the bag than about the value.
 */
function bettingEdges(deciding: readonly number[], bag: readonly number[]): number[] {
  const narrowest = Math.min(1 / 4, Math.max(1 / 1_024, 4 / (sum(bag) + 1)));
  const total = sum(deciding);
  const seen = deciding.filter((count) => count > 0);
  const cuts = seen.length <= betsMax ? seen.keys() : evenCuts(seen, betsMax);

  const edges = [0, narrowest];
  for (const cut of cuts) {
    const edge = sum(seen.slice(0, cut + 1)) / total;
    if (edge >= (edges.at(-1) as number) + narrowest && edge <= 1 - 2 * narrowest) edges.push(edge);
  }
  edges.push(1 - narrowest, 1);
  return edges;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
