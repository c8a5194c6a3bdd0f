/**
 * The changes of a feature that are hardest to see for their size.
 *
 * Of all that move a number's mean so far it is exponential tilting, which diverges least. A normal feature is moved as a
 * whole by it, an exponential one is scaled; a plain shift of a skewed feature is found much sooner. Of a category's changes
 * it is a share of the rows that moves from every other category to its neighbours in frequency: no order of the categories
 * gives that away, so only bets that are learnt can.
 *
 * Source: I. Csiszar, I-divergence geometry of probability distributions, Annals of Probability 3 (1975).
 */
import type { NumericReference } from "../reference/reference.ts";

/** A way to change, from not at all to as far as it goes. */
export interface Change {
  readonly largest: number;
  /** The shares of the places after so strong a change, and how large that is in people's units. */
  apply(strength: number): { readonly shares: readonly number[]; readonly size: number };
}

/**
 * The mean moves up (1) or down (-1), in standard deviations of the values between the least and the greatest.
 * @param shares per place in the order of ranks. Undefined where the feature does not vary.
 */
export function tilt({ edges, min, max }: NumericReference, shares: readonly number[], direction: number): Change | undefined {
  const intervals = edges.length + 1;
  const first = edges[0];
  const last = edges.at(-1);
  if (first === undefined || last === undefined) return undefined;
  // The cell at the end of a long tail is represented by what lies near.
  const low = Math.max(min, first - 3 * ((edges[1] ?? Infinity) - first));
  const high = Math.min(max, last + 3 * (last - (edges.at(-2) ?? -Infinity)));
  const unit = Math.max(Math.abs(low), Math.abs(high)); // so that no square is too large or too small for a number
  const positions = Array.from({ length: intervals }, (_, i) => ((edges[i - 1] ?? low) / unit + (edges[i] ?? high) / unit) / 2);

  const own = shares.slice(1, intervals + 1);
  const before = momentsOf(own, positions);
  const scaled = positions.map((position) => (position - before.mean) / before.deviation);
  return {
    largest: 10,
    apply(strength) {
      const furthest = strength * Math.max(...scaled.map((position) => direction * position));
      const tilted = own.map((share, i) => share * Math.exp(direction * strength * (scaled[i] as number) - furthest));
      const factor = own.reduce((sum, share) => sum + share, 0) / tilted.reduce((sum, share) => sum + share, 0);
      const changed = tilted.map((share) => share * factor);
      return { shares: shares.map((share, place) => changed[place - 1] ?? share), size: Math.abs(momentsOf(changed, scaled).mean) };
    },
  };
}

function momentsOf(shares: readonly number[], positions: readonly number[]): { mean: number; deviation: number } {
  let [total, mean] = [0, 0];
  for (const [i, share] of shares.entries()) {
    total += share;
    mean += share * (positions[i] as number);
  }
  mean /= total;
  const variance = shares.reduce((sum, share, i) => sum + (share / total) * ((positions[i] as number) - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(variance) };
}

/** From the places of one half, every other one by frequency, to those of the other half. */
export function movedShare(shares: readonly number[]): Change {
  const order = [...shares.keys()].sort((a, b) => (shares[b] as number) - (shares[a] as number));
  const gaining = shares.map(() => false);
  let [from, to] = [0, 0];
  for (const place of order) {
    if (from <= to) from += shares[place] as number;
    else {
      gaining[place] = true;
      to += shares[place] as number;
    }
  }
  return {
    largest: from,
    apply: (strength) => ({
      shares: shares.map((share, place) => share * (gaining[place] === true ? 1 + strength / to : 1 - strength / from)),
      size: strength,
    }),
  };
}
