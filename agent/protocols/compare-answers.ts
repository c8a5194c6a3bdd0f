/**
 * Do two answers to one question say the same? Row by row: classes must be the same class, scores lie within a difference,
 * numbers within a ratio. Which columns say it tells the config (`monitors.prediction`, `monitors.score`), or what they look
 * like: columns of whole numbers, texts or truth values are classes; several columns of one output between 0 and 1 are the
 * classes' scores, of which the highest counts; one such column is a score; all others are numbers. What a single answer predicts
 * and how sure it is are read in the same way.
 *
 * Two texts of a language model that differ may still mean the same, which nobody here can tell: they are not compared. Pure.
 */
import { isSameClass } from "./plain-class.ts";
import type { Decoded, Value } from "./protocol.ts";
import type { ScoreColumns } from "./score-columns.ts";

/** How answers are read. */
export interface Reading {
  /** Column of the prediction, as configured. */
  readonly prediction: string | undefined;
  readonly scores: ScoreColumns;
  /** Whole numbers are numbers and no classes. */
  readonly regression: boolean;
  /** Answers are texts of a language model. */
  readonly freeText: boolean;
  readonly tolerance: Tolerance;
}

export interface Tolerance {
  /** Largest difference of scores that are the same. */
  readonly score: number;
  /** Largest difference of numbers that are the same, as a ratio of the larger one. */
  readonly number: number;
}

export interface Compared {
  /** Share of the rows in which both say the same, 0 to 1; undefined where that can not be told. */
  readonly agreement: number | undefined;
  /** Mean absolute difference of scores or numbers; undefined where there are none. */
  readonly difference: number | undefined;
  /** What each predicts of each row, to be held against what comes true; undefined where that is not one value a row. */
  readonly said: { readonly primary: readonly Value[]; readonly rung: readonly Value[] } | undefined;
}

export type Answer = Extract<Decoded, { ok: true }>;
type Kind = "class" | "score" | "number" | "text";

/** What both say of one thing; `rung` is undefined where the rung says nothing of it. */
interface Facet {
  readonly kind: Kind;
  readonly primary: readonly Value[];
  readonly rung: readonly Value[] | undefined;
}

const nothing: Compared = { agreement: undefined, difference: undefined, said: undefined };
const contrary: Compared = { ...nothing, agreement: 0 };

/** Cost: linear in the values. An answer that can not be read, or of other rows, says something else than one that can. */
export function compareAnswers(primary: Decoded, rung: Decoded, reading: Reading): Compared {
  if (!primary.ok) return nothing;
  if (!rung.ok || rung.rows !== primary.rows) return contrary;
  const facets = facetsOf(primary, rung, reading);
  if (facets.length === 0) return nothing;
  const difference = meanDifference(primary, rung, reading);
  if (facets.some((facet) => facet.rung === undefined)) return { ...contrary, difference };
  let same = 0;
  for (let row = 0; row < primary.rows; row += 1) {
    if (facets.every((facet) => agrees(facet, row, reading.tolerance))) same += 1;
  }
  const isUnclear = same < primary.rows && facets.some(({ kind }) => kind === "text");
  return { agreement: isUnclear ? undefined : same / primary.rows, difference, said: saidOf(facets) };
}

/** Is what was predicted what came true? Numbers with a fraction, and those of a regression, within the tolerance. */
export function cameTrue(said: Value, actual: Value, { regression, tolerance }: Reading): boolean {
  const areNumbers = typeof said === "number" && typeof actual === "number";
  if (areNumbers && (regression || !Number.isInteger(said) || !Number.isInteger(actual))) return isNear(said, actual, tolerance.number);
  return isSameClass(said, actual);
}

/** What one answer predicts of each row; undefined where that is not one value a row. */
export function predictionsOf(answer: Answer, reading: Reading): readonly Value[] | undefined {
  return saidOf(facetsOf(answer, answer, reading))?.primary;
}

/**
 * The number of each row that says most: its score, of two classes the second's and of more the highest; or what a regression
 * predicts. `isScore`: one between 0 and 1. Undefined where there is none.
 */
export function numbersOf(answer: Answer, { prediction, scores, regression }: Reading): { readonly values: readonly number[]; readonly isScore: boolean } | undefined {
  const columns = columnsOf(answer);
  const chosen = scores.columns.length > 0 ? scores.columns : regression && prediction !== undefined ? [prediction] : undefined;
  const numeric = [...columns].filter(([name, values]) => (chosen === undefined ? regression || !isWhole(values) : chosen.includes(name)) && values.every((value) => typeof value === "number" && Number.isFinite(value))) as [string, readonly number[]][];
  const [first] = numeric;
  if (first === undefined || (chosen !== undefined && numeric.length < chosen.length)) return undefined;
  const output = (name: string) => name.replace(/_\d+$/, "");
  const family = chosen === undefined ? numeric.filter(([name]) => output(name) === output(first[0])) : numeric;
  const isScore = !regression && family.every(([, values]) => isShare(values));
  const values = Array.from({ length: answer.rows }, (_, row) => {
    const numbers = family.map(([, of]) => of[row] as number);
    return numbers.length > 2 || scores.classes !== undefined ? Math.max(...numbers) : (numbers.at(-1) as number);
  });
  return { values, isScore };
}

