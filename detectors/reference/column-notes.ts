/** What a person should know of a column when a reference is made: sentences, each beginning with the column's name. */
import { hasCells, kindOf, type CutColumn, type LearntColumn } from "./learn-column.ts";
import type { FeatureReference } from "./feature-reference.ts";
import { distinctCategories } from "./learn-categories.ts";
import { distinctNumbers } from "./learn-numbers.ts";

/** Fewer rows that all differ say nothing. */
const identifierRowsMin = 20;
/** From here on, whole numbers that never repeat are taken for identifiers whatever their order. */
const wholeRowsMin = 1_000;
/** An estimated count of distinct values is this close to the count itself, in nearly all cases. */
const estimateMin = 0.95;

/** Why a column is no feature; undefined where it is one. */
export function reasonToLeaveOut(column: LearntColumn): string | undefined {
  const { name, rows, nulls, kind } = column;
  if (nulls === rows) return `${name}: every row is null; left out.`;
  if (!hasCells(column)) return `${name}: no row has a finite number; left out.`;
  if (kind === undefined && isIdentifier(column)) {
    return `${name}: every row has a value of its own, as an identifier has; left out (a column whose kind is given stays).`;
  }
  return undefined;
}

/**
 * Text that never repeats; or whole numbers that never do, and that also count up, count down, or leave no gaps to speak of,
 * or are so many that measurements would have repeated.
 */
function isIdentifier(column: LearntColumn): boolean {
  const { numbers, categories } = column;
  if (kindOf(column) === "categorical") {
    return column.texts >= identifierRowsMin && neverRepeats(distinctCategories(categories), column.texts, categories.exact !== undefined);
  }
  const { count } = numbers.moments;
  if (count < identifierRowsMin || !numbers.whole || !neverRepeats(distinctNumbers(numbers), count, numbers.exact !== undefined)) return false;
  return numbers.ascending || numbers.descending || numbers.max - numbers.min < 2 * count || count >= wholeRowsMin;
}

function neverRepeats(distinct: number, values: number, exact: boolean): boolean {
  return exact ? distinct === values : distinct >= estimateMin * values;
}

/** Of a column that stays. */
export function columnNotes(column: LearntColumn, { feature, categories }: CutColumn): string[] {
  const { name, rows, nulls, nans, infinities, texts, strangers, numbers } = column;
  const notes: string[] = [];
  const only = onlyValue(feature, categories?.distinct);
  if (only !== undefined) notes.push(`${name}: every ${nulls > 0 ? "value" : "row"} is ${only}, so any other will be far from normal.`);

  const wrong = feature.kind === "numeric" ? texts + strangers : nans + infinities + strangers;
  if (wrong > 0) {
    const what = feature.kind === "numeric" ? "no numbers, though most are" : "no categories, though most are";
    notes.push(`${name}: ${wrong} of ${rows} rows are ${what}; they count as wrong type.`);
  }
  if (feature.kind === "categorical" && column.kind === undefined && texts > 0 && numbers.moments.count > 0) {
    notes.push(`${name}: ${numbers.moments.count} of ${rows} rows are numbers among text; they are known by their text.`);
  }
  if (categories !== undefined && categories.distinct > feature.counts.length - 3) {
    const missed = categories.missedMax > 0 ? `; none with more than ${categories.missedMax} rows of the deciding half is missed` : "";
    const about = categories.missedMax > 0 ? "about " : "";
    notes.push(`${name}: of ${about}${categories.distinct} categories the ${feature.counts.length - 3} most frequent are known, the others count as other${missed}.`);
  }
  return notes;
}

function onlyValue(feature: FeatureReference, distinct: number | undefined): string | undefined {
  if (feature.kind === "numeric") return feature.min === feature.max ? String(feature.min) : undefined;
  return distinct === 1 ? `"${feature.values[0] ?? ""}"` : undefined;
}
