/**
 * The smallest change that the conformal e-detector finds in time, told when it is configured: what it can not see.
 *
 * At each value a bet gains the logarithm of its odds, and gains ever less while changed values fill the bag that is ranked
 * against. A change is found by a bet whose gain, less what chance takes of it in one case of five, makes of its stake the
 * evidence A within the horizon. The learnt bets' odds are those of the change, diluted by what they still remember, less
 * what the noise of their memory costs.
 *
 * Taken is the change that is hardest to see (hardest-change.ts), from the first value on. Measured (bench/guarantees.ts, and
 * in the same way for exponential, five-valued and categorical features): what is stated is found in 83 to 100 cases of a
 * hundred, 0.8 of it in about 80, half of it in 10 to 30; it is too hopeful only for fifty categories of five rows each (62).
 */
import { conformalLayout, type ConformalLayout } from "./conformal-layout.ts";
import { movedShare, tilt, type Change } from "./hardest-change.ts";
import { evenRanks, fixedStake, learntStake, memories, rankBets, rankEdges, rankOdds } from "./rank-bets.ts";
import type { FeatureReference } from "../reference/reference.ts";

export interface DetectableChangeOptions {
  /** A: what the evidence has to reach. */
  readonly samplesPerFalseAlarm: number;
  /** Values after the change. */
  readonly horizon: number;
  /** Features that share the budget. */
  readonly features?: number;
}

export interface DetectableChange {
  /** Of the mean in standard deviations; for a category, and a number that does not vary, the share of rows that moves. */
  readonly unit: "standard-deviations" | "share";
  /** Found within the horizon in four cases of five, whether the mean rises or falls; undefined where one of them may never be. */
  readonly smallest: number | undefined;
  /** For a person. */
  readonly sentence: string;
}

/** Standard normal: what chance takes in one case of five. */
const unlucky = 0.8416;
const halvings = 16;
const logOdds = rankOdds.map(Math.log);

/** What a place that no row fell into counts for. */
const halfRow = 0.5;

/**
 * @throws RangeError for an option out of its range.
 * Cost: 5 ms.
 */
export function detectableChange(reference: FeatureReference, { samplesPerFalseAlarm, horizon, features = 1 }: DetectableChangeOptions): DetectableChange {
  if (!(samplesPerFalseAlarm > 1 && samplesPerFalseAlarm < Infinity)) throw new RangeError(`detectableChange: samplesPerFalseAlarm must be above 1, got ${samplesPerFalseAlarm}`);
  if (!(horizon >= 1 && horizon < Infinity)) throw new RangeError(`detectableChange: horizon must be 1 or more, got ${horizon}`);
  if (!(features >= 1)) throw new RangeError(`detectableChange: features must be 1 or more, got ${features}`);

  const layout = conformalLayout(reference);
  const bag = layout.bags.reduce((sum, season) => sum.map((count, place) => count + (season[place] as number)));
  const rows = bag.reduce((sum, count) => sum + count, 0);
  const shares = bag.map((count) => (count + halfRow) / (rows + halfRow * bag.length));
  const found = (changed: readonly number[]): boolean => isFound(shares, changed, { rows, layout, needed: Math.log(samplesPerFalseAlarm * features), horizon });

  const rise = reference.kind === "numeric" ? tilt(reference, shares, 1) : undefined;
  const fall = reference.kind === "numeric" ? tilt(reference, shares, -1) : undefined;
  const within = `within ${horizon.toLocaleString("en")} rows`;
  if (rise === undefined || fall === undefined) {
    const smallest = smallestFound(movedShare(shares), found);
    const unseen = smallest === undefined ? "any change" : `changes that move less than ${(100 * smallest).toPrecision(2)} % of the rows`;
    return { unit: "share", smallest, sentence: `${unseen} may go unseen ${within}` };
  }
  const least = { rise: smallestFound(rise, found), fall: smallestFound(fall, found) };
  const smallest = least.rise === undefined || least.fall === undefined ? undefined : Math.max(least.rise, least.fall);
  return { unit: "standard-deviations", smallest, sentence: `${unseenShift(least, smallest)} may go unseen ${within}` };
}

function unseenShift({ rise, fall }: { rise: number | undefined; fall: number | undefined }, smallest: number | undefined): string {
  const below = (size: number): string => `below ${size.toPrecision(2)} standard deviations`;
  if (smallest !== undefined) return `changes of the mean ${below(smallest)}`;
  if (rise !== undefined) return `a rise of the mean ${below(rise)} and any fall`;
  return fall === undefined ? "any change of the mean" : `a fall of the mean ${below(fall)} and any rise`;
}

