/**
 * Joins what the primary and the rungs predicted of the same inferences to what came true, so that each rung's accuracy is
 * held against the primary's on the same rows. Predictions wait for their actuals, at most so many rows for so long; an actual
 * waits a moment too, since a copy is answered later than its inference. What is let go was waiting longest.
 */
import type { Value } from "../protocols/protocol.ts";
import type { ActualObservation } from "../observation.ts";

export interface PairedActualsOptions {
  /** Rows, each rung's and the primary's counted. */
  readonly buffer: number;
  /** Milliseconds. */
  readonly ttl: number;
}

/** Predictions of one rung, beside the primary's and with what came true, one for each row. */
export interface Settled {
  readonly rung: string;
  readonly rungSaid: readonly Value[];
  readonly primarySaid: readonly Value[];
  readonly actuals: readonly Value[];
  /** The first rung's of this inference: the primary's predictions were not seen before. */
  readonly first: boolean;
}

interface Waiting {
  readonly atWallMs: number;
  readonly primarySaid: readonly Value[];
  readonly rungs: Map<string, readonly Value[]>;
}

export type PairedActualsSnapshot = readonly (readonly [inferenceId: string, atWallMs: number, primarySaid: readonly Value[], rungs: readonly (readonly [string, readonly Value[]])[]])[];

interface Recent {
  readonly values: readonly Value[];
  readonly atMs: number;
  settled: boolean;
}

/** How long an actual is kept for copies that are still under way, and how many are. */
const recentMs = 10_000;
const recentMax = 4_096;
/** A text that stands for a class is shorter; a longer one is not kept to wait. */
const textMax = 256;

export class PairedActuals {
  readonly #options: PairedActualsOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #recent = new Map<string, Recent>();
  #rows = 0;

  constructor(options: PairedActualsOptions) {
    this.#options = options;
  }

  /** A rung has answered a copy. What is settled by an actual that is here already comes back. */
  answered(inferenceId: string, rung: string, said: { readonly primary: readonly Value[]; readonly rung: readonly Value[] }, atWallMs: number): readonly Settled[] {
    if ([...said.primary, ...said.rung].some((value) => typeof value === "string" && value.length > textMax)) return [];
    const recent = this.#recent.get(inferenceId);
    if (recent !== undefined) {
      if (recent.values.length !== said.primary.length) return [];
      const first = !recent.settled;
      recent.settled = true;
      return [{ rung, rungSaid: said.rung, primarySaid: said.primary, actuals: recent.values, first }];
    }
    this.#wait(inferenceId, rung, said, atWallMs);
    return [];
  }

  /** What came true of an inference; of an inference without copies nothing follows. */
  actual({ inferenceId, values }: ActualObservation, nowMs: number): readonly Settled[] {
    if (this.#recent.has(inferenceId)) return [];
    const waiting = this.#waiting.get(inferenceId);
    if (waiting !== undefined && waiting.primarySaid.length !== values.length) return [];
    const recent: Recent = { values, atMs: nowMs, settled: waiting !== undefined };
    this.#recent.set(inferenceId, recent);
    if (this.#recent.size > recentMax) this.#recent.delete(this.#recent.keys().next().value as string);
    if (waiting === undefined) return [];
    this.#letGo(inferenceId, waiting);
    return [...waiting.rungs].map(([rung, rungSaid], index) => ({ rung, rungSaid, primarySaid: waiting.primarySaid, actuals: values, first: index === 0 }));
  }

  tick(nowMs: number, wallMs: number): void {
    for (const [id, { atMs }] of this.#recent) {
      if (nowMs - atMs < recentMs) break;
      this.#recent.delete(id);
    }
    for (const [id, waiting] of this.#waiting) {
      if (wallMs - waiting.atWallMs < this.#options.ttl) break;
      this.#letGo(id, waiting);
    }
  }

  /** What a rung said that has been replaced by another of its name no longer counts. */
  forget(rung: string): void {
    for (const { rungs } of this.#waiting.values()) {
      this.#rows -= rungs.get(rung)?.length ?? 0;
      rungs.delete(rung);
    }
  }

  snapshot(): PairedActualsSnapshot {
    return [...this.#waiting].map(([id, { atWallMs, primarySaid, rungs }]) => [id, atWallMs, primarySaid, [...rungs]]);
  }

  restore(saved: PairedActualsSnapshot): void {
    for (const [id, atWallMs, primary, rungs] of saved) for (const [name, rung] of rungs) this.#wait(id, name, { primary, rung }, atWallMs);
  }

  #wait(inferenceId: string, rung: string, said: { readonly primary: readonly Value[]; readonly rung: readonly Value[] }, atWallMs: number): void {
    let waiting = this.#waiting.get(inferenceId);
    if (waiting === undefined) {
      waiting = { atWallMs, primarySaid: said.primary, rungs: new Map() };
      this.#waiting.set(inferenceId, waiting);
      this.#rows += said.primary.length;
    }
    if (waiting.rungs.has(rung) || waiting.primarySaid.length !== said.rung.length) return;
    waiting.rungs.set(rung, said.rung);
    this.#rows += said.rung.length;
    for (const [oldest, one] of this.#waiting) {
      if (this.#rows <= this.#options.buffer) break;
      this.#letGo(oldest, one);
    }
  }

  #letGo(inferenceId: string, { primarySaid, rungs }: Waiting): void {
    this.#waiting.delete(inferenceId);
    this.#rows -= primarySaid.length;
    for (const said of rungs.values()) this.#rows -= said.length;
  }
}
