/**
 * The bets of an e-detector on a rise of the mean of values in 0 to 1: from the smallest rise that can matter to the largest.
 *
 * A bet multiplies the pot by 1 + bet (x - mean); of zeros and ones it is the likelihood ratio of a rise to
 * mean + bet mean (1 - mean). Bets stand in even proportions, because one that is half as large again as the best still
 * grows three quarters as fast.
 */

/** Of the money, small bets first. The bold ones win within a few values and can do with less. */
export const betShares: readonly number[] = [4, 4, 4, 4, 3, 2, 1, 1].map((share) => share / 23);

/** Of the pot, the share that the largest bet loses at a value of 0. */
const boldest = 0.75;

/** Below this a mean counts as this: one value in a million million, where already one is evidence enough. */
export const meanMin = 1e-12;

/**
 * As many as there are shares, ascending.
 *
 * @param mean the greatest that is normal, up to 1; below `meanMin` it counts as that.
 * @param evidence A: what the pot has to reach. The smallest bet is on the rise that takes about A / 10 values to find.
 */
export function betsOnRise(mean: number, evidence: number): number[] {
  const largest = boldest / Math.max(mean, meanMin);
  const needed = (10 * Math.log(evidence)) / evidence;
  // The growth rises with the bet. A bet of less than a thousandth of the largest is never worth while.
  let low = largest / 1_000;
  let high = largest / 8;
  while (high > 1.001 * low) {
    const bet = Math.sqrt(low * high);
    if (growth(bet, mean, mean + bet * mean * (1 - mean)) < needed) low = bet;
    else high = bet;
  }
  return betShares.map((_, i) => high * (largest / high) ** (i / (betShares.length - 1)));
}

/**
 * Mean gain per value of the pot's natural logarithm, where the values' mean has become `actual`: for zeros and ones exactly,
 * and for other values at least.
 */
export function growth(bet: number, mean: number, actual: number): number {
  return actual * Math.log1p(bet * (1 - mean)) + (1 - actual) * Math.log1p(-bet * mean);
}
