/** The end of making a reference: which columns are features, what depends on what, and what a person should know of it. */
import { fitRows, rowMeasures } from "../multivariate/row-reference.ts";
import { thinningFor } from "./autocorrelation.ts";
import { columnNotes, reasonToLeaveOut } from "./column-notes.ts";
import { finishColumn, runMax, type CountedColumn } from "./count-column.ts";
import type { FeatureReference, NumericReference, Reference, ReferenceColumns, WholeRows } from "./feature-reference.ts";
import { cutColumn, kindOf, learnValue, startColumn, type LearntColumn } from "./learn-column.ts";
import { referenceFormat } from "./reference-format.ts";
import type { Season } from "./seasons.ts";
import { chooseSeason, countBatch, startSecondPass, type SecondPass } from "./second-pass.ts";

/** Which columns are what. All others are features. */
export interface Roles extends ReferenceColumns {
  /** Columns that are nothing to the model. */
  readonly ignore?: readonly string[] | undefined;
  /** Columns that are what they are: features even if they look like identifiers, a score even if it is text. */
  readonly keep?: readonly string[] | undefined;
  /** Features that were made of the others, and so are no part of how these hang together. */
  readonly derived?: readonly string[] | undefined;
}

export interface MadeReference {
  readonly reference: Reference;
  /** Sentences for a person. */
  readonly notes: readonly string[];
}

export interface FirstPass {
  readonly model: string;
  readonly columns: ReadonlyMap<string, LearntColumn>;
  readonly rows: number;
  readonly rowsWithTime: number;
  /** From the first to the last time. */
  readonly spanMs: number;
}

const dayMs = 86_400_000;
const measureCells = 64;

/** @throws RangeError where a role names no column, the score is not numeric, or no feature is left. */
export function finishReference(first: FirstPass, second: SecondPass, roles: Roles): MadeReference {
  const { model, columns, rows } = first;
  const { score, prediction } = roles;
  const named = columnsOf(roles, columns);
  const notes: string[] = [];
  const features = featuresOf(columns, roles, notes);
  if (features.length === 0) throw new RangeError(`reference: no features${notes.length > 0 ? ` are left: ${notes.join("; ")}` : ""}`);
  if (score !== undefined && roles.keep?.includes(score) !== true && kindOf(columns.get(score) as LearntColumn) !== "numeric") {
    throw new RangeError(`reference: score: expected a column of numbers, got ${score}, most of whose rows are none`);
  }

  const parts = [...new Set([...features, ...[score, prediction].filter((name) => name !== undefined)])];
  const season = chooseSeason(second, parts);
  const made = new Map<string, FeatureReference>();
  for (const name of parts) {
    const learnt = columns.get(name) as LearntColumn;
    const counted = countedOf(second, learnt);
    made.set(name, finishColumn(counted, season, second.hours));
    notes.push(...columnNotes(learnt, counted.cut));
  }
  notes.push(...timeNotes(first, season));
  const thinning = thinningOf([...made.values()], rows, notes);

  // Where rows look different from hour to hour as a matter of course, one model of them all would be an alarm every evening.
  const wholeRows = season === undefined ? wholeRowsOf(second, features.map((name) => made.get(name) as FeatureReference), roles.derived ?? []) : undefined;

  const reference: Reference = {
    format: referenceFormat,
    model,
    rows,
    features: features.map((name) => made.get(name) as FeatureReference),
    ...(score !== undefined && { score: made.get(score) }),
    ...(prediction !== undefined && { prediction: made.get(prediction) }),
    ...(named !== undefined && { columns: named }),
    ...(season !== undefined && { season }),
    ...(wholeRows !== undefined && { wholeRows }),
    thinning,
  };
  return { reference, notes };
}

