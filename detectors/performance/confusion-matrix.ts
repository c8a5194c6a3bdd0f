/**
 * Which classes are taken for which: rows by actual class and predicted class. At most `classesMax` classes have lines of
 * their own, those with most rows; the rest share the last one.
 */
import { checkLengths } from "./columns.ts";
import { labelOf, type Label } from "./labels.ts";

export interface ConfusionMatrix {
  /** Those with lines of their own, most frequent first, equals in the order of their code units. */
  readonly classes: readonly string[];
  /** `counts[actual][predicted]`, in the order of classes; one line and column more, for all others, where there are any. */
  readonly counts: readonly (readonly number[])[];
}

/** Rows without an answer or without a prediction are left out. */
export function confusionMatrix(predictions: ArrayLike<Label>, actuals: ArrayLike<Label>, classesMax = 50): ConfusionMatrix {
  if (!Number.isInteger(classesMax) || classesMax < 1) throw new RangeError(`confusionMatrix: classesMax must be 1 or more, got ${classesMax}`);
  const rows = checkLengths({ actuals, predictions });
  const seen = new Map<string, number>();
  const pairs: (readonly [actual: string, predicted: string])[] = [];
  for (let row = 0; row < rows; row += 1) {
    const [actual, predicted] = [labelOf(actuals[row]), labelOf(predictions[row])];
    if (actual === undefined || predicted === undefined) continue;
    pairs.push([actual, predicted]);
    seen.set(actual, (seen.get(actual) ?? 0) + 1);
    seen.set(predicted, (seen.get(predicted) ?? 0) + 1);
  }
  const byWeight = [...seen].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1)).map(([name]) => name);
  const classes = byWeight.slice(0, classesMax);
  const index = new Map(classes.map((name, i) => [name, i]));
  const lines = Math.min(byWeight.length, classesMax + 1);
  const counts = Array.from({ length: lines }, () => Array.from({ length: lines }, () => 0));
  for (const [actual, predicted] of pairs) (counts[index.get(actual) ?? classesMax] as number[])[index.get(predicted) ?? classesMax]! += 1;
  return { classes, counts };
}
