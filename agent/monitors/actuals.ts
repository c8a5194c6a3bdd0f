/**
 * Joins the true answers, which come later, to the answers that the model gave. Answers wait in the order they came, at most
 * `buffer` rows and `ttl` long; an actual that comes a moment before its sample (they travel on different ways) waits too.
 */
import type { ActualObservation } from "../observation.ts";
import type { Value } from "../../detectors/reference/reference.ts";

/** What became of an actual: the label `result`. */
export const actualResults = [
  "joined",
  "unknown", // no answer of that id: never sampled, too old, or let go
  "duplicate", // that answer has its actual already
  "mismatch", // as many values as the answer has rows were expected
  "fallback", // a rung answered, which says nothing about the model
] as const;
export type ActualResult = (typeof actualResults)[number];

/** What the model said of one row. */
export interface Answer {
  /** Undefined where it is not known. */
  readonly prediction: Value;
  /** NaN where there is none. */
  readonly score: number;
  /** Of each class, where the model says one for each. */
  readonly classScores?: readonly number[] | undefined;
}

/** A row with its true answer. */
export interface Joined {
  readonly answer: Answer;
  readonly actual: Value;
  /** The number of the answer, as `answered` was told; undefined where it was not. */
  readonly row: number | undefined;
  /** When it was answered. */
  readonly atWallMs: number;
}

export interface ActualsOptions {
  /** Rows. */
  readonly buffer: number;
  readonly ttl: number;
}

interface Waiting {
  readonly atWallMs: number;
  /** Undefined where a rung answered. */
  readonly answers: readonly Answer[] | undefined;
  /** The number of the first of them. */
  readonly firstRow: number | undefined;
  joined: boolean;
}

interface Early {
  readonly observation: ActualObservation;
  readonly atMs: number;
}

/** How long an actual waits for its sample, and how many may. */
const graceMs = 10_000;
const earlyMax = 4_096;
/** No id is that long; a longer one is not remembered. */
const idMax = 256;

/** As columns, which is what keeps a copy of a hundred thousand answers small. */
export interface ActualsSnapshot {
  readonly ids: readonly string[];
  readonly atWallMs: Float64Array;
  readonly joined: Uint8Array;
  /** Rows of each answer; 0 where a rung answered. */
  readonly rows: Uint32Array;
  readonly predictions: readonly Value[];
  readonly scores: Float64Array;
  /** Of the classes, as many a row as `classes`; empty where the model says none. */
  readonly classScores: Float64Array;
  readonly classes: number;
  /** NaN where there is none. */
  readonly firstRows: Float64Array;
}

export class Actuals {
  readonly #options: ActualsOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #early = new Map<string, Early>();
  #rows = 0;
  #unanswered = 0;
  readonly counts: Record<ActualResult, number> = { joined: 0, unknown: 0, duplicate: 0, mismatch: 0, fallback: 0 };

  constructor(options: ActualsOptions) {
    this.#options = options;
  }

  /** Rows of answers that wait for their actuals. */
  get waiting(): number {
    return this.#unanswered;
  }

