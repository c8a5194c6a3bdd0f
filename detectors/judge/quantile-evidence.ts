/**
 * Is the candidate's quantile above the primary's, where neither is known? Both are only seen in samples, so what the
 * primary's quantile is has to be proved along with what the candidate's is not.
 *
 * If t is the primary's q-quantile, then 1 - q of its values or more lie at t or above; and if the candidate's is no more
 * than `ratio` times that, then 1 - q of its values or fewer lie above ratio t. Against either a bet is laid
 * (rate-evidence.ts), for every t there could be. At the true t neither bet gains, so their product is ever 1/alpha with
 * probability alpha at most; the least of the products, over all t, is below it. So nothing is lost to the estimate of the
 * threshold: a small t is refuted by the primary's values, a large one is not passed by the candidate's.
 *
 * Values are counted in the bins of a sketch, and of a t within a bin the cautious end is taken. Values must come with one
 * and the same quantile over time; where load moves both sides, see latency.ts.
 *
 * Source: the product of e-values and the least over what is not known, as universal inference does: L. Wasserman, A. Ramdas
 * and S. Balakrishnan, PNAS 117 (2020); the bets as in S. Howard and A. Ramdas, Sequential estimation of quantiles,
 * Bernoulli 28 (2022), theorem 1.
 */
import type { QuantileSketch, QuantileState } from "../reference/quantiles.ts";
import { evidenceAbove, evidenceBelow } from "./rate-evidence.ts";

export interface QuantileNull {
  /** Which quantile, between 0 and 1. */
  readonly q: number;
  /** How many times the primary's quantile is still fine. */
  readonly ratio: number;
}

/**
 * Natural logarithm of the evidence. `sketch` is that of both states.
 *
 * @param enough where the evidence is below this, any number below it will do.
 * Cost: a few microseconds for each bin in use, of which a sketch with an error of 2 % has 58 from one value to its tenfold;
 * where there is not enough evidence, mostly those of one bin.
 */
export function quantileEvidence(sketch: QuantileSketch, candidate: QuantileState, primary: QuantileState, { q, ratio }: QuantileNull, enough = -Infinity): number {
  if (!(q > 0 && q < 1)) throw new RangeError(`quantileEvidence: q must be between 0 and 1, got ${q}`);
  if (!(ratio > 0 && ratio < Infinity)) throw new RangeError(`quantileEvidence: ratio must be above 0, got ${ratio}`);
  // Rates somewhat above the tail's are likelier than those near 1.
  const prior = { a: 1, b: Math.max(1, 0.25 / (1 - q)) };
  const at = ({ notBelow, above }: Place): number =>
    evidenceBelow(1 - q, notBelow, primary.count - notBelow) + evidenceAbove(1 - q, above, candidate.count - above, prior);

  const places = placesOf(sketch, candidate, primary, ratio);
  // The primary's own quantile is the hardest to refute, or near it: the search goes outwards from there.
  const middle = places.findLastIndex(({ notBelow }) => notBelow >= (1 - q) * primary.count);
  let least = Infinity;
  for (let reach = 0; reach < places.length && least >= enough; reach += 1) {
    for (const place of reach === 0 ? [places[middle]] : [places[middle - reach], places[middle + reach]]) {
      if (place !== undefined) least = Math.min(least, at(place));
    }
  }
  return least;
}

/** What is counted for those t that lie in one bin, or in several with the same counts. */
interface Place {
  /** The primary's values in t's bin and above. */
  readonly notBelow: number;
  /** The candidate's in bins above that which holds the ratio's multiple of the bin's end. */
  readonly above: number;
}

function placesOf({ growth }: QuantileSketch, candidate: QuantileState, primary: QuantileState, ratio: number): Place[] {
  const last = primary.bins.length - 1;
  const shift = Math.ceil(Math.log(ratio) / Math.log(growth));
  const places: Place[] = [];
  let notBelow = primary.count;
  let above = candidate.count;
  let passed = -1; // the bin of the candidate's up to which values were left behind
  for (let bin = 0; bin <= last; bin += 1) {
    const upTo = Math.min(last, Math.max(0, bin + shift));
    while (passed < upTo) {
      passed += 1;
      above -= candidate.bins[passed] as number;
    }
    const before = places.at(-1);
    if (before === undefined || before.notBelow !== notBelow || before.above !== above) places.push({ notBelow, above });
    notBelow -= primary.bins[bin] as number;
  }
  return places;
}
