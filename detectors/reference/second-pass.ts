/** The second pass over all columns: counted in what the first pass cut, and looked at for a season. */
import { countValue, runMax, startCount, type CountedColumn } from "./count-column.ts";
import type { Value } from "./feature-reference.ts";
import { cutColumn, hasCells, type LearntColumn } from "./learn-column.ts";
import { sampleRows, startRowSample, type RowSample } from "./row-sample.ts";
import { seasonChoice, seasonOf, type Season, type SeasonChoice, type SeasonChoiceState } from "./seasons.ts";

export interface SecondPass {
  /** By name; without those that no cells can be cut of. */
  readonly columns: ReadonlyMap<string, CountedColumn>;
  readonly choice: SeasonChoice | undefined;
  seasons: SeasonChoiceState | undefined;
  /** Hours of the week of the first rows. */
  readonly hours: Uint8Array;
  /** Of the counted columns, in their order. */
  readonly sample: RowSample;
  rows: number;
}

/** @param timed whether every row has a time. */
export function startSecondPass(
  learnt: readonly LearntColumn[],
  { cells, timed, rowsHint }: { readonly cells: number; readonly timed: boolean; readonly rowsHint: number | undefined },
): SecondPass {
  const columns = new Map(
    learnt.filter(hasCells).map((column) => [column.name, startCount(cutColumn(column, cells), { timed, rowsHint })]),
  );
  const choice = timed && columns.size > 0 ? seasonChoice(columns.size) : undefined;
  return { columns, choice, seasons: choice?.start(), hours: new Uint8Array(timed ? runMax : 0), sample: startRowSample(), rows: 0 };
}

/** Consumes `pass`. @param deciding for each row whether it is in the half that decides, 1 or 0. */
export function countBatch(
  pass: SecondPass,
  columns: ReadonlyMap<string, readonly Value[]>,
  deciding: Uint8Array,
  times: ArrayLike<number> | undefined,
): void {
  const { choice } = pass;
  const hours = choice === undefined ? undefined : hoursOf(times, deciding.length);
  if (hours !== undefined && pass.rows < runMax) pass.hours.set(hours.subarray(0, runMax - pass.rows), pass.rows);

  sampleRows(pass.sample, [...pass.columns.keys()].map((name) => columns.get(name) as readonly Value[]), deciding.length);
  let index = 0;
  for (const [name, column] of pass.columns) {
    const values = columns.get(name) as readonly Value[];
    for (let row = 0; row < deciding.length; row += 1) {
      const cell = countValue(column, values[row], deciding[row] === 1, hours?.[row]);
      if (choice === undefined || pass.seasons === undefined || times === undefined) continue;
      pass.seasons = choice.step(pass.seasons, index, times[row] as number, column.cut.midRanks[cell] as number);
    }
    index += 1;
  }
  pass.rows += deciding.length;
}

function hoursOf(times: ArrayLike<number> | undefined, rows: number): Uint8Array {
  const hours = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const atMs = times?.[row];
    if (atMs === undefined || !Number.isFinite(atMs)) throw new RangeError(`reference: times: row ${row} of a batch has none, though every row had one when it was learnt`);
    hours[row] = seasonOf("hour-of-week", atMs);
  }
  return hours;
}

/** @param parts columns of the reference; the others have no say, as if they had sent nothing. */
export function chooseSeason({ columns, choice, seasons }: SecondPass, parts: readonly string[]): Season | undefined {
  if (choice === undefined || seasons === undefined) return undefined;
  const counts = seasons.counts.slice();
  const places = counts.length / columns.size;
  for (const [index, name] of [...columns.keys()].entries()) {
    if (!parts.includes(name)) counts.fill(0, index * places, (index + 1) * places);
  }
  return choice.choose({ ...seasons, counts });
}
