/**
 * What normal looked like: for each feature a histogram over fixed cells, made once from the reference data.
 *
 * The door of this folder: the types (feature-reference.ts) and the cells (cells.ts) for whoever uses a reference, how one
 * is made of data in memory, and how one that comes from a file is checked. Data larger than memory: reference-builder.ts.
 */
import type { Column, FeatureReference, Reference, Value } from "./feature-reference.ts";
import { cellsDefault, referenceBuilder } from "./reference-builder.ts";
import { referenceProblems } from "./reference-format.ts";

export type * from "./feature-reference.ts";
export { cellCount, cellName, cellOf, mergeCounts } from "./cells.ts";

/**
 * The reference of one feature. Numbers: a cell per value where there are at most `cells` distinct ones, else about
 * `cells` intervals of equal weight. Categories: a cell for each of the `cells` most frequent.
 *
 * @throws RangeError, naming the feature, where there are no rows, or no finite number in a numeric feature.
 */
export function featureReference(
  name: string,
  values: readonly Value[],
  { kind, cells = cellsDefault }: { kind?: FeatureReference["kind"]; cells?: number } = {},
): FeatureReference {
  return buildReference({ model: "any", features: [{ name, values, kind }], cells }).features[0] as FeatureReference;
}

/**
 * The reference of a model, from columns in memory. Every feature given is one, even if it looks like an identifier.
 *
 * @param times milliseconds since the epoch, one a row: where they are given, seasons are looked for.
 * @param derived features that were made of the others, and so are no part of how these hang together.
 * @throws RangeError where there are no features, two of one name, or columns of different lengths; and as `featureReference`.
 * Cost: about a quarter of a microsecond a value.
 */
export function buildReference({ model, features, score, prediction, times, performance, cells, derived }: {
  readonly model: string;
  readonly features: readonly Column[];
  readonly score?: Column | undefined;
  readonly prediction?: Column | undefined;
  readonly times?: readonly number[] | undefined;
  readonly performance?: Readonly<Record<string, number>> | undefined;
  readonly cells?: number | undefined;
  readonly derived?: readonly string[] | undefined;
}): Reference {
  if (features.length === 0) throw new RangeError("reference: no features");
  const columns = new Map<string, readonly Value[]>();
  const kinds = new Map<string, FeatureReference["kind"]>();
  for (const column of [...features, score, prediction]) {
    if (column === undefined) continue;
    if (columns.has(column.name)) throw new RangeError(`reference: two features are named ${column.name}`);
    columns.set(column.name, column.values);
    if (column.kind !== undefined) kinds.set(column.name, column.kind);
  }
  const builder = referenceBuilder({ model, kinds, cells, rowsHint: features[0]?.values.length });
  builder.learn(columns, times);
  builder.cut();
  builder.count(columns, times);
  const { reference } = builder.finish({ score: score?.name, prediction: prediction?.name, keep: [...columns.keys()], derived });
  return { ...reference, ...(performance !== undefined && { performance }) };
}

const problemsMax = 20;

/** A reference as it comes from a file. @throws Error with the path of each thing that is wrong, at most twenty of them. */
export function parseReference(value: unknown): Reference {
  const problems = referenceProblems(value);
  if (problems.length === 0) return value as Reference;
  const more = problems.length > problemsMax ? [`and ${problems.length - problemsMax} more`] : [];
  throw new Error(`reference: ${[...problems.slice(0, problemsMax), ...more].join("; ")}`);
}