function facetsOf(primary: Answer, rung: Answer, { prediction, scores, regression, freeText }: Reading): readonly Facet[] {
  const ofPrimary = columnsOf(primary);
  const ofRung = columnsOf(rung);
  const pair = (name: string): Pick<Facet, "primary" | "rung"> => ({ primary: ofPrimary.get(name) ?? [], rung: ofRung.get(name) });
  const kindOf = (name: string): Kind => {
    const { primary: a, rung: b = [] } = pair(name);
    if (isText(a) || isText(b)) return freeText ? "text" : "class";
    if (!regression && isWhole(a) && isWhole(b)) return "class";
    return !regression && isShare(a) ? "score" : "number";
  };
  if (prediction !== undefined) {
    const kind = kindOf(prediction);
    return ofPrimary.has(prediction) ? [{ kind: kind === "text" ? "class" : kind, ...pair(prediction) }] : [];
  }
  if (freeText) return [...ofPrimary].filter(([name, values]) => isText(values) && name !== "finish_reason").map(([name]) => ({ kind: "text", ...pair(name) }));
  if (scores.columns.length > 0 && scores.columns.every((name) => ofPrimary.has(name))) {
    if (scores.classes !== undefined) return [highest(scores.columns.map(pair), scores.classes)];
    return scores.columns.map((name) => ({ kind: regression ? "number" : "score", ...pair(name) }));
  }

  const facets = [...ofPrimary.keys()].map((name): [string, Facet] => [name, { kind: kindOf(name), ...pair(name) }]);
  const classes = facets.filter(([, { kind }]) => kind === "class");
  if (classes.length > 0) return classes.map(([, facet]) => facet);
  const families = new Map<string, Facet[]>();
  for (const [name, facet] of facets) {
    const output = facet.kind === "score" ? name.replace(/_\d+$/, "") : name;
    families.set(output, [...(families.get(output) ?? []), facet]);
  }
  return [...families.values()].flatMap((family) => (family.length > 1 ? [highest(family)] : family));
}

/** Of several scores the highest: its place, or its class. */
function highest(columns: readonly Pick<Facet, "primary" | "rung">[], classes?: readonly string[]): Facet {
  const placeOf = (values: readonly (readonly Value[])[]) =>
    (values[0] ?? []).map((_, row): Value => {
      const scores = values.map((column) => (typeof column[row] === "number" ? column[row] : -Infinity));
      const place = scores.indexOf(Math.max(...scores));
      return classes?.[place] ?? place;
    });
  const rung = columns.flatMap((column) => (column.rung === undefined ? [] : [column.rung]));
  return { kind: "class", primary: placeOf(columns.map((column) => column.primary)), rung: rung.length < columns.length ? undefined : placeOf(rung) };
}

function agrees({ kind, primary, rung = [] }: Facet, row: number, tolerance: Tolerance): boolean {
  const [a = null, b = null] = [primary[row], rung[row]];
  if (Object.is(a, b)) return true;
  if (kind === "class") return isSameClass(a, b);
  if (typeof a !== "number" || typeof b !== "number") return false;
  return kind === "score" ? Math.abs(a - b) <= tolerance.score : isNear(a, b, tolerance.number);
}

/** Numbers that are 0 but for rounding are near each other. */
function isNear(a: number, b: number, ratio: number): boolean {
  return Math.abs(a - b) <= Math.max(ratio * Math.max(Math.abs(a), Math.abs(b)), 1e-9);
}

/** A single score predicts the class 1 from a half on. */
function saidOf(facets: readonly Facet[]): Compared["said"] {
  const [only] = facets;
  if (facets.length !== 1 || only?.rung === undefined) return undefined;
  const said = (values: readonly Value[]) => (only.kind === "score" ? values.map((value) => (typeof value === "number" ? Number(value >= 0.5) : null)) : values);
  return { primary: said(only.primary), rung: said(only.rung) };
}

/** Over the columns of scores where they are configured, else over all that hold numbers which are no classes. */
function meanDifference(primary: Answer, rung: Answer, { scores, regression }: Reading): number | undefined {
  const ofRung = columnsOf(rung);
  let [sum, count] = [0, 0];
  for (const { name, values } of primary.columns) {
    const others = ofRung.get(name);
    if (others === undefined || (scores.columns.length > 0 ? !scores.columns.includes(name) : !regression && isWhole(values) && isWhole(others))) continue;
    for (const [row, value] of values.entries()) {
      const difference = Math.abs((value as number) - (others[row] as number));
      if (typeof value !== "number" || !Number.isFinite(difference)) continue;
      sum += difference;
      count += 1;
    }
  }
  return count === 0 ? undefined : sum / count;
}

function columnsOf({ columns }: Answer): ReadonlyMap<string, readonly Value[]> {
  return new Map(columns.map(({ name, values }) => [name, values]));
}

function isText(values: readonly Value[]): boolean {
  return values.some((value) => typeof value === "string");
}

function isWhole(values: readonly Value[]): boolean {
  return values.every((value) => typeof value !== "number" || Number.isInteger(value));
}

function isShare(values: readonly Value[]): boolean {
  return values.every((value) => typeof value === "number" && value >= 0 && value <= 1);
}
