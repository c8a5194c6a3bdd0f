/**
 * Are the candidate's scores distributed as the primary's? A sequential two-sample test of equality, with the size of the
 * difference.
 *
 * Traffic is dealt at random, so where both sides' values are distributed alike, a value tells nothing of the side it came
 * from: it is the candidate's with probability w, whatever the value. Each new value is ranked among a sample of earlier
 * ones of both sides, and a bet on its side is laid by its rank. Eight fixed bets take the candidate's values to be higher,
 * lower, more spread or less, a little or a lot; one learns, in sixteen cells of rank, how much more often than w a value is
 * the candidate's. All begin with equal stakes. Nothing is assumed of the distribution, nor that it stays the same: only
 * that the sides' are alike at every moment.
 *
 * The effect is of two kinds, and the greater counts. Shift: how much more often than in half of the cases a value of the
 * candidate exceeds one of the primary, from -0.5 to 0.5 (the probability of superiority less a half, by Mann and Whitney),
 * which is the difference of the sides' mean ranks. Spread: the same of how far ranks lie from the middle. Both without
 * sign: other is other. Intervals are of the weight in force (errors.ts). Grouped, the first value of a group stands for it.
 *
 * Where higher values are worse, or lower ones, and other is not (`worse`), only those bets are laid that take the candidate's
 * values to be higher. What they gain grows with the rank where the value is the candidate's and falls with it where it is the
 * primary's, so they gain nothing on average as long as the candidate's values are stochastically no higher: exceed any bound
 * with no greater probability. The effect is then the shift with its sign.
 *
 * Sources: the bets on ranks, V. Vovk et al., Retrain or not retrain, arXiv 2102.10439; betting on the label, S. Shekhar and
 * A. Ramdas, Nonparametric two-sample testing by betting, arXiv 2112.09162.
 */
import { averageEvidence } from "../guarantee/e-values.ts";
import type { Interval } from "../guarantee/interval.ts";
import { meanSequence, type MeanSequenceState } from "../guarantee/mean-sequence.ts";
import { advance, uniform } from "../random.ts";
import { normalQuantile } from "../special/normal.ts";
import type { Comparison, Dealt, Seen } from "./comparison.ts";
import { isFirst, noGroups, type Grouping, type Groups } from "./grouping.ts";

export interface DistributionEvent extends Dealt {
  /** Finite. */
  readonly value: number;
}

/** Ranks of one side: their shift and their distance from the middle, both 0 to 1. */
interface Ranks {
  shift: MeanSequenceState;
  spread: MeanSequenceState;
}

export interface DistributionState {
  /** A random sample of earlier values of both sides, sorted; the places from `held` on are empty. */
  readonly sample: Float64Array;
  held: number;
  /** Of the generator that decides what is kept. */
  chance: number;
  /** Natural logarithm of what each bet made of its stake. */
  readonly won: Float64Array;
  /** Per cell, values that were the candidate's and values that were expected to be. */
  readonly candidates: Float64Array;
  readonly expected: Float64Array;
  readonly groups: Groups;
  events: number;
  effective: number;
  weight: number;
  candidate: Ranks;
  primary: Ranks;
}

const sampleSize = 512;
/** Ranks among fewer are too coarse to bet on. */
const rankedMin = 32;
const cells = 16;
/** What a cell believes to have seen as expected before its first value. */
const doubt = 4;

/** The logarithm of the odds that a value is the candidate's moves by this much for a rank's normal score z: first of z, then of z^2 - 1. */
const tilts: readonly (readonly [shift: number, spread: number])[] = [[0.2, 0], [-0.2, 0], [0.7, 0], [-0.7, 0], [0, 0.15], [0, -0.15], [0, 0.5], [0, -0.5]];

/** Those that take the candidate's values to be higher. */
const raising = tilts.map(([shift, spread]) => shift > 0 && spread === 0);

export interface DistributionOptions {
  readonly grouping?: Grouping;
  /** Which way is worse. */
  readonly worse?: "higher" | "lower" | "either";
  /** Of the generator that samples. */
  readonly seed?: number;
}

