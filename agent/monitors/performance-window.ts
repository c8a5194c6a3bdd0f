/**
 * The latest rows that a model's performance is taken from, as rings of columns: its scores and predictions, what came true
 * where that is known, and the numeric features that an estimate of losses needs.
 *
 * Bounded by rows, and with many columns by fewer of them, so that neither memory nor the cost of a figure grows with the
 * number of classes: at most 100,000 numbers, 0.8 MB.
 */
import type { PlainClass } from "../protocols/plain-class.ts";

export interface PerformanceRow {
  readonly prediction: PlainClass;
  /** One, or one for each class; NaN where there is none. */
  readonly scores: readonly number[];
  readonly features?: readonly number[] | undefined;
  readonly actual?: PlainClass;
}

/** Columns, the oldest row first. */
export interface PerformanceColumns {
  readonly scores: readonly Float64Array[];
  readonly features: readonly Float64Array[];
  readonly predictions: readonly PlainClass[];
  readonly actuals: readonly PlainClass[];
}

/** Rings, written at `count` modulo their length. */
export interface PerformanceWindowState {
  readonly scores: readonly Float64Array[];
  readonly features: readonly Float64Array[];
  readonly predictions: PlainClass[];
  readonly actuals: PlainClass[];
  /** Rows that ever came. */
  count: number;
}

const numbersMax = 100_000;

export class PerformanceWindow {
  /** Rows that it holds at most. */
  readonly size: number;
  state: PerformanceWindowState;

  /** @param rows wanted. @param columns of scores, and of features. */
  constructor(rows: number, { scores, features = 0 }: { readonly scores: number; readonly features?: number }) {
    this.size = Math.min(rows, Math.floor(numbersMax / Math.max(1, scores + features)));
    const ring = () => new Float64Array(this.size).fill(NaN);
    this.state = { scores: Array.from({ length: scores }, ring), features: Array.from({ length: features }, ring), predictions: [], actuals: [], count: 0 };
  }

  /** Rows that it holds. */
  get length(): number {
    return this.state.predictions.length;
  }

  /** The number of the row comes back, by which it may be settled. */
  push({ prediction, scores, features, actual }: PerformanceRow): number {
    const { state } = this;
    const at = state.count % this.size;
    for (const [i, ring] of state.scores.entries()) ring[at] = scores[i] ?? NaN;
    for (const [i, ring] of state.features.entries()) ring[at] = features?.[i] ?? NaN;
    state.predictions[at] = prediction;
    state.actuals[at] = actual;
    state.count += 1;
    return state.count - 1;
  }

  /** The row's actual came. False where the row is gone. */
  settle(row: number, actual: PlainClass): boolean {
    const { count, actuals } = this.state;
    if (!(row >= count - actuals.length && row < count)) return false;
    actuals[row % this.size] = actual;
    return true;
  }

  /** A copy of the latest rows. */
  columns(most = this.size): PerformanceColumns {
    const { scores, features, predictions, actuals, count } = this.state;
    const length = Math.min(most, this.length);
    const inOrder = <Item>(ring: ArrayLike<Item>) => Array.from({ length }, (_, i) => ring[(count - length + i) % this.size] as Item);
    const numbers = (ring: Float64Array) => Float64Array.from({ length }, (_, i) => ring[(count - length + i) % this.size] as number);
    return { scores: scores.map(numbers), features: features.map(numbers), predictions: inOrder(predictions), actuals: inOrder(actuals) };
  }
}
