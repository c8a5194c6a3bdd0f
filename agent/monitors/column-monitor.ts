/**
 * One column, a feature or the score, against its reference: the evidence that it changed (for the alarm), how far the
 * latest window lies from the reference (for the eyes), and what a person would say has changed.
 *
 * A model may have a thousand of them, so what each keeps is small.
 */
import { conformalEDetector, type ConformalEDetector, type ConformalState } from "../../detectors/guarantee/conformal-e-detector.ts";
import { jensenShannonDistance } from "../../detectors/distance/jensen-shannon.ts";
import { psi } from "../../detectors/distance/population-stability-index.ts";
import type { BlockWindow, BlockWindowState } from "../../detectors/reference/block-window.ts";
import { cellCount, cellName, cellOf, type FeatureReference, type Value } from "../../detectors/reference/reference.ts";
import { RecentValues, type RecentValuesSnapshot } from "./recent-values.ts";
import { percent, short } from "./words.ts";

export interface ColumnSnapshot {
  readonly evidence: ConformalState;
  readonly window: BlockWindowState;
  readonly recent: RecentValuesSnapshot;
}

export class ColumnMonitor {
  readonly name: string;
  readonly reference: FeatureReference;
  readonly #detector: ConformalEDetector;
  readonly #window: BlockWindow;
  readonly #recent = new RecentValues();
  #evidence: ConformalState;
  #cells: BlockWindowState;

  /** @param window of as many cells as the reference has; columns may share one. */
  constructor(name: string, reference: FeatureReference, window: BlockWindow, seed: number) {
    this.name = name;
    this.reference = withoutExtras(reference);
    this.#detector = conformalEDetector(this.reference, { seed });
    this.#window = window;
    this.#evidence = this.#detector.start();
    this.#cells = this.#window.start();
  }

  /**
   * @param season the season of the row, 0 where the reference has none.
   * @param taken whether the row enters the evidence; where rows depend on each other, not every one does.
   * @returns the cell that the value fell into.
   */
  push(value: Value, season: number, taken: boolean): number {
    const cell = cellOf(this.reference, value);
    if (taken) this.#evidence = this.#detector.step(this.#evidence, cell, season);
    this.#cells = this.#window.step(this.#cells, cell);
    this.#recent.push(value);
    return cell;
  }

  /** Natural logarithm. */
  logEvidence(): number {
    return this.#detector.logEvidence(this.#evidence);
  }

  /** Begins to gather evidence anew, with other tie-breaks than before; the windows stay. */
  restart(): void {
    this.#evidence = this.#detector.start(this.#evidence);
  }

  /** Rows in the window. */
  rows(): number {
    return this.#window.size(this.#cells);
  }

  /** Rows of the window per cell. Live: it changes with the next row. */
  counts(): ArrayLike<number> {
    return this.#window.counts(this.#cells);
  }

  /** The latest values as they came, oldest first; about as many as it takes to find a large change. */
  recent(): readonly Value[] {
    return this.#recent.values();
  }

  /** The latest values per cell. */
  recentCounts(): ArrayLike<number> {
    const counts = new Uint32Array(cellCount(this.reference));
    for (const value of this.recent()) counts[cellOf(this.reference, value)]! += 1;
    return counts;
  }

  /** Distances of the window from the reference. Cost: O(cells). */
  distances(): { readonly psi: number; readonly jensenShannon: number } {
    const counts = this.counts();
    return { psi: psi(this.reference.counts, counts), jensenShannon: jensenShannonDistance(this.reference.counts, counts) };
  }

  /** `mean 2.1 to 11.4, PSI 1.8` or `null 0 % to 45 %`: from the reference to the latest values; the PSI is the window's. */
  describe(): string {
    const { psi: index } = this.distances();
    return index >= 0.1 ? `${this.#change()}, PSI ${index.toFixed(1)}` : this.#change();
  }

  #change(): string {
    const { reference } = this;
    const values = this.recent();
    const recent = this.recentCounts();
    const shares = Array.from(reference.counts, (count, cell) => ({ cell, from: count / reference.rows, to: (recent[cell] as number) / values.length }));
    // Of a number the mean is told, unless it is no longer the same kind of number: null, text, out of the range known.
    const eligible = reference.kind === "categorical" ? shares : shares.filter(({ cell, from, to }) => cell > reference.edges.length && to - from > 0.05);
    const risen = eligible.sort((a, b) => b.to - b.from - (a.to - a.from))[0];
    if (risen !== undefined) return `${cellName(reference, risen.cell)} ${percent(risen.from)} to ${percent(risen.to)}`;

    const numbers = values.filter((value): value is number => Number.isFinite(value));
    if (reference.kind !== "numeric" || numbers.length === 0) return "changed";
    return `mean ${short(reference.mean)} to ${short(numbers.reduce((sum, value) => sum + value / numbers.length, 0))}`;
  }

  snapshot(): ColumnSnapshot {
    return { evidence: this.#evidence, window: this.#cells, recent: this.#recent.snapshot() };
  }

  restore({ evidence, window, recent }: ColumnSnapshot): void {
    this.#evidence = evidence;
    this.#cells = window;
    this.#recent.restore(recent);
  }
}

/** What only offline tools read is let go: it would be five times all the rest. */
function withoutExtras(reference: FeatureReference): FeatureReference {
  if (reference.kind === "categorical") return reference;
  const { sample: _sample, histogram: _histogram, ...rest } = reference;
  return rest;
}
