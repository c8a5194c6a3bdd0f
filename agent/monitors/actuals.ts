/**
 * Joins the true answers, which come later, to the answers that the model gave. Answers wait in the order they came
 * (waiting-answers.ts), at most `buffer` rows and `ttl` long; an actual that comes a moment before its sample (they travel on
 * different ways) waits too.
 */
import type { Value } from "../../detectors/reference/reference.ts";
import type { ActualObservation } from "../observation.ts";
import type { Answer } from "./answer-rows.ts";
import { hashOf } from "./id-index.ts";
import { WaitingAnswers, type WaitingAnswersSnapshot } from "./waiting-answers.ts";

/** What became of an actual: the label `result`. */
export const actualResults = [
  "joined",
  "unknown", // no answer of that id: never sampled, too old, or let go
  "duplicate", // that answer has its actual already
  "mismatch", // as many values as the answer has rows were expected
  "fallback", // a rung answered, which says nothing about the model
] as const;
export type ActualResult = (typeof actualResults)[number];

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
  /** Milliseconds. */
  readonly ttl: number;
  /** Scores of each row beside its own, where the model says one for each class. */
  readonly classes?: number;
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

export class Actuals {
  readonly #ttl: number;
  readonly #waiting: WaitingAnswers;
  readonly #early = new Map<string, Early>();
  readonly counts: Record<ActualResult, number> = { joined: 0, unknown: 0, duplicate: 0, mismatch: 0, fallback: 0 };

  constructor({ buffer, ttl, classes = 0 }: ActualsOptions) {
    this.#ttl = ttl;
    this.#waiting = new WaitingAnswers(buffer, classes);
  }

  /** Rows of answers that wait for their actuals. */
  get waiting(): number {
    return this.#waiting.unjoined;
  }

  /**
   * An inference was answered. The rows come back where their actual is here already.
   *
   * @param answers undefined where a rung answered.
   * @param firstRow numbers the answers, for whoever wants to know them again when they are joined.
   */
  answered(inferenceId: string, answers: readonly Answer[] | undefined, atWallMs: number, firstRow?: number): readonly Joined[] {
    if (inferenceId.length > idMax) return [];
    const id = hashOf(inferenceId);
    if (this.#waiting.find(id) !== undefined) return [];
    this.#waiting.add(id, { atWallMs, answers, firstRow, joined: false });
    const early = this.#early.get(inferenceId);
    if (early === undefined) return [];
    this.#early.delete(inferenceId);
    return this.#join(early.observation);
  }

  /** An actual came in; the rows come back where it is joined. */
  actual(observation: ActualObservation, nowMs: number): readonly Joined[] {
    const { inferenceId } = observation;
    if (this.#waiting.find(hashOf(inferenceId)) !== undefined) return this.#join(observation);
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
    while (wallMs - (this.#waiting.oldestWallMs ?? Infinity) >= this.#ttl) this.#waiting.letGoOldest();
  }

  snapshot(): WaitingAnswersSnapshot {
    return this.#waiting.snapshot();
  }

  restore(saved: WaitingAnswersSnapshot): void {
    this.#waiting.restore(saved);
  }

  #join({ inferenceId, values }: ActualObservation): readonly Joined[] {
    const place = this.#waiting.find(hashOf(inferenceId));
    if (place === undefined) return this.#count("unknown");
    const { answers, firstRow, atWallMs, joined } = this.#waiting.read(place);
    if (joined) return this.#count("duplicate");
    if (answers === undefined) return this.#count("fallback");
    if (values.length !== answers.length) return this.#count("mismatch");
    this.#waiting.join(place);
    this.#count("joined");
    return answers.map((answer, i) => ({ answer, actual: values[i] as Value, row: firstRow === undefined ? undefined : firstRow + i, atWallMs }));
  }

  #giveUp(inferenceId: string): void {
    this.#early.delete(inferenceId);
    this.#count("unknown");
  }

  #count(result: ActualResult): readonly Joined[] {
    this.counts[result] += 1;
    return [];
  }
}
