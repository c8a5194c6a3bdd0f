/** Numbers or text? Of a whole column, since single values of another kind are what drift looks like. */
import type { FeatureReference, Value } from "../../detectors/reference/reference.ts";
import { InputError, quoted } from "./input-error.ts";

/** More text than this among the numbers, and a column is one of categories. */
const textRatioMax = 0.05;

/** Columns with too much text among their numbers, though these are more. The others are what most of their values are. */
export function kindsOf(columns: ReadonlyMap<string, readonly (readonly Value[])[]>): ReadonlyMap<string, FeatureReference["kind"]> {
  const kinds = new Map<string, FeatureReference["kind"]>();
  for (const [name, parts] of columns) {
    let numbers = 0;
    let texts = 0;
    for (const values of parts) {
      for (const value of values) {
        if (typeof value === "number") numbers += 1;
        else if (value !== null && value !== undefined) texts += 1;
      }
    }
    if (numbers > texts && texts > textRatioMax * (numbers + texts)) kinds.set(name, "categorical");
  }
  return kinds;
}

/** Throws an InputError for each feature none of whose first values is of the kind that the reference knows. */
export function checkKinds(name: string, features: readonly FeatureReference[], columns: ReadonlyMap<string, readonly Value[]>): void {
  const problems = features.flatMap((feature) => {
    const values = columns.get(feature.name) ?? [];
    const row = values.findIndex((value) => value !== null && value !== undefined);
    const value = values[row];
    if (value === undefined) return [];
    const at = `${name}: row ${row + 1}, column ${quoted(feature.name)}`;
    if (feature.kind === "numeric") {
      return values.some((one) => typeof one === "number") ? [] : [`${at}: expected numbers as in the reference, got ${quoted(String(value))} and other text only; correct the data, or make the reference anew`];
    }
    const isKnown = values.some((one) => typeof one !== "number" || feature.values.includes(String(one)));
    return isKnown ? [] : [`${at}: expected categories such as ${quoted(feature.values[0] ?? "")} as in the reference, got ${String(value)} and other numbers only; correct the data, or make the reference anew`];
  });
  if (problems.length > 0) throw new InputError(...problems);
}
