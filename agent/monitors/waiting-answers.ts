/**
 * Inferences that were answered, in the order they came, as rings of columns: at most so many rows of answers, 60 bytes for an
 * inference of one row and 17 for each more. When there is no more room the oldest go.
 */
import { answerAt, AnswerRows, unrolled, type Answer, type RowColumns } from "./answer-rows.ts";
import { IdIndex, type IdHash } from "./id-index.ts";

export interface WaitingAnswer {
  readonly atWallMs: number;
  /** Undefined where a rung answered. */
  readonly answers: readonly Answer[] | undefined;
  /** The number of the first of them. */
  readonly firstRow: number | undefined;
  readonly joined: boolean;
}

/** As columns, which is what keeps a copy of a hundred thousand answers small. Oldest first. */
export interface WaitingAnswersSnapshot {
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  readonly atWallMs: Float64Array;
  /** NaN where there is none. */
  readonly firstRows: Float64Array;
  readonly states: Uint8Array;
  /** Of each answer; 0 where a rung answered. */
  readonly counts: Uint32Array;
  readonly rows: RowColumns;
}

const byModel = 0;
const byRung = 1;
const joined = 2;

export class WaitingAnswers {
  readonly #rows: AnswerRows;
  readonly #index: IdIndex;
  readonly #atWallMs: Float64Array;
  readonly #firstRows: Float64Array;
  readonly #states: Uint8Array;
  readonly #counts: Uint32Array;
  /** Where the first row of each lies. */
  readonly #rowsAt: Uint32Array;
  readonly #capacity: number;
  #first = 0;
  #length = 0;
  /** Rows, and one for each that has none. */
  #taken = 0;
  #unjoined = 0;

  /** @param rows wanted; with many classes there are fewer. @param classes scores of each row beside its own. */
  constructor(rows: number, classes: number) {
    this.#rows = new AnswerRows(rows, classes);
    const capacity = (this.#capacity = this.#rows.capacity);
    this.#index = new IdIndex(capacity);
    this.#atWallMs = new Float64Array(capacity);
    this.#firstRows = new Float64Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#counts = new Uint32Array(capacity);
    this.#rowsAt = new Uint32Array(capacity);
  }

  /** Rows of the model's that are not joined. */
  get unjoined(): number {
    return this.#unjoined;
  }

  /** When the oldest was answered. */
  get oldestWallMs(): number | undefined {
    return this.#length === 0 ? undefined : this.#atWallMs[this.#first];
  }

  /** Its place. */
  find(id: IdHash): number | undefined {
    return this.#index.find(id);
  }

  read(place: number): WaitingAnswer {
    const state = this.#states[place];
    const firstRow = this.#firstRows[place] as number;
    return {
      atWallMs: this.#atWallMs[place] as number,
      answers: state === byRung ? undefined : this.#rows.read(this.#rowsAt[place] as number, this.#counts[place] as number),
      firstRow: Number.isNaN(firstRow) ? undefined : firstRow,
      joined: state === joined,
    };
  }

  /** The id must be unknown. One that has no room even alone is let go too. */
  add(id: IdHash, { atWallMs, answers, firstRow = NaN, joined: isJoined }: WaitingAnswer): void {
    const rows = answers ?? [];
    while (this.#length > 0 && !this.#fits(rows)) this.letGoOldest();
    if (!this.#fits(rows)) return;
    const place = (this.#first + this.#length) % this.#capacity;
    this.#index.put(place, id);
    this.#atWallMs[place] = atWallMs;
    this.#firstRows[place] = firstRow;
    this.#states[place] = answers === undefined ? byRung : isJoined ? joined : byModel;
    this.#counts[place] = rows.length;
    this.#rowsAt[place] = this.#rows.push(rows);
    this.#length += 1;
    this.#taken += placesOf(rows.length);
    if (this.#states[place] === byModel) this.#unjoined += rows.length;
  }

  /** Its actual has come. */
  join(place: number): void {
    this.#states[place] = joined;
    this.#unjoined -= this.#counts[place] as number;
  }

  letGoOldest(): void {
    const place = this.#first;
    const rows = this.#counts[place] as number;
    if (this.#states[place] === byModel) this.#unjoined -= rows;
    this.#taken -= placesOf(rows);
    this.#rows.shift(rows);
    this.#index.remove(place);
    this.#first = (place + 1) % this.#capacity;
    this.#length -= 1;
  }

  snapshot(): WaitingAnswersSnapshot {
    const inOrder = <Ring extends Uint8Array | Uint32Array | Float64Array>(ring: Ring) => unrolled(ring, this.#first, this.#length);
    return {
      highs: inOrder(this.#index.highs),
      lows: inOrder(this.#index.lows),
      atWallMs: inOrder(this.#atWallMs),
      firstRows: inOrder(this.#firstRows),
      states: inOrder(this.#states),
      counts: inOrder(this.#counts),
      rows: this.#rows.snapshot(),
    };
  }

  /** Takes over what a snapshot held, of which the oldest go where there is less room now. */
  restore({ highs, lows, atWallMs, firstRows, states, counts, rows }: WaitingAnswersSnapshot): void {
    let row = 0;
    for (const [index, count] of counts.entries()) {
      const state = states[index];
      const answers = state === byRung ? undefined : Array.from({ length: count }, (_, next) => answerAt(rows, row + next));
      row += count;
      this.add({ high: highs[index] as number, low: lows[index] as number }, { atWallMs: atWallMs[index] as number, answers, firstRow: firstRows[index], joined: state === joined });
    }
  }

  #fits(rows: readonly Answer[]): boolean {
    return this.#taken + placesOf(rows.length) <= this.#capacity && this.#rows.fits(rows);
  }
}

/** What has no rows takes a place as well. */
function placesOf(rows: number): number {
  return Math.max(1, rows);
}
