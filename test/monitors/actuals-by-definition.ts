/** What joining answers and actuals means, in the plainest words: a Map of all that waits, in the order it came. */
import type { ActualResult, Joined } from "../../agent/monitors/actuals.ts";
import type { Answer } from "../../agent/monitors/answer-rows.ts";
import type { ActualObservation } from "../../agent/observation.ts";

interface Waiting {
  readonly answers: readonly Answer[] | undefined;
  readonly atWallMs: number;
  readonly firstRow: number | undefined;
  joined: boolean;
}

export class ActualsByDefinition {
  readonly #buffer: number;
  readonly #ttl: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #early = new Map<string, { readonly observation: ActualObservation; readonly atMs: number }>();
  readonly counts: Record<ActualResult, number> = { joined: 0, unknown: 0, duplicate: 0, mismatch: 0, fallback: 0 };

  constructor(buffer: number, ttl: number) {
    this.#buffer = buffer;
    this.#ttl = ttl;
  }

  get waiting(): number {
    return [...this.#waiting.values()].reduce((rows, { joined, answers = [] }) => rows + (joined ? 0 : answers.length), 0);
  }

  answered(id: string, answers: readonly Answer[] | undefined, atWallMs: number, firstRow?: number): readonly Joined[] {
    if (this.#waiting.has(id)) return [];
    this.#waiting.set(id, { answers, atWallMs, firstRow, joined: false });
    while (this.#places() > this.#buffer) this.#waiting.delete(this.#waiting.keys().next().value as string);
    const early = this.#early.get(id);
    this.#early.delete(id);
    return early === undefined ? [] : this.#join(early.observation);
  }

  actual(observation: ActualObservation, nowMs: number): readonly Joined[] {
    const { inferenceId } = observation;
    if (this.#waiting.has(inferenceId)) return this.#join(observation);
    if (this.#early.has(inferenceId)) return this.#count("duplicate");
    this.#early.set(inferenceId, { observation, atMs: nowMs });
    return [];
  }

  tick(nowMs: number, wallMs: number): void {
    for (const [id, { atMs }] of this.#early) {
      if (nowMs - atMs < 10_000) continue;
      this.#early.delete(id);
      this.#count("unknown");
    }
    for (const [id, { atWallMs }] of this.#waiting) {
      if (wallMs - atWallMs < this.#ttl) break;
      this.#waiting.delete(id);
    }
  }

  /** What waits outlives it. Actuals that came too early do not, and counts begin anew. */
  restart(): ActualsByDefinition {
    const next = new ActualsByDefinition(this.#buffer, this.#ttl);
    for (const [id, waiting] of this.#waiting) next.#waiting.set(id, { ...waiting });
    return next;
  }

  #places(): number {
    return [...this.#waiting.values()].reduce((places, { answers = [] }) => places + Math.max(1, answers.length), 0);
  }

  #join({ inferenceId, values }: ActualObservation): readonly Joined[] {
    const waiting = this.#waiting.get(inferenceId);
    if (waiting === undefined) return this.#count("unknown");
    const { answers, atWallMs, firstRow, joined } = waiting;
    if (joined) return this.#count("duplicate");
    if (answers === undefined) return this.#count("fallback");
    if (values.length !== answers.length) return this.#count("mismatch");
    waiting.joined = true;
    this.#count("joined");
    return answers.map((answer, row) => ({ answer, actual: values[row], row: firstRow === undefined ? undefined : firstRow + row, atWallMs }));
  }

  #count(result: ActualResult): readonly Joined[] {
    this.counts[result] += 1;
    return [];
  }
}
