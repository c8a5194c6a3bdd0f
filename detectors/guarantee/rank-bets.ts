/**
 * Bets on ranks: which there are, and the odds of the fixed ones.
 *
 * A fixed bet says what the next ranks would be like if the feature had moved or spread, on a scale where it is normal, or
 * had begun to send what is rare or new. A rank's scale is its own, so nothing is assumed of the feature; the bets merely
 * pay best where a change is of that kind. They need not be learnt, and find a small change in half the time that learning
 * takes. Each is fair: the odds times the chances of the cells add up to 1 where every rank is equally likely. The cells are
 * 1/128 wide, those at the two ends divided once more, at 1/1024.
 */
import { normalCumulative, normalQuantile } from "../special/normal.ts";

/** By how many standard deviations the feature has moved, and what its deviation has become. */
const changes: readonly (readonly [shift: number, spread: number])[] = [
  [-1, 1], [-0.5, 1], [-0.25, 1], [0.25, 1], [0.5, 1], [1, 1],
  [0, 0.7], [0, 1.25], [0, 1.6], [0, 2.5],
];

/** What share of the ranks lies at an end, if the bet on rare or new values there is right. */
const endShare = 0.03;

/** What a bet keeps for every rank: one that is wrong loses nine tenths at most. */
const evenShare = 0.1;

const grid = 128;
const end = 1 / 1_024;

/** Where the cells end, from 0 to 1. */
export const rankEdges: readonly number[] = [0, end, ...Array.from({ length: grid - 1 }, (_, i) => (i + 1) / grid), 1 - end, 1];

export const rankBets = changes.length + 2;

/** Values after which a rank counts for 1/e: short ones catch big changes, long ones small. */
export const memories = [64, 256, 1_024] as const;

/** Ranks that each memory believes to have seen evenly spread: how timid the bets are while little is known. */
export const evenRanks = 32;

/** What is put in at each step: two parts on what the last ranks were like, one on the fixed bets. */
export const learntStake = 2 / 3 / memories.length;
export const fixedStake = 1 / 3 / rankBets;

/** The cell of a rank in [0, 1): the index of its odds in `rankOdds` is `rankBets` times that. */
export function rankCell(rank: number): number {
  return rank < end ? 0 : rank >= 1 - end ? grid + 1 : 1 + Math.floor(rank * grid);
}

/** Per cell, the odds of each bet. */
export const rankOdds: Float64Array = oddsTable();

function oddsTable(): Float64Array {
  const scale = rankEdges.map((edge) => normalQuantile(edge));
  const odds = new Float64Array((grid + 2) * rankBets);
  for (let cell = 0; cell < grid + 2; cell += 1) {
    const width = (rankEdges[cell + 1] as number) - (rankEdges[cell] as number);
    for (const [bet, [shift, spread]] of changes.entries()) {
      const share = normalCumulative(((scale[cell + 1] as number) - shift) / spread) - normalCumulative(((scale[cell] as number) - shift) / spread);
      odds[cell * rankBets + bet] = evenShare + ((1 - evenShare) * share) / width;
    }
    odds[cell * rankBets + changes.length] = 1 - endShare + (cell === 0 ? endShare / end : 0);
    odds[cell * rankBets + changes.length + 1] = 1 - endShare + (cell === grid + 1 ? endShare / end : 0);
  }
  return odds;
}
