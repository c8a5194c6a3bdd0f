/**
 * One column, a feature or the score, against its reference: the evidence that it changed (for the alarm), how far the
 * latest window lies from the reference (for the eyes), and what a person would say has changed.
 */
import { conformalEDetector, type ConformalEDetector, type ConformalState } from "../../detectors/guarantee/conformal-e-detector.ts";
import { jensenShannonDistance } from "../../detectors/distance/jensen-shannon.ts";
import { psi } from "../../detectors/distance/population-stability-index.ts";
import { cellCount, cellName, cellOf, type FeatureReference, type Value } from "../../detectors/reference/reference.ts";
import { cellWindow, type CellWindow, type WindowState } from "../../detectors/reference/window.ts";
import { percent, short } from "./words.ts";

export interface ColumnSnapshot {
  readonly evidence: ConformalState;
  /** Without its values, which are not used and would be four fifths of it. */
  readonly window: Omit<WindowState, "values">;
  readonly recent: WindowState;
}

/** What is said of a change is said of the latest rows: about as many as it takes to find a large one. */
const recentRows = 100;

export class ColumnMonitor {
  readonly name: string;
  readonly #reference: FeatureReference;
  readonly #detector: ConformalEDetector;
  readonly #window: CellWindow;
  readonly #recentWindow: CellWindow;
  #evidence: ConformalState;
  #cells: WindowState;
  #recent: WindowState;

  constructor(name: string, reference: FeatureReference, windowRows: number, seed: number) {
    this.name = name;
    this.#reference = reference;
    this.#detector = conformalEDetector(reference, { seed });
    this.#window = cellWindow(cellCount(reference), windowRows);
    this.#recentWindow = cellWindow(cellCount(reference), recentRows);
    this.#evidence = this.#detector.start();
    this.#cells = this.#window.start();
    this.#recent = this.#recentWindow.start();
  }

  push(value: Value): void {
    const cell = cellOf(this.#reference, value);
    this.#evidence = this.#detector.step(this.#evidence, cell);
    this.#cells = this.#window.step(this.#cells, cell);
    this.#recent = this.#recentWindow.step(this.#recent, cell, typeof value === "number" ? value : NaN);
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

  /** Distances of the window from the reference. Cost: O(cells). */
  distances(): { readonly psi: number; readonly jensenShannon: number } {
    const counts = this.#window.counts(this.#cells);
    return { psi: psi(this.#reference.counts, counts), jensenShannon: jensenShannonDistance(this.#reference.counts, counts) };
  }

  /** `mean 2.1 to 11.4, PSI 1.8` or `null 0 % to 45 %`: from the reference to the latest hundred rows; the PSI is the window's. */
  describe(): string {
    const { psi: index } = this.distances();
    return index >= 0.1 ? `${this.#change()}, PSI ${index.toFixed(1)}` : this.#change();
  }

  #change(): string {
    const reference = this.#reference;
    const recent = this.#recentWindow.counts(this.#recent);
    const size = this.#recentWindow.size(this.#recent);
    const shares = Array.from(reference.counts, (count, cell) => ({ cell, from: count / reference.rows, to: (recent[cell] as number) / size }));
    // Of a number the mean is told, unless it is no longer the same kind of number: null, text, out of the range known.
    const eligible = reference.kind === "categorical" ? shares : shares.filter(({ cell, from, to }) => cell > reference.edges.length && to - from > 0.05);
    const risen = eligible.sort((a, b) => b.to - b.from - (a.to - a.from))[0];
    if (risen !== undefined) return `${cellName(reference, risen.cell)} ${percent(risen.from)} to ${percent(risen.to)}`;

    const now = this.#recentWindow.summary(this.#recent);
    return reference.kind === "numeric" && now !== undefined ? `mean ${short(reference.mean)} to ${short(now.mean)}` : "changed";
  }

  snapshot(): ColumnSnapshot {
    const { cells, counts, next, length } = this.#cells;
    return { evidence: this.#evidence, window: { cells, counts, next, length }, recent: this.#recent };
  }

  restore({ evidence, window, recent }: ColumnSnapshot): void {
    this.#evidence = evidence;
    this.#cells = { ...this.#window.start(), ...window };
    this.#recent = recent;
  }
}