/** Cost: 0.5 microseconds a value; 5 kB, by key 32 kB more. An interval takes 1 ms. */
export function distribution({ grouping = "each", worse = "either", seed = 1 }: DistributionOptions = {}): Comparison<DistributionEvent, DistributionState> {
  // How wide an interval is asked for does not matter to what is counted.
  const ranks = ranksMean(0.5);
  const startRanks = (): Ranks => ({ shift: ranks.start(), spread: ranks.start() });

  return {
    guarantee: `While ${worse === "either" ? "both sides' values are distributed alike" : `the candidate's values are stochastically no ${worse} than the primary's`}, the evidence ever reaches 1/alpha with probability alpha at most, however often one looks and however the distribution moves.`,

    start: () => ({
      sample: new Float64Array(sampleSize),
      held: 0,
      chance: seed | 0,
      won: new Float64Array(tilts.length + 1),
      candidates: new Float64Array(cells),
      expected: new Float64Array(cells),
      groups: noGroups(grouping),
      events: 0,
      effective: 0,
      weight: 0,
      candidate: startRanks(),
      primary: startRanks(),
    }),

    step(state, { candidate, weight, value: given, group }) {
      const value = worse === "lower" ? -given : given;
      if (!Number.isFinite(value)) throw new RangeError(`distribution: value must be a finite number, got ${given}`);
      if (!(weight >= 0 && weight <= 1)) throw new RangeError(`distribution: weight must be 0 to 1, got ${weight}`);
      state.events += 1;
      if (!isFirst(state.groups, grouping, group)) return state;
      state.effective += 1;
      if (weight !== state.weight) {
        state.weight = weight;
        state.candidate = startRanks();
        state.primary = startRanks();
      }
      const [below, level] = placeOf(state, value);
      if (state.held >= rankedMin) {
        const rank = (below + (level + 1) / 2) / (state.held + 1);
        if (weight > 0 && weight < 1) bet(state, rank, candidate, weight);
        const side = candidate ? state.candidate : state.primary;
        side.shift = ranks.step(side.shift, rank);
        side.spread = ranks.step(side.spread, Math.abs(2 * rank - 1));
      }
      keep(state, value, below);
      return state;
    },

    logEvidence: ({ won }) => averageEvidence(worse === "either" ? won : won.filter((_, i) => raising[i] === true)),

    effect({ candidate, primary }) {
      if (candidate.shift.count === 0 || primary.shift.count === 0) return undefined;
      if (worse !== "either") return candidate.shift.mean - primary.shift.mean;
      return Math.max(Math.abs(candidate.shift.mean - primary.shift.mean), Math.abs(candidate.spread.mean - primary.spread.mean));
    },

    /** Of the greater effect: each of the four means has a quarter of alpha; of the shift alone each of the two a half. */
    interval({ candidate, primary }, alpha) {
      if (worse !== "either") {
        const [of, against] = [ranksMean(alpha / 2).read(candidate.shift), ranksMean(alpha / 2).read(primary.shift)];
        return { lower: of.lower - against.upper, upper: of.upper - against.lower };
      }
      const means = ranksMean(alpha / 4);
      const shift = sizeOf(means.read(candidate.shift), means.read(primary.shift));
      const spread = sizeOf(means.read(candidate.spread), means.read(primary.spread));
      return { lower: Math.max(shift.lower, spread.lower), upper: Math.max(shift.upper, spread.upper) };
    },

    seen: ({ events, effective }): Seen => ({ events, effective }),
  };
}

const ranksMean = (alpha: number) => meanSequence({ alpha, low: 0, high: 1 });

/** Where the size of a difference lies. */
function sizeOf(of: Interval, against: Interval): Interval {
  const [lower, upper] = [of.lower - against.upper, of.upper - against.lower];
  return { lower: Math.max(0, lower, -upper), upper: Math.max(upper, -lower) };
}

function bet(state: DistributionState, rank: number, candidate: boolean, weight: number): void {
  const z = normalQuantile(rank);
  const odds = weight / (1 - weight);
  for (const [i, [shift, spread]] of tilts.entries()) {
    const tilted = odds * Math.exp(shift * z + spread * (Math.min(z * z, 4) - 1));
    state.won[i]! += candidate ? Math.log(tilted / (1 + tilted) / weight) : -Math.log((1 + tilted) * (1 - weight));
  }
  const cell = Math.min(cells - 1, Math.floor(rank * cells));
  const share = learnt(state, cell, weight);
  state.won[tilts.length]! += candidate ? Math.log(share / weight) : Math.log((1 - share) / (1 - weight));
  state.candidates[cell]! += Number(candidate);
  state.expected[cell]! += weight;
}

/** The probability that a value in this cell is the candidate's, from those before it: w times how much more often than expected it was. */
function learnt({ candidates, expected }: DistributionState, cell: number, weight: number): number {
  const times = ((candidates[cell] as number) + doubt * weight) / ((expected[cell] as number) + doubt * weight);
  return Math.min(0.99, Math.max(0.01 * weight, times * weight));
}

/** How many values of the sample are below this one, and how many level with it. */
function placeOf({ sample, held }: DistributionState, value: number): [below: number, level: number] {
  const before = (stops: (other: number) => boolean): number => {
    let [low, high] = [0, held];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (stops(sample[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const below = before((other) => other >= value);
  return [below, before((other) => other > value) - below];
}

/** Puts the value into the sample, in place of a random other where it is full; ever more seldom, so that all are as likely to be there. */
function keep(state: DistributionState, value: number, below: number): void {
  const { sample } = state;
  if (state.held < sampleSize) {
    sample.copyWithin(below + 1, below, state.held);
    sample[below] = value;
    state.held += 1;
    return;
  }
  state.chance = advance(state.chance);
  const out = Math.floor(uniform(state.chance) * Math.max(state.effective, sampleSize));
  if (out >= sampleSize) return;
  if (out < below) {
    sample.copyWithin(out, out + 1, below);
    sample[below - 1] = value;
  } else {
    sample.copyWithin(below + 1, below, out);
    sample[below] = value;
  }
}
