/**
 * Do things happen as often as the score says? The reliability table over groups of about equal size, the expected
 * calibration error (ECE) that sums it up, and Brier's score taken apart.
 *
 * Answers are probabilities of being positive, 0 and 1 where they are known. Rows of equal score are never parted, so the
 * order of rows does not matter. Scores need not be probabilities for the table, but the error then says little.
 *
 * Sources: A. H. Murphy, A New Vector Partition of the Probability Score, 1973; D. Stephenson, C. Coelho and I. Jolliffe,
 * Two Extra Components in the Brier Score Decomposition, 2008. Cost: a sort.
 */
import { evenCuts } from "../reference/even-cuts.ts";
import { standardErrors, type Banded } from "./banded.ts";
import { meanLoss, quadratic } from "./probability-scores.ts";
import type { ScoredRows } from "./ranking.ts";

/** Rows whose scores lie next to each other. */
export interface ReliabilityGroup {
  /** Lowest and highest score in it. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean score, and the share of positives that it should equal. */
  readonly score: number;
  readonly actual: number;
  /** Of the number of positives, given how likely each was to be one: p(1-p), summed. */
  readonly variance: number;
}

const groupsDefault = 10;

/** At most `groups` of them, lowest scores first; none without rows. */
export function reliabilityTable(rows: ScoredRows, groups = groupsDefault): ReliabilityGroup[] {
  if (!Number.isInteger(groups) || groups < 1) throw new RangeError(`reliabilityTable: groups must be 1 or more, got ${groups}`);
  const { scores, likelihoods, weights } = rows;
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => (scores[a] as number) - (scores[b] as number));

  const distinct: { score: number; rows: number; positives: number }[] = [];
  for (const row of order) {
    const weight = weights === undefined ? 1 : (weights[row] as number);
    if (!(weight > 0)) continue;
    const score = scores[row] as number;
    let ties = distinct.at(-1);
    if (ties === undefined || ties.score !== score) distinct.push((ties = { score, rows: 0, positives: 0 }));
    ties.rows += weight;
    ties.positives += weight * (likelihoods[row] as number);
  }
  if (distinct.length === 0) return [];

  const cuts = evenCuts(distinct.map((ties) => ties.rows), groups);
  return [...cuts, distinct.length - 1].map((last, group) => {
    const members = distinct.slice(group === 0 ? 0 : (cuts[group - 1] as number) + 1, last + 1);
    const size = sumOf(members, (ties) => ties.rows);
    const actual = sumOf(members, (ties) => ties.positives) / size;
    return {
      from: (members[0] as { score: number }).score,
      to: (members.at(-1) as { score: number }).score,
      rows: size,
      score: sumOf(members, (ties) => ties.rows * ties.score) / size,
      actual,
      variance: sumOf(members, (ties) => ties.positives * (1 - ties.positives / ties.rows)),
    };
  });
}

/** The mean distance between what the score says and what happens; undefined without rows. */
export function calibrationError(rows: ScoredRows, groups = groupsDefault): number | undefined {
  const table = reliabilityTable(rows, groups);
  return table.length === 0 ? undefined : errorOf(table);
}

/**
 * The same with its band. Chance alone makes distances of which none is negative, so the error of a perfect score is
 * not 0; the lower end leaves out as much as chance would make.
 */
export function calibrationErrorBand(rows: ScoredRows, groups = groupsDefault): Banded | undefined {
  const table = reliabilityTable(rows, groups);
  if (table.length === 0) return undefined;
  const value = errorOf(table);
  const size = sumOf(table, (group) => group.rows);
  const deviations = table.map((group) => {
    // With one positive and one negative more than were seen: a group all of one kind does not prove that there is no other.
    const share = (group.rows * group.actual + 1) / (group.rows + 2);
    return Math.sqrt(Math.max(group.variance, group.rows * share * (1 - share)));
  });
  const standardError = Math.sqrt(sumOf(deviations, (deviation) => deviation ** 2)) / size;
  const byChance = (Math.sqrt(2 / Math.PI) * sumOf(deviations, (deviation) => deviation)) / size;
  const reach = standardErrors * standardError;
  return { value, lower: Math.max(0, value - byChance - reach), upper: Math.min(1, value + reach) };
}

function errorOf(table: readonly ReliabilityGroup[]): number {
  return sumOf(table, (group) => group.rows * Math.abs(group.score - group.actual)) / sumOf(table, (group) => group.rows);
}

/** `brier = reliability - resolution + uncertainty + within`. */
export interface BrierParts {
  readonly brier: number;
  /** How far the groups' scores lie from what happened, squared: 0 is perfect. */
  readonly reliability: number;
  /** How far what happened in the groups lies from the overall share, squared: more is better. */
  readonly resolution: number;
  /** Of the share of positives itself. */
  readonly uncertainty: number;
  /** What is left because scores differ within a group. */
  readonly within: number;
}

/** Undefined without rows, or with a score that is no probability. */
export function brierParts(rows: ScoredRows, groups = groupsDefault): BrierParts | undefined {
  const brier = meanLoss(rows, quadratic)?.value;
  if (brier === undefined) return undefined;
  const table = reliabilityTable(rows, groups);
  const size = sumOf(table, (group) => group.rows);
  const share = sumOf(table, (group) => group.rows * group.actual) / size;
  const reliability = sumOf(table, (group) => group.rows * (group.score - group.actual) ** 2) / size;
  const resolution = sumOf(table, (group) => group.rows * (group.actual - share) ** 2) / size;
  const uncertainty = share * (1 - share);
  return { brier, reliability, resolution, uncertainty, within: brier - (reliability - resolution + uncertainty) };
}

function sumOf<Item>(items: readonly Item[], term: (item: Item) => number): number {
  let total = 0;
  for (const item of items) total += term(item);
  return total;
}
