/**
 * The first pass over a column: what its values are, and at its end the cells that they are counted in.
 *
 * The kind of a column is what most of its values are, which is known at the end only; until then its numbers and its
 * categories are both kept. Cost: O(1) a value, about a fifth of a microsecond.
 */
import { cellCount, cellOf } from "./cells.ts";
import { cellFinder } from "./cell-finder.ts";
import type { CategoricalReference, FeatureReference, NumericReference, Value } from "./feature-reference.ts";
import { cutCategories, learnCategory, startCategories, type CutCategories, type LearntCategories } from "./learn-categories.ts";
import { cutNumbers, learnNumber, startNumbers, weightedNumbers, type CutNumbers, type LearntNumbers } from "./learn-numbers.ts";
import { midRanks, rankOrder } from "./mid-ranks.ts";

export interface LearntColumn {
  readonly name: string;
  /** Where it was given. */
  readonly kind: FeatureReference["kind"] | undefined;
  readonly numbers: LearntNumbers;
  readonly categories: LearntCategories;
  rows: number;
  /** Rows that are null, NaN, infinite, text or a truth value, or nothing that a feature may send. */
  nulls: number;
  nans: number;
  infinities: number;
  texts: number;
  strangers: number;
}

export interface CutColumn {
  /** Its counts are estimates, and its moments incomplete: the second pass counts what is so. */
  readonly feature: FeatureReference;
  readonly numbers: CutNumbers | undefined;
  readonly categories: CutCategories | undefined;
  readonly find: (value: Value) => number;
  /** Per cell, from the estimates. */
  readonly midRanks: Float64Array;
}

export function startColumn(name: string, kind: FeatureReference["kind"] | undefined): LearntColumn {
  return {
    name, kind, numbers: startNumbers(), categories: startCategories(),
    rows: 0, nulls: 0, nans: 0, infinities: 0, texts: 0, strangers: 0,
  };
}

/** Consumes `column`. @param decides whether the row is in the half that decides which categories are known. */
export function learnValue(column: LearntColumn, value: Value, decides: boolean): void {
  column.rows += 1;
  if (value === null || value === undefined) column.nulls += 1;
  else if (typeof value === "number") {
    if (Number.isNaN(value)) column.nans += 1;
    else if (!Number.isFinite(value)) column.infinities += 1;
    else {
      if (column.kind === "categorical") learnCategory(column.categories, String(value), decides);
      learnNumber(column.numbers, value, decides);
    }
  } else if (typeof value === "string" || typeof value === "boolean") {
    column.texts += 1;
    if (column.kind !== "numeric") learnCategory(column.categories, String(value), decides);
  } else column.strangers += 1;
}

export function kindOf({ kind, numbers, nans, infinities, texts, strangers }: LearntColumn): FeatureReference["kind"] {
  return kind ?? (numbers.moments.count + nans + infinities > texts + strangers ? "numeric" : "categorical");
}

/** Whether there is anything to cut: categories may be none, numbers not. */
export function hasCells(column: LearntColumn): boolean {
  return kindOf(column) === "categorical" || column.numbers.moments.count > 0;
}

/** @throws RangeError, naming the feature, where it has no rows, or is numeric and has no finite number. */
export function cutColumn(column: LearntColumn, cells: number): CutColumn {
  if (column.rows === 0) throw new RangeError(`reference: feature ${column.name} has no rows`);
  return kindOf(column) === "numeric" ? cutNumeric(column, cells) : cutCategorical(column, cells);
}

function cutNumeric(column: LearntColumn, cells: number): CutColumn {
  const { name, rows } = column;
  if (!hasCells(column)) throw new RangeError(`reference: feature ${name} has no finite number`);
  const numbers = cutNumbers(column.numbers, cells);
  const { edges, mean, min, max } = numbers;
  const empty: NumericReference = { kind: "numeric", name, edges, counts: [], rows, mean, standardDeviation: 0, min, max };

  const counts = Array.from({ length: cellCount(empty) }, () => 0);
  const weighted = weightedNumbers(column.numbers);
  const weight = column.numbers.moments.count / weighted.counts.reduce((sum, count) => sum + count, 0);
  for (const [i, value] of weighted.values.entries()) counts[cellOf(empty, value)]! += weight * (weighted.counts[i] as number);
  counts.splice(-4, 4, column.nulls, column.nans, column.infinities, column.texts + column.strangers);
  return cut({ ...empty, counts }, numbers, undefined);
}

function cutCategorical(column: LearntColumn, cells: number): CutColumn {
  const { name, rows, kind } = column;
  const categories = cutCategories(column.categories, kind === undefined ? column.numbers.exact : undefined, cells);
  const wrong = column.nans + column.infinities + column.strangers;
  const counts = [...categories.deciding, categories.others, column.nulls / 2, wrong / 2];
  const feature: CategoricalReference = { kind: "categorical", name, values: categories.values, counts, heldOut: counts.map(() => 0), rows };
  return cut(feature, undefined, categories);
}

function cut(feature: FeatureReference, numbers: CutNumbers | undefined, categories: CutCategories | undefined): CutColumn {
  return { feature, numbers, categories, find: cellFinder(feature), midRanks: midRanks(rankOrder(feature), feature.counts) };
}
