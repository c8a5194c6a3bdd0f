/**
 * What a season adds at each of its phases, and how far values stray there: one cell a phase, learnt from the rows that fall
 * in it. O(1) a row; 24 bytes a cell.
 */
export interface ProfileState {
  readonly shapes: Float64Array;
  /** Usual distance of a value from the shape. */
  readonly strays: Float64Array;
  readonly rows: Float64Array;
}

/** The newest season counts for one part in so many. */
const memorySeasons = 5;
/** A value further off than so many usual distances moves the profile no further. */
const pull = 6;

export function startProfile(cells: number): ProfileState {
  return { shapes: new Float64Array(cells), strays: new Float64Array(cells), rows: new Float64Array(cells) };
}

export function forgetProfile({ shapes, strays, rows }: ProfileState): void {
  shapes.fill(0);
  strays.fill(0);
  rows.fill(0);
}

/**
 * @param rest value less its level.
 * @param rowsPerVisit rows that fall in the cell in one season.
 * @param usual error of the season's forecasts; 0 while there are none.
 */
export function learnProfile({ shapes, strays, rows }: ProfileState, cell: number, rest: number, rowsPerVisit: number, usual: number): void {
  const seen = rows[cell] as number;
  const stray = strays[cell] as number;
  const off = rest - (shapes[cell] as number);
  const least = 1 / (memorySeasons * rowsPerVisit);
  const limit = seen > 0 && usual > 0 ? pull * Math.max(usual, stray) : Infinity;
  shapes[cell]! += Math.max(1 / (seen + 1), least) * Math.max(-limit, Math.min(limit, off));
  if (seen > 0) strays[cell]! += Math.max(1 / seen, least) * (Math.min(Math.abs(off), limit) - stray);
  rows[cell] = seen + 1;
}
