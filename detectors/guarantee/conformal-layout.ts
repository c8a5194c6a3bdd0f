/**
 * How the cells of a feature are ordered for ranking, what they are ranked against, and where bets on ranks are divided.
 *
 * Numbers have an order of their own. Categories are ordered by one half of the reference, and ranked against the other: an
 * order that was made by the same rows that are ranked against would make what was frequent there by chance seem to have
 * become rarer ever since.
 */
import { evenCuts } from "../reference/even-cuts.ts";
import { independentShare } from "../reference/autocorrelation.ts";
import type { CategoricalReference, FeatureReference, NumericReference } from "../reference/reference.ts";

export interface ConformalLayout {
  /** The place of each cell in the order of ranks; cells may share one. */
  readonly placeOf: readonly number[];
  /** What is ranked against: rows per place, for each season. */
  readonly bags: readonly (readonly number[])[];
  /** Of the betting cells on the scale of ranks, from 0 to 1. */
  readonly edges: readonly number[];
}

const betsMax = 16;
const placesMax = 100;

export function conformalLayout(reference: FeatureReference): ConformalLayout {
  const layout = reference.kind === "numeric" ? numericLayout(reference) : categoricalLayout(reference);
  const worth = independentShare(reference.autocorrelation ?? 0, reference.rows);
  return worth === 1 ? layout : { ...layout, bags: layout.bags.map((bag) => scaled(bag, worth)) };
}

/**
 * Rows that depend on each other are fewer than they seem, and would be taken for more certain than they are. Rounded such
 * that no sum over neighbours is off by more than one.
 */
function scaled(bag: readonly number[], by: number): number[] {
  let [before, whole] = [0, 0];
  return bag.map((count) => {
    before += count * by;
    const added = Math.round(before) - whole;
    whole += added;
    return added;
  });
}

/** Under, the intervals, over, null, NaN, infinite, wrong type: what is seldom lies at the ends. */
function numericLayout({ edges, counts, seasons = [counts] }: NumericReference): ConformalLayout {
  const placeOf = numericPlaces(counts.length, edges.length + 1);
  const bags = seasons.map((season) => sumByPlace(placeOf, season));
  return { placeOf, bags, edges: bettingEdges(sumByPlace(placeOf, counts), bags) };
}

/** The same for all features of as many cells, and kept for them. */
const placesByCells = new Map<number, readonly number[]>();

function numericPlaces(cells: number, under: number): readonly number[] {
  const known = placesByCells.get(cells);
  if (known !== undefined) return known;
  const places = Array.from({ length: cells }, (_, cell) => (cell < under ? cell + 1 : cell === under ? 0 : cell));
  if (placesByCells.size < placesMax) placesByCells.set(cells, places);
  return places;
}

/**
 * The most frequent first, and in the last place together all that the half which decides has never seen: a value that only
 * the other half knows is as new as one that neither does.
 */
function categoricalLayout({ counts, heldOut, seasons = [heldOut] }: CategoricalReference): ConformalLayout {
  const deciding = counts.map((count, cell) => count - (heldOut[cell] as number));
  const seen = [...deciding.keys()].filter((cell) => deciding[cell] !== 0);
  seen.sort((a, b) => (deciding[b] as number) - (deciding[a] as number) || a - b);
  const placeOf = counts.map((_, cell) => (deciding[cell] === 0 ? seen.length : seen.indexOf(cell)));
  const bags = seasons.map((season) => sumByPlace(placeOf, season));
  return { placeOf, bags, edges: bettingEdges(sumByPlace(placeOf, deciding), bags) };
}

function sumByPlace(placeOf: readonly number[], counts: readonly number[]): number[] {
  const sums = Array.from({ length: Math.max(...placeOf) + 1 }, () => 0);
  for (const [cell, place] of placeOf.entries()) sums[place]! += counts[cell] as number;
  return sums;
}

/**
 * Up to sixteen betting cells of about equal weight, bounded where the feature's own cells are (so that a feature of two
 * values is bet on as one of two values), and a narrow one at each end, for what is seldom or new. None is narrower than
 * four rows of a bag: finer than that, a rank says more about the bag than about the value.
 */
function bettingEdges(deciding: readonly number[], bags: readonly (readonly number[])[]): number[] {
  const narrowest = Math.min(1 / 4, Math.max(1 / 1_024, 4 / (sum(bags.map(sum)) / bags.length + 1)));
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
