/**
 * How many rows fell into each bin of a feature, counted since the start, beside what the reference has there. The numbers of
 * all sidecars with the same reference add up, which makes the drift of a fleet a query.
 *
 * Each feature costs two dozen series, so only the first so many of the reference have them, and the score.
 */
import { binsOf, type Bins } from "../../detectors/reference/bins.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import type { ColumnMonitor } from "./column-monitor.ts";

interface Counted {
  readonly feature: string;
  readonly bins: Bins;
  readonly rows: Float64Array;
}

export class FeatureBins {
  readonly #labels: { readonly model: string; readonly reference: string };
  /** By the column's place; undefined where it is not counted. */
  readonly #counted: readonly (Counted | undefined)[];

  /** @param digest of the reference; its first eight characters tell apart who counts in other bins. */
  constructor(columns: readonly ColumnMonitor[], isCounted: (column: ColumnMonitor, index: number) => boolean, { model, digest }: { readonly model: string; readonly digest: string }) {
    this.#labels = { model, reference: digest.slice(0, 8) };
    this.#counted = columns.map((column, index) => {
      if (!isCounted(column, index)) return undefined;
      const bins = binsOf(column.reference);
      return { feature: column.name, bins, rows: new Float64Array(bins.names.length) };
    });
  }

  push(index: number, cell: number): void {
    const counted = this.#counted[index];
    if (counted !== undefined) counted.rows[counted.bins.ofCell[cell] as number]! += 1;
  }

  points(): readonly Point[] {
    const points: Point[] = [];
    for (const counted of this.#counted) {
      if (counted === undefined) continue;
      for (const [at, bin] of counted.bins.names.entries()) {
        const labels = { ...this.#labels, feature: counted.feature, bin };
        points.push({ instrument: instruments.driftBinRows, labels, value: counted.rows[at] as number });
        points.push({ instrument: instruments.driftBinReference, labels, value: counted.bins.ratios[at] as number });
      }
    }
    return points;
  }
}