  /**
   * An inference was answered. The rows come back where their actual is here already.
   *
   * @param answers undefined where a rung answered.
   * @param firstRow numbers the answers, for whoever wants to know them again when they are joined.
   */
  answered(inferenceId: string, answers: readonly Answer[] | undefined, atWallMs: number, firstRow?: number): readonly Joined[] {
    if (inferenceId.length > idMax || this.#waiting.has(inferenceId)) return [];
    const waiting: Waiting = { atWallMs, answers, firstRow, joined: false };
    this.#waiting.set(inferenceId, waiting);
    this.#rows += rowsOf(waiting);
    this.#unanswered += answers?.length ?? 0;
    while (this.#rows > this.#options.buffer) this.#letGoOldest();

    const early = this.#early.get(inferenceId);
    if (early === undefined) return [];
    this.#early.delete(inferenceId);
    return this.#join(early.observation);
  }

  /** An actual came in; the rows come back where it is joined. */
  actual(observation: ActualObservation, nowMs: number): readonly Joined[] {
    const { inferenceId } = observation;
    if (this.#waiting.has(inferenceId)) return this.#join(observation);
    if (this.#early.has(inferenceId)) return this.#count("duplicate");
    if (this.#early.size >= earlyMax) this.#giveUp(this.#early.keys().next().value as string);
    this.#early.set(inferenceId, { observation, atMs: nowMs });
    return [];
  }

  /** Lets go what has waited too long. */
  tick(nowMs: number, wallMs: number): void {
    for (const [id, { atMs }] of this.#early) {
      if (nowMs - atMs < graceMs) break;
      this.#giveUp(id);
    }
    for (const { atWallMs } of this.#waiting.values()) {
      if (wallMs - atWallMs < this.#options.ttl) break;
      this.#letGoOldest();
    }
  }

  snapshot(): ActualsSnapshot {
    const waiting = [...this.#waiting.values()];
    const answers = waiting.flatMap((one) => one.answers ?? []);
    const classes = answers.find(({ classScores }) => classScores !== undefined)?.classScores?.length ?? 0;
    return {
      ids: [...this.#waiting.keys()],
      atWallMs: Float64Array.from(waiting, ({ atWallMs }) => atWallMs),
      joined: Uint8Array.from(waiting, ({ joined }) => Number(joined)),
      rows: Uint32Array.from(waiting, (one) => one.answers?.length ?? 0),
      predictions: answers.map(({ prediction }) => prediction),
      scores: Float64Array.from(answers, ({ score }) => score),
      classScores: Float64Array.from(classes === 0 ? [] : answers.flatMap(({ classScores }) => classScores ?? Array.from({ length: classes }, () => NaN))),
      classes,
      firstRows: Float64Array.from(waiting, ({ firstRow = NaN }) => firstRow),
    };
  }

  restore({ ids, atWallMs, joined, rows, predictions, scores, classScores, classes, firstRows }: ActualsSnapshot): void {
    let next = 0;
    for (const [index, id] of ids.entries()) {
      const count = rows[index] as number;
      const answers = Array.from({ length: count }, (_, i): Answer => {
        const row = next + i;
        const answer: Answer = { prediction: predictions[row] as Value, score: scores[row] as number };
        return classes === 0 ? answer : { ...answer, classScores: [...classScores.subarray(row * classes, (row + 1) * classes)] };
      });
      next += count;
      const firstRow = firstRows[index] as number;
      this.answered(id, count === 0 ? undefined : answers, atWallMs[index] as number, Number.isNaN(firstRow) ? undefined : firstRow);
      const waiting = this.#waiting.get(id);
      if (waiting === undefined || joined[index] !== 1) continue;
      waiting.joined = true;
      this.#unanswered -= count;
    }
  }

  #join({ inferenceId, values }: ActualObservation): readonly Joined[] {
    const waiting = this.#waiting.get(inferenceId);
    if (waiting === undefined) return this.#count("unknown");
    if (waiting.joined) return this.#count("duplicate");
    if (waiting.answers === undefined) return this.#count("fallback");
    if (values.length !== waiting.answers.length) return this.#count("mismatch");
    waiting.joined = true;
    this.#unanswered -= values.length;
    this.#count("joined");
    const { answers, firstRow, atWallMs } = waiting;
    return answers.map((answer, i) => ({ answer, actual: values[i] as Value, row: firstRow === undefined ? undefined : firstRow + i, atWallMs }));
  }

  #giveUp(inferenceId: string): void {
    this.#early.delete(inferenceId);
    this.#count("unknown");
  }

  #letGoOldest(): void {
    const [id, waiting] = this.#waiting.entries().next().value as [string, Waiting];
    this.#waiting.delete(id);
    this.#rows -= rowsOf(waiting);
    if (!waiting.joined) this.#unanswered -= waiting.answers?.length ?? 0;
  }

  #count(result: ActualResult): readonly Joined[] {
    this.counts[result] += 1;
    return [];
  }
}

/** A rung's answer takes a place as well. */
function rowsOf({ answers }: Waiting): number {
  return answers?.length ?? 1;
}
