/**
 * Makes a reference of a table, in two passes and bounded memory; where the data hold what came true, it also learns to
 * estimate the model's performance.
 */
import { buildEstimator, realisedPerformance, type Problem } from "../../detectors/performance/estimator.ts";
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { referenceBuilder } from "../../detectors/reference/reference-builder.ts";
import { isDerived } from "../featuriser/derived.ts";
import type { Featuriser } from "../featuriser/featuriser.ts";
import { featurisedTable } from "./featurised-table.ts";
import { InputError } from "./input-error.ts";
import { addRows, performanceRowsMax, startRows, takeRows, type PerformanceRows } from "./performance-rows.ts";
import { checkColumns, classScores, rolesNamed, scoreColumns, type Roles } from "./roles.ts";
import type { Batch, Table } from "./table.ts";
import { timesOf } from "./row-times.ts";
import { kindsOf } from "./value-kinds.ts";

export interface ReferenceOptions {
  readonly table: Table;
  readonly model: string;
  readonly roles: Roles;
  /** Columns that are nothing to the model. */
  readonly ignore: readonly string[];
  readonly problem?: Problem | undefined;
  /** Rows of the chunks whose figures make the thresholds of performance; a tenth of all where it is not given. */
  readonly chunkRows?: number | undefined;
  /** Makes features of whole rows. */
  readonly featuriser?: Featuriser | undefined;
  /** Hears of both passes how many rows have been read, and how many bytes of twice the file. */
  readonly onProgress?: ((rows: number, bytes: number) => void) | undefined;
}

export interface MadeReference {
  readonly reference: Reference;
  /** What a person should know of how it was made. */
  readonly notes: readonly string[];
}

/** Batches by which it is decided whether a column is one of numbers. */
const lookBatches = 16;

/** Throws an InputError that names row and column for what can not be a reference. */
export async function makeReference({ table: data, model, roles, ignore, problem, chunkRows, featuriser, onProgress }: ReferenceOptions): Promise<MadeReference> {
  const table = featuriser === undefined ? data : featurisedTable(data, featuriser);
  const { score, prediction, actual, timestamp } = roles;
  checkColumns(table, [...rolesNamed(roles), ...ignore.map((column) => ["--ignore", column] as const)]);
  const verbatim = new Set(timestamp === undefined ? [] : [timestamp]);
  const ignored = new Set(ignore);
  const columns = new Set(table.columns.filter((column) => !ignored.has(column)));
  const canEstimate = actual !== undefined && (score !== undefined || (problem === "regression" && prediction !== undefined));

  const kinds = kindsOf(await firstValues(table, columns, verbatim));
  const builder = referenceBuilder({ model, kinds });
  const performanceScore = score ?? prediction;
  let held: PerformanceRows | undefined;
  let rows = 0;
  let bytes = 0;
  for (const pass of ["learn", "count"] as const) {
    if (pass === "count") builder.cut();
    for await (const batch of table.batches({ columns, verbatim, onBytes: (count) => (bytes = count) })) {
      const times = timestamp === undefined ? undefined : timesOf(table.file.name, timestamp, batch);
      builder[pass](batch.columns, times);
      if (pass === "learn" && canEstimate) {
        held ??= startRows(keptColumns(batch, roles, ignored, problem, kinds), true);
        addRows(held, batch.columns, batch.columns.get(actual), 0, batch.rows);
      }
      rows += batch.rows;
      onProgress?.(rows, pass === "learn" ? bytes : table.bytes + bytes);
    }
  }

  const isSeveral = classScores(score) !== undefined;
  const finished = refusingRangeErrors(table.file.name, () =>
    builder.finish({ ...roles, score: isSeveral ? undefined : score, ignore: isSeveral ? scoreColumns(score) : [], derived: featuriser?.names }),
  );
  const isFeaturised = finished.reference.features.some(({ name }) => isDerived(name));
  const reference: Reference = { ...finished.reference, columns: { ...finished.reference.columns, ...roles }, ...(isFeaturised && { featuriser: featuriser?.origin }) };
  const notes = [...finished.notes, ...refusedRows(featuriser)];
  if (held === undefined) return { reference, notes: [...notes, ...missingForEstimate(roles)] };

  const features = reference.features.filter(({ kind, name }) => kind === "numeric" && held?.columns.has(name)).map(({ name }) => name);
  const { scores, predictions, actuals, features: numbers } = takeRows(held, { ...roles, score: performanceScore }, features);
  const made = refusingRangeErrors(table.file.name, () =>
    buildEstimator({ problem, scores: scores as NonNullable<typeof scores>, predictions, actuals: actuals as readonly Value[], features: numbers, chunkRows }),
  );
  const { estimator } = made;
  const classes = "classes" in estimator ? estimator.classes : undefined;
  const realised = realisedPerformance(estimator.problem, { scores, predictions, actuals: actuals as readonly Value[], classes });
  const performance = Object.fromEntries(Object.entries(realised).map(([name, { value }]) => [name, value]));
  const dropped = held.seen > performanceRowsMax ? [`Performance was learnt from ${performanceRowsMax} of ${held.seen} rows, drawn at random.`] : [];
  return {
    reference: { ...reference, columns: { ...reference.columns, ...(performanceScore !== undefined && { score: performanceScore }) }, estimator, performance },
    notes: [...notes, ...dropped, ...made.notes],
  };
}

async function firstValues(table: Table, columns: ReadonlySet<string>, verbatim: ReadonlySet<string>): Promise<ReadonlyMap<string, readonly (readonly Value[])[]>> {
  const found = new Map<string, (readonly Value[])[]>([...columns].map((column) => [column, []]));
  let batches = 0;
  for await (const batch of table.batches({ columns, verbatim })) {
    for (const [column, values] of batch.columns) found.get(column)?.push(values);
    batches += 1;
    if (batches === lookBatches) break;
  }
  return found;
}

/** The features only where the loss of predicted numbers may have to be estimated: they are most of the memory. */
function keptColumns({ columns }: Batch, roles: Roles, ignored: ReadonlySet<string>, problem: Problem | undefined, kinds: ReadonlyMap<string, unknown>): readonly string[] {
  const outputs = [...scoreColumns(roles.score), ...(roles.prediction === undefined ? [] : [roles.prediction])];
  const actuals = columns.get(roles.actual as string) ?? [];
  const mayBeRegression = problem === "regression" || (problem === undefined && classScores(roles.score) === undefined && new Set(actuals).size > 2);
  if (!mayBeRegression) return outputs;
  const numeric = [...columns].filter(([name, values]) => !kinds.has(name) && values.some((value) => typeof value === "number"));
  const others = new Set([...outputs, roles.actual, roles.timestamp]);
  return [...outputs, ...numeric.map(([name]) => name).filter((name) => !others.has(name) && !ignored.has(name) && !isDerived(name))];
}

function refusedRows(featuriser: Featuriser | undefined): readonly string[] {
  const why = featuriser?.refused().why ?? "";
  return why === "" ? [] : [`The featuriser refuses rows, whose columns by it are null: ${why}.`];
}

function missingForEstimate({ score, actual }: Roles): readonly string[] {
  if (score === undefined && actual === undefined) return [];
  return [`Performance can not be estimated: name the column of ${score === undefined ? "the model's score with --score" : "what came true with --actual"} too.`];
}

/** What the statistics refuse is the data's fault here. */
function refusingRangeErrors<Made>(name: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(`${name}: ${error.message}`);
    throw error;
  }
}
