/** Which columns of the data hold the model's score, its prediction, what came true, and when. */
import type { ReferenceColumns } from "../../detectors/reference/reference.ts";
import { InputError, quoted } from "./input-error.ts";
import type { Table } from "./table.ts";

export interface Roles extends ReferenceColumns {}

/** Of a classifier with several classes: the column of each class's score. `A=p_a,B=p_b`; undefined for a single column. */
export function classScores(score: string | undefined): ReadonlyMap<string, string> | undefined {
  if (score === undefined || !score.includes("=")) return undefined;
  const pairs = score.split(",").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);
  if (pairs.some(([name, column]) => name === "" || column === "")) {
    throw new InputError(`--score ${score}: expected a column, or a column for each class such as cat=p_cat,dog=p_dog`);
  }
  return new Map(pairs);
}

/** Every column that a score is in. */
export function scoreColumns(score: string | undefined): readonly string[] {
  return score === undefined ? [] : [...(classScores(score)?.values() ?? [score])];
}

/** Throws an InputError for each column that the table has not. @param optionOf how a person named it. */
export function checkColumns({ file, columns }: Table, named: readonly (readonly [option: string, column: string])[]): void {
  const problems = named
    .filter(([, column]) => !columns.includes(column))
    .map(([option, column]) => `${file.name}: ${option}: there is no column ${quoted(column)}; it has ${shortList(columns)}`);
  if (problems.length > 0) throw new InputError(...problems);
}

export function shortList(names: readonly string[]): string {
  return names.length > 20 ? `${names.slice(0, 20).join(", ")} and ${names.length - 20} more` : names.join(", ");
}

/** The roles as options and columns. */
export function rolesNamed({ score, prediction, actual, timestamp }: Roles): readonly (readonly [option: string, column: string])[] {
  const singles = [["--prediction", prediction], ["--actual", actual], ["--timestamp", timestamp]] as const;
  return [
    ...scoreColumns(score).map((column) => ["--score", column] as const),
    ...singles.flatMap(([option, column]) => (column === undefined ? [] : [[option, column] as const])),
  ];
}