/** Undefined where even the strongest is not found. */
function smallestFound(change: Change, found: (shares: readonly number[]) => boolean): number | undefined {
  if (!found(change.apply(change.largest).shares)) return undefined;
  let [low, high] = [0, change.largest];
  for (let i = 0; i < halvings; i += 1) {
    const middle = (low + high) / 2;
    if (found(change.apply(middle).shares)) high = middle;
    else low = middle;
  }
  return change.apply(high).size;
}

interface Setting {
  readonly rows: number;
  readonly layout: ConformalLayout;
  readonly needed: number;
  readonly horizon: number;
}

function isFound(before: readonly number[], after: readonly number[], { rows, layout: { edges }, needed, horizon }: Setting): boolean {
  const bets = rankBets + memories.length;
  const gains = new Float64Array(bets);
  const variances = new Float64Array(bets);
  for (let time = 0, next = 0; time < horizon; time = next) {
    next = Math.min(horizon, time + Math.max(8, time / 4));
    const middle = (time + next) / 2;
    const bounds = boundsOfPlaces(before, after, rows, middle);
    const fixed = sharesOfRanks(after, bounds, rankEdges);
    const learnt = sharesOfRanks(after, bounds, edges);
    for (let bet = 0; bet < bets; bet += 1) {
      const { gain, variance } = bet < rankBets ? fixedGain(fixed, bet) : learntGain(learnt, edges, memories[bet - rankBets] as number, middle);
      gains[bet]! += gain * (next - time);
      variances[bet]! += variance * (next - time);
      const won = gains[bet] as number;
      if (!(won > 1)) continue;
      // Money is put in at every step; what comes late enough to lose little by it is worth as much as what came first.
      const stake = ((bet < rankBets ? fixedStake : learntStake) * next) / won;
      if (won - unlucky * Math.sqrt(variances[bet] as number) + Math.log(stake) >= needed) return true;
    }
  }
  return false;
}

/** Where the places end on the scale of ranks, so long after the change. */
function boundsOfPlaces(before: readonly number[], after: readonly number[], rows: number, time: number): Float64Array {
  const bounds = new Float64Array(before.length);
  let sum = 0;
  for (let place = 0; place < before.length; place += 1) {
    sum += ((before[place] as number) * rows + (after[place] as number) * time) / (rows + time);
    bounds[place] = sum;
  }
  return bounds;
}

/** The shares of changed values whose ranks lie between each two edges: within a place they lie evenly. */
function sharesOfRanks(after: readonly number[], bounds: Float64Array, edges: readonly number[]): Float64Array {
  const shares = new Float64Array(edges.length - 1);
  let [place, from] = [0, 0];
  for (let cell = 0; cell < shares.length; cell += 1) {
    const end = cell === shares.length - 1 ? Infinity : (edges[cell + 1] as number);
    while (place < bounds.length) {
      const bound = bounds[place] as number;
      const start = place === 0 ? 0 : (bounds[place - 1] as number);
      const until = Math.min(end, bound);
      if (bound > start) shares[cell]! += ((after[place] as number) * (until - from)) / (bound - start);
      from = until;
      if (bound > end) break;
      place += 1;
    }
  }
  return shares;
}

interface Gain {
  readonly gain: number;
  readonly variance: number;
}

function fixedGain(shares: Float64Array, bet: number): Gain {
  let [gain, squares] = [0, 0];
  for (let cell = 0; cell < shares.length; cell += 1) {
    const log = logOdds[cell * rankBets + bet] as number;
    gain += (shares[cell] as number) * log;
    squares += (shares[cell] as number) * log * log;
  }
  return { gain, variance: squares - gain * gain };
}

function learntGain(shares: Float64Array, edges: readonly number[], memory: number, time: number): Gain {
  const old = Math.exp(-time / memory);
  let [gain, squares] = [0, 0];
  for (let bet = 0; bet < shares.length; bet += 1) {
    const share = shares[bet] as number;
    const width = (edges[bet + 1] as number) - (edges[bet] as number);
    const odds = (memory * (old + ((1 - old) * share) / width) + evenRanks) / (memory + evenRanks);
    const noise = ((memory / 2) * share * (1 - share)) / (width * (memory + evenRanks) * odds) ** 2;
    const log = Math.log(odds);
    gain += share * (log - noise / 2);
    squares += share * (log * log + noise);
  }
  return { gain, variance: squares - gain * gain };
}
