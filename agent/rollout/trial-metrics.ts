/**
 * The user's metrics over the rows of an inference. A batch gives one value: the part of its rows that is bad, or the mean of
 * their numbers, since it was dealt as one. A row that can not be evaluated spoils its inference for that metric, which is
 * counted, and said the first time.
 */
import type { Column, Value } from "../protocols/protocol.ts";
import type { Metric } from "./metric.ts";

/** A request and its answer, row by row. */
export type SeenRow = { readonly row: Readonly<Record<string, Value>>; readonly answer: Readonly<Record<string, Value>> };

export interface Attempt {
  readonly latencyMs: number;
  readonly failed: boolean;
}

/** Of a larger batch the first rows stand for it. */
const rowsMax = 1_000;

export class TrialMetrics {
  readonly #metrics: readonly Metric[];
  readonly #note: (text: string) => void;
  readonly #noted = new Set<string>();
  /** Inferences that could not be evaluated. */
  unevaluated = 0;

  constructor(metrics: readonly Metric[], note: (text: string) => void) {
    this.#metrics = metrics;
    this.#note = note;
  }

  needing(needs: Metric["needs"]): readonly Metric[] {
    return this.#metrics.filter((metric) => metric.needs === needs);
  }

  /** Some metric asks how long an attempt took that is known by its answer. */
  get wantsLatency(): boolean {
    return this.#metrics.some(({ needsLatency }) => needsLatency);
  }

  get wantsRows(): boolean {
    return this.#metrics.some(({ needs }) => needs !== "attempt");
  }

  /** One value for the inference; undefined where a row can not be evaluated. `actuals` are of the same rows. */
  valueOf(metric: Metric, rows: readonly SeenRow[], attempt: Attempt, actuals?: readonly Value[]): number | undefined {
    let sum = 0;
    for (const [i, seen] of rows.entries()) {
      const result = metric.evaluate({ ...seen, actual: actuals?.[i] ?? null, ...attempt });
      if (!result.ok) return this.#failed(metric, result.why);
      sum += result.value;
    }
    return rows.length === 0 ? undefined : this.#within(metric, sum / rows.length);
  }

  /** Of a metric that asks for the attempt alone. */
  ofAttempt(metric: Metric, attempt: Attempt): number | undefined {
    const result = metric.evaluate(attempt);
    return result.ok ? this.#within(metric, result.value) : this.#failed(metric, result.why);
  }

  /** Sums of large numbers may be beyond all of them. */
  #within(metric: Metric, value: number): number | undefined {
    return Number.isFinite(value) ? value : this.#failed(metric, "the mean of its rows is no finite number");
  }

  #failed({ name }: Metric, why: string): undefined {
    this.unevaluated += 1;
    if (this.#noted.has(name)) return;
    this.#noted.add(name);
    this.#note(`the metric "${name}" can not be evaluated for some inferences, which it passes over: ${why}`);
  }
}

/** By column name; a column that has no value for the row is not there. */
export function rowsOf(request: readonly Column[], answer: readonly Column[], rows: number): readonly SeenRow[] {
  const at = (columns: readonly Column[], row: number) => Object.fromEntries(columns.flatMap(({ name, values }) => (row < values.length ? [[name, values[row] as Value]] : [])));
  return Array.from({ length: Math.min(rows, rowsMax) }, (_, row) => ({ row: at(request, row), answer: at(answer, row) }));
}
