/** Learns a reference from traffic, where none is given: the first so many rows are taken for normal. */
import { buildReference, type Reference, type Value } from "../../detectors/reference/reference.ts";
import { isDerived } from "../featuriser/derived.ts";

/** Columns that are learnt: pictures sent as one tensor have as many columns as pixels, and nobody wants an alarm of each. */
export const learntColumnsMax = 500;

export interface LearningSnapshot {
  readonly columns: ReadonlyMap<string, readonly Value[]>;
  readonly scores: readonly Value[];
  /** When each row was asked, milliseconds since the epoch; absent in what was kept before times were. */
  readonly times?: readonly number[];
  readonly rows: number;
}

export class Learning {
  readonly #rowsWanted: number;
  readonly #scoreName: string | undefined;
  readonly #columns = new Map<string, Value[]>();
  readonly #scores: Value[] = [];
  readonly #times: number[] = [];
  #rows = 0;

  /** @param scoreName the score's column: only rows that have a score are learnt from. */
  constructor(rowsWanted: number, scoreName: string | undefined) {
    this.#rowsWanted = rowsWanted;
    this.#scoreName = scoreName;
  }

  /**
   * The columns are those of the first request; what a later one lacks is null.
   *
   * @param atWallMs when the request came: where all have a time, seasons are learnt too.
   */
  hear(columns: ReadonlyMap<string, readonly Value[]>, rows: number, scores: readonly Value[] | undefined, atWallMs?: number): void {
    if (this.#scoreName !== undefined && scores === undefined) return;
    if (this.#rows === 0) for (const name of [...columns.keys()].slice(0, learntColumnsMax)) this.#columns.set(name, []);
    const taken = Math.min(rows, this.#rowsWanted - this.#rows);
    for (let row = 0; row < taken; row += 1) {
      for (const [name, values] of this.#columns) values.push(columns.get(name)?.[row] ?? null);
      if (scores !== undefined) this.#scores.push(scores[row] ?? null);
      if (atWallMs !== undefined) this.#times.push(atWallMs);
    }
    this.#rows += taken;
  }

  /** Once there are rows enough. */
  reference(model: string): Reference | undefined {
    if (this.#rows < this.#rowsWanted) return undefined;
    const features = [...this.#columns]
      .map(([name, values]) => ({ name, values }))
      // A featuriser that made nothing of any row has nothing that could be learnt.
      .filter(({ name, values }) => name !== this.#scoreName && !(isDerived(name) && !values.some(Number.isFinite)));
    const score = this.#scoreName === undefined ? undefined : { name: this.#scoreName, values: this.#scores };
    const times = this.#times.length === this.#rows ? this.#times : undefined;
    const derived = features.map(({ name }) => name).filter(isDerived);
    return buildReference({ model, features, score, times, derived });
  }

  snapshot(): LearningSnapshot {
    return { columns: this.#columns, scores: this.#scores, times: this.#times, rows: this.#rows };
  }

  restore({ columns, scores, times = [], rows }: LearningSnapshot): void {
    for (const [name, values] of columns) this.#columns.set(name, [...values]);
    for (const score of scores) this.#scores.push(score);
    for (const atMs of times) this.#times.push(atMs);
    this.#rows = rows;
  }
}