/** The roles that are given, once each name was found to be a column. */
function columnsOf(roles: Roles, columns: ReadonlyMap<string, unknown>): ReferenceColumns | undefined {
  const { score, prediction, actual, timestamp, ignore = [], keep = [] } = roles;
  const given = Object.entries({ score, prediction, actual, timestamp }).filter(([, name]) => name !== undefined) as [string, string][];
  const lists = Object.entries({ ignore, keep }).flatMap(([role, names]) => names.map((name) => [role, name] as const));
  for (const [role, name] of [...given, ...lists]) {
    if (!columns.has(name)) throw new RangeError(`reference: ${role}: there is no column ${name}; there are ${[...columns.keys()].join(", ")}`);
  }
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function featuresOf(columns: ReadonlyMap<string, LearntColumn>, roles: Roles, notes: string[]): string[] {
  const { score, prediction, actual, timestamp, ignore = [], keep = [] } = roles;
  const others = new Set([score, prediction, actual, timestamp, ...ignore]);
  const features: string[] = [];
  for (const [name, column] of columns) {
    if (others.has(name)) continue;
    const reason = keep.includes(name) ? undefined : reasonToLeaveOut(column);
    if (reason === undefined) features.push(name);
    else notes.push(reason);
  }
  return features;
}

function countedOf({ columns }: SecondPass, learnt: LearntColumn): CountedColumn {
  const counted = columns.get(learnt.name);
  if (counted === undefined) cutColumn(learnt, 1); // which says what is wrong with it
  return counted as CountedColumn;
}

function wholeRowsOf({ columns, sample }: SecondPass, features: readonly FeatureReference[], derived: readonly string[]): WholeRows | undefined {
  const places = [...columns.keys()];
  const taken = features.map(({ name }) => places.indexOf(name));
  // What does not vary is written with no columns.
  const written = features.map((feature) => (derived.includes(feature.name) ? { ...feature, standardDeviation: 0 } : feature));
  const fitted = fitRows(written, sample.rows.map((row) => taken.map((place) => row[place])));
  return fitted && { ...fitted.model, measures: rowMeasures.map((name, index) => measureOf(name, fitted.heldOut[index] as readonly number[])) };
}

/** A reference of one column in memory, by the same two passes. */
function measureOf(name: string, values: readonly number[]): NumericReference {
  const learnt = startColumn(name, "numeric");
  for (const value of values) learnValue(learnt, value, false);
  const pass = startSecondPass([learnt], { cells: measureCells, timed: false, rowsHint: values.length });
  countBatch(pass, new Map([[name, values]]), new Uint8Array(values.length), undefined);
  const { sample: _sample, histogram: _histogram, autocorrelation: _autocorrelation, ...reference } = finishColumn(countedOf(pass, learnt), undefined, pass.hours) as NumericReference;
  return reference;
}

function timeNotes({ rows, rowsWithTime, spanMs }: FirstPass, season: Season | undefined): string[] {
  if (rowsWithTime === 0) return [];
  if (rowsWithTime < rows) return [`${rows - rowsWithTime} of ${rows} rows have no time, so no season was looked for.`];
  if (season !== undefined) return [`What is normal depends on the ${season.replaceAll("-", " ")} (UTC), so each has a reference of its own.`];
  if (spanMs < 3 * dayMs) return [`The rows span ${(spanMs / dayMs).toFixed(1)} days, too few to tell whether there is a season.`];
  return [];
}

/** The largest that any part asks for. */
function thinningOf(parts: readonly FeatureReference[], rows: number, notes: string[]): number {
  const asked = parts.map(({ name, autocorrelation = 0 }) => ({ name, autocorrelation, thinning: thinningFor(autocorrelation, Math.min(rows, runMax)) }));
  const most = asked.reduce((a, b) => (b.thinning > a.thinning ? b : a));
  if (most.thinning > 1) {
    notes.push(`Rows depend on the ones before them, most in ${most.name} (correlation ${most.autocorrelation.toFixed(2)}): one row in ${most.thinning} enters the alarms.`);
  }
  return most.thinning;
}
