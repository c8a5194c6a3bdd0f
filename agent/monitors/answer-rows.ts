/**
 * What the model said of the latest rows, as a ring of columns: 17 bytes a row, and 8 more for the score of each class, where
 * objects take over a hundred. Predictions that are texts are coded, since classes come again.
 *
 * The columns are there at full length from the beginning: what was never written takes no memory, only addresses.
 */
import type { Value } from "../../detectors/reference/reference.ts";
import { TextCodes } from "./text-codes.ts";

/** What the model said of one row. */
export interface Answer {
  /** Undefined where it is not known. */
  readonly prediction: Value;
  /** NaN where there is none. */
  readonly score: number;
  /** Of each class, where the model says one for each. */
  readonly classScores?: readonly number[] | undefined;
}

export interface RowColumns {
  /** A place in `constants`, or `isNumber`, or `isText`. */
  readonly kinds: Uint8Array;
  /** The number that is predicted, or the code of the text. */
  readonly values: Float64Array;
  readonly scores: Float64Array;
  /** As many a row as `classes`, which is 0 where the model does not say one for each class. */
  readonly classScores: Float64Array;
  readonly classes: number;
  /** By code. */
  readonly texts: readonly string[];
}

const constants: readonly Value[] = [undefined, null, false, true];
const isNumber = constants.length;
const isText = isNumber + 1;

/** Scores of classes, 32 MB of them: with more than 40 classes fewer rows than 100,000 are held. */
const classScoresMax = 4_000_000;
/** Different texts at once. */
const textsMax = 65_536;

export class AnswerRows {
  /** Rows that it holds at most. */
  readonly capacity: number;
  readonly #codes = new TextCodes();
  readonly #columns: RowColumns;
  #first = 0;
  #length = 0;

  /** @param rows wanted. @param classes scores of each row beside its own; 0 for none. */
  constructor(rows: number, classes: number) {
    this.capacity = Math.min(rows, Math.max(1, Math.floor(classScoresMax / Math.max(1, classes))));
    this.#columns = {
      kinds: new Uint8Array(this.capacity),
      values: new Float64Array(this.capacity),
      scores: new Float64Array(this.capacity),
      classScores: new Float64Array(this.capacity * classes),
      classes,
      texts: this.#codes.texts,
    };
  }

  /** Is there room for these, with the texts among them? */
  fits(answers: readonly Answer[]): boolean {
    if (this.#length + answers.length > this.capacity) return false;
    if (this.#codes.size + answers.length <= textsMax) return true;
    const texts = new Set(answers.map(({ prediction }) => prediction).filter((prediction) => typeof prediction === "string"));
    return this.#codes.size + texts.size <= textsMax;
  }

  /** The place of the first comes back; the others follow it, around the end of the ring. They must fit. */
  push(answers: readonly Answer[]): number {
    const { kinds, values, scores, classScores, classes } = this.#columns;
    const first = (this.#first + this.#length) % this.capacity;
    for (const [index, answer] of answers.entries()) {
      const at = (first + index) % this.capacity;
      const { prediction } = answer;
      kinds[at] = typeof prediction === "number" ? isNumber : typeof prediction === "string" ? isText : constants.indexOf(prediction);
      values[at] = typeof prediction === "number" ? prediction : typeof prediction === "string" ? this.#codes.take(prediction) : 0;
      scores[at] = answer.score;
      for (let of = 0; of < classes; of += 1) classScores[at * classes + of] = answer.classScores?.[of] ?? NaN;
    }
    this.#length += answers.length;
    return first;
  }

  /** Lets go the oldest. */
  shift(count: number): void {
    const { kinds, values } = this.#columns;
    for (let index = 0; index < count; index += 1) {
      const at = (this.#first + index) % this.capacity;
      if (kinds[at] === isText) this.#codes.giveBack(values[at] as number);
    }
    this.#first = (this.#first + count) % this.capacity;
    this.#length -= count;
  }

  read(first: number, count: number): readonly Answer[] {
    return Array.from({ length: count }, (_, index) => answerAt(this.#columns, (first + index) % this.capacity));
  }

  /** A copy, oldest first. */
  snapshot(): RowColumns {
    const { kinds, values, scores, classScores, classes, texts } = this.#columns;
    const inOrder = <Ring extends Uint8Array | Float64Array>(ring: Ring, width = 1) => unrolled(ring, this.#first * width, this.#length * width);
    return { kinds: inOrder(kinds), values: inOrder(values), scores: inOrder(scores), classScores: inOrder(classScores, classes), classes, texts: [...texts] };
  }
}

export function answerAt({ kinds, values, scores, classScores, classes, texts }: RowColumns, at: number): Answer {
  const kind = kinds[at] as number;
  const value = values[at] as number;
  const answer: Answer = { prediction: kind === isNumber ? value : kind === isText ? texts[value] : constants[kind], score: scores[at] as number };
  return classes === 0 ? answer : { ...answer, classScores: [...classScores.subarray(at * classes, (at + 1) * classes)] };
}

/** A copy of `length` items of a ring from `first` on. */
export function unrolled<Ring extends Uint8Array | Uint32Array | Float64Array>(ring: Ring, first: number, length: number): Ring {
  const copy = ring.slice(0, length) as Ring;
  const untilEnd = ring.subarray(first, first + length);
  copy.set(untilEnd);
  copy.set(ring.subarray(0, length - untilEnd.length), untilEnd.length);
  return copy;
}
