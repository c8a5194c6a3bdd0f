/**
 * The second pass over a column: its rows counted in the cells that the first pass cut, in all and by season, and how much
 * each row resembles the one before it.
 */
import { lagOne } from "./autocorrelation.ts";
import type { FeatureReference, Value } from "./feature-reference.ts";
import type { CutColumn } from "./learn-column.ts";
import { countNumber, standardDeviation, startCounting, type CountedNumbers } from "./learn-numbers.ts";
import { midRanks, rankOrder } from "./mid-ranks.ts";
import { seasonCount, type Season } from "./seasons.ts";

export interface CountedColumn {
  readonly cut: CutColumn;
  readonly counts: Float64Array;
  /** The part of them that has no say in which categories are known. */
  readonly heldOut: Float64Array;
  /** Rows per hour of the week and cell, of what is ranked against: all rows of numbers, those held out of categories. */
  readonly weekly: Uint32Array | undefined;
  readonly numbers: CountedNumbers | undefined;
  /** The cells of the first rows, in their order. */
  run: Uint16Array | Uint32Array;
  rows: number;
}

/** Rows over which autocorrelation is measured: its standard error is then 0.003. */
export const runMax = 100_000;

const runFirst = 1_024;
const hoursOfWeek = seasonCount("hour-of-week");

/** @param rowsHint how many rows are expected, so that the memory is taken at once. */
export function startCount(cut: CutColumn, { timed, rowsHint = runFirst }: { readonly timed: boolean; readonly rowsHint?: number | undefined }): CountedColumn {
  const cells = cut.feature.counts.length;
  const places = Math.min(runMax, Math.max(1, rowsHint));
  return {
    cut,
    counts: new Float64Array(cells),
    heldOut: new Float64Array(cells),
    weekly: timed ? new Uint32Array(hoursOfWeek * cells) : undefined,
    numbers: cut.numbers === undefined ? undefined : startCounting(cut.numbers),
    run: cells <= 65_536 ? new Uint16Array(places) : new Uint32Array(places),
    rows: 0,
  };
}

/**
 * Consumes `column`. Gives back the value's cell.
 *
 * @param decides as it was in the first pass. @param hour of the week; undefined where the rows have no times.
 */
export function countValue(column: CountedColumn, value: Value, decides: boolean, hour: number | undefined): number {
  const { cut, counts, heldOut, weekly, numbers } = column;
  const cell = cut.find(value);
  counts[cell]! += 1;
  if (!decides) heldOut[cell]! += 1;
  if (weekly !== undefined && hour !== undefined && (numbers !== undefined || !decides)) weekly[hour * counts.length + cell]! += 1;
  if (numbers !== undefined && cut.numbers !== undefined && Number.isFinite(value)) countNumber(numbers, cut.numbers, value as number);
  if (column.rows < runMax) {
    if (column.rows === column.run.length) grow(column);
    column.run[column.rows] = cell;
  }
  column.rows += 1;
  return cell;
}

function grow(column: CountedColumn): void {
  const length = Math.min(runMax, 2 * column.run.length);
  const run = column.run instanceof Uint16Array ? new Uint16Array(length) : new Uint32Array(length);
  run.set(column.run);
  column.run = run;
}

/** The feature's reference. @param hours of the week of the first rows. */
export function finishColumn(column: CountedColumn, season: Season | undefined, hours: ArrayLike<number>): FeatureReference {
  const feature = countedFeature(column);
  const order = rankOrder(feature);
  const seasons = season === undefined ? undefined : seasonsOf(column, season);
  const ranked = seasons ?? [feature.kind === "numeric" ? feature.counts : feature.heldOut];
  const ranks = ranked.map((counts) => midRanks(order, counts));
  let state = lagOne.start();
  for (let row = 0; row < Math.min(column.rows, runMax); row += 1) {
    // Weeks begin at midnight, so the hour of the day is what is left of that of the week.
    const now = seasons === undefined ? 0 : (hours[row] as number) % seasons.length;
    state = lagOne.step(state, (ranks[now] as Float64Array)[column.run[row] as number] as number);
  }
  return { ...feature, autocorrelation: lagOne.correlation(state), ...(seasons !== undefined && { seasons }) };
}

function countedFeature({ cut: { feature, numbers: cut, categories }, numbers, ...counted }: CountedColumn): FeatureReference {
  const counts = [...counted.counts];
  if (feature.kind === "categorical") return { ...feature, counts, heldOut: [...counted.heldOut], distinct: categories?.distinct };
  if (cut === undefined || numbers === undefined) return { ...feature, counts };
  const { integer, distinct, histogram, sample } = cut;
  const finite = numbers.bins.reduce((sum, count) => sum + count, 0);
  return {
    ...feature, counts, integer, distinct, sample,
    standardDeviation: standardDeviation(numbers, cut, finite),
    histogram: { ...histogram, counts: [...numbers.bins] },
  };
}

/** The hours of the week, or those of each day together. */
function seasonsOf({ weekly, counts }: CountedColumn, season: Season): number[][] {
  const cells = counts.length;
  return Array.from({ length: seasonCount(season) }, (_, first) => {
    const row = Array.from({ length: cells }, () => 0);
    for (let hour = first; hour < hoursOfWeek; hour += seasonCount(season)) {
      for (let cell = 0; cell < cells; cell += 1) row[cell]! += (weekly as Uint32Array)[hour * cells + cell] as number;
    }
    return row;
  });
}
