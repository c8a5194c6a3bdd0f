/**
 * The text that a class is known by, so that 1 in a file, "1" in a message and true from a model are one class.
 */
export type Label = number | string | boolean | null | undefined;

/** Undefined where there is no answer: null, undefined, NaN, an empty text. True is "1" and false is "0". */
export function labelOf(value: Label): string | undefined {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (value === null || value === undefined || value === "" || Number.isNaN(value)) return undefined;
  return String(value);
}

/** The classes that occur, in the order of their numbers where all are numbers, else of their code units. */
export function classesOf(...columns: readonly ArrayLike<Label>[]): string[] {
  const found = new Set<string>();
  for (const column of columns) {
    for (let row = 0; row < column.length; row += 1) {
      const label = labelOf(column[row]);
      if (label !== undefined) found.add(label);
    }
  }
  const classes = [...found];
  const numeric = classes.every((name) => Number.isFinite(Number(name)));
  return numeric ? classes.sort((a, b) => Number(a) - Number(b)) : classes.sort();
}

/**
 * The negative class and the positive one. Without a word from the caller the later of the two that occur is positive;
 * of 0 and 1 it is 1, even where only one of them occurs.
 *
 * @throws RangeError where there are not two.
 */
export function binaryClasses(actuals: ArrayLike<Label>, given?: readonly string[]): readonly [negative: string, positive: string] {
  const found = given ?? classesOf(actuals);
  const classes = given === undefined && found.every((name) => name === "0" || name === "1") ? ["0", "1"] : found;
  if (classes.length !== 2) throw new RangeError(`classes: expected a negative and a positive one, got ${listed(classes)}`);
  return [classes[0] as string, classes[1] as string];
}

function listed(classes: readonly string[]): string {
  const shown = classes.slice(0, 5).map((name) => JSON.stringify(name)).join(", ");
  return classes.length > 5 ? `${shown} and ${classes.length - 5} more` : shown || "none";
}

/** The number that is meant, also where it comes as text; NaN for everything else. */
export function numberOf(value: Label): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}
