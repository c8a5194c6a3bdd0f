/**
 * Within which values a chunk's figure may lie before somebody is told, from how it varied over the reference's chunks.
 *
 * `predictive` (the default): where the figure of one more chunk falls with probability 1 - chance, if chunks are
 * independent and about normal: mean and standard deviation of a few chunks are themselves uncertain, and Student's t allows for
 * that. `three-sigma`: mean and three standard deviations, as NannyML 0.13.1 has it by default; with ten chunks, and the deviation
 * divided by ten instead of nine, it is left by chance 1.2 times in a hundred on each side, not 0.13 times.
 */
import { missProbability } from "./banded.ts";
import { studentQuantile } from "../special/student.ts";

export interface AlertBandOptions {
  readonly method?: "predictive" | "three-sigma" | undefined;
  /** That a chunk leaves the band although nothing is wrong; for `predictive`. */
  readonly chance?: number | undefined;
  /** Rows of a reference chunk over rows of the chunks to be judged: smaller chunks vary more. */
  readonly rowsRatio?: number | undefined;
  /** What the figure can be at least and at most. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

export interface AlertBand {
  readonly lower: number;
  readonly upper: number;
}

/** Undefined with fewer than two chunks that have the figure. @throws RangeError for an option out of range. */
export function alertBand(
  chunks: readonly (number | null)[],
  { method = "predictive", chance = missProbability, rowsRatio = 1, least = -Infinity, most = Infinity }: AlertBandOptions = {},
): AlertBand | undefined {
  if (!(chance > 0 && chance < 1)) throw new RangeError(`alertBand: chance must be above 0 and below 1, got ${chance}`);
  if (!(rowsRatio > 0 && rowsRatio < Infinity)) throw new RangeError(`alertBand: rowsRatio must be above 0, got ${rowsRatio}`);
  const values = chunks.filter((value) => value !== null);
  if (values.length < 2) return undefined;

  const mean = values.reduce((total, value) => total + value / values.length, 0);
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  const reach =
    method === "three-sigma"
      ? 3 * Math.sqrt((squares / values.length) * rowsRatio)
      : studentQuantile(1 - chance / 2, values.length - 1) * Math.sqrt((squares / (values.length - 1)) * (rowsRatio + 1 / values.length));
  return { lower: Math.max(least, mean - reach), upper: Math.min(most, mean + reach) };
}
