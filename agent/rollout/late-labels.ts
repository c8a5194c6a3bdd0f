/**
 * Joins true answers, which come later, to what was said of the same inferences. What was said waits, at most so many values
 * for so long, and what waits longest goes first; an actual that comes a moment before its sample waits too. The first actual of
 * an inference counts. Another of the same values is a repetition, one of other values contradicts it: neither is judged.
 */
import type { Value } from "../protocols/protocol.ts";
import type { ActualObservation } from "../observation.ts";

export interface LateLabelsOptions {
  /** Values that wait at most: predictions, and what expressions will need. */
  readonly buffer: number;
  /** Milliseconds. */
  readonly ttl: number;
}

interface Entry<Said> {
  readonly atWallMs: number;
  readonly size: number;
  /** Undefined once its actual has come. */
  said: Said | undefined;
  values: readonly Value[] | undefined;
}

export type LateLabelsSnapshot<Said> = readonly (readonly [inferenceId: string, Entry<Said>])[];

export type Joined<Said> =
  | { readonly is: "joined"; readonly said: Said; readonly values: readonly Value[] }
  | { readonly is: "waiting" | "repeated" | "contradicted" };

/** How long an actual waits for its sample, and how many may. */
const graceMs = 10_000;
const earlyMax = 4_096;
/** No id is that long; a longer one is not remembered. */
const idMax = 256;

export class LateLabels<Said> {
  readonly #options: LateLabelsOptions;
  readonly #entries = new Map<string, Entry<Said>>();
  readonly #early = new Map<string, { readonly values: readonly Value[]; readonly atMs: number }>();
  #size = 0;

  constructor(options: LateLabelsOptions) {
    this.#options = options;
  }

  /** An inference was answered. @param size how many values `said` holds. */
  said(inferenceId: string, said: Said, size: number, atWallMs: number): Joined<Said> {
    if (inferenceId.length > idMax || this.#entries.has(inferenceId)) return { is: "waiting" };
    const early = this.#early.get(inferenceId);
    this.#early.delete(inferenceId);
    this.#add(inferenceId, { atWallMs, size, said: early === undefined ? said : undefined, values: early?.values });
    return early === undefined ? { is: "waiting" } : { is: "joined", said, values: early.values };
  }

  actual({ inferenceId, values }: ActualObservation, nowMs: number): Joined<Said> {
    const entry = this.#entries.get(inferenceId);
    const before = entry === undefined ? this.#early.get(inferenceId)?.values : entry.values;
    if (before !== undefined) return { is: isSame(before, values) ? "repeated" : "contradicted" };
    if (entry?.said === undefined) {
      if (inferenceId.length > idMax) return { is: "waiting" };
      if (this.#early.size >= earlyMax) this.#early.delete(this.#early.keys().next().value as string);
      this.#early.set(inferenceId, { values, atMs: nowMs });
      return { is: "waiting" };
    }
    const { said } = entry;
    entry.said = undefined;
    entry.values = values;
    return { is: "joined", said, values };
  }

  tick(nowMs: number, wallMs: number): void {
    for (const [id, { atMs }] of this.#early) {
      if (nowMs - atMs < graceMs) break;
      this.#early.delete(id);
    }
    for (const [id, entry] of this.#entries) {
      if (wallMs - entry.atWallMs < this.#options.ttl) break;
      this.#remove(id, entry);
    }
  }

  snapshot(): LateLabelsSnapshot<Said> {
    return [...this.#entries];
  }

  restore(saved: LateLabelsSnapshot<Said>): void {
    for (const [id, entry] of saved) this.#add(id, { ...entry });
  }

  #add(id: string, entry: Entry<Said>): void {
    this.#entries.set(id, entry);
    this.#size += entry.size;
    for (const [oldest, one] of this.#entries) {
      if (this.#size <= this.#options.buffer) break;
      this.#remove(oldest, one);
    }
  }

  #remove(id: string, { size }: Entry<Said>): void {
    this.#entries.delete(id);
    this.#size -= size;
  }
}

function isSame(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
