/**
 * Autocorrelation: how much does a row say about the next one? Alarms with a guarantee suppose that it says nothing; where
 * it does, only every k-th row may be taken in, and the reference counts for fewer rows than it has.
 *
 * It is the lag-1 correlation of mid-ranks, so no outlier decides. Dependence is taken to fade as in an autoregressive
 * series of the first order: by the factor r a row, so that r^k is left between the rows that are taken in. Measured on such
 * series (bench/guarantees.ts): false alarms are within the budget where 0.02 is left, 1.2 times the budget at 0.05, 3.6
 * times at 0.17. Void for dependence that fades more slowly than it begins (batches sorted by customer, weather), and
 * for one of the spread alone.
 *
 * A correlation below three standard errors of independent rows may be chance, and nothing is thinned. So much may go
 * unseen: 0.13 with 500 rows, at up to twice the budget. Above, its upper confidence bound is taken for it.
 *
 * A negative correlation is thinned as a positive one of its size: neighbours on opposite sides are alike in how far out
 * they lie, and that gathers evidence of a changed spread (measured at -0.5: 3.8 times the budget).
 */
export interface LagOneState {
  count: number;
  first: number;
  previous: number;
  sum: number;
  squares: number;
  products: number;
}

/** Correlation that does no measurable harm. */
const harmless = 0.02;
/** In standard errors. */
const significance = 3;
const boundErrors = 2;
const thinningMax = 1_000;

/** Cost: O(1) a value, six numbers. */
export const lagOne = {
  start: (): LagOneState => ({ count: 0, first: 0, previous: 0, sum: 0, squares: 0, products: 0 }),

  /** Consumes `state`. */
  step(state: LagOneState, midRank: number): LagOneState {
    if (!Number.isFinite(midRank)) throw new RangeError(`lagOne: expected a finite number, got ${midRank}`);
    if (state.count === 0) state.first = midRank;
    else state.products += state.previous * midRank;
    state.count += 1;
    state.previous = midRank;
    state.sum += midRank;
    state.squares += midRank * midRank;
    return state;
  },

  /** From -1 to 1; 0 while nothing varies. */
  correlation({ count, first, previous, sum, squares, products }: LagOneState): number {
    const mean = sum / count;
    const spread = squares - count * mean * mean;
    if (!(spread > 1e-9 * count)) return 0;
    const together = products - mean * (2 * sum - first - previous) + (count - 1) * mean * mean;
    return Math.min(1, Math.max(-1, together / spread));
  },
};

/** Every how many rows may be taken in, 1 to 1,000: 1 where the correlation of so many rows may be chance. */
export function thinningFor(correlation: number, rows: number): number {
  const greatest = greatestCorrelation(correlation, rows);
  return greatest === 0 ? 1 : Math.min(thinningMax, Math.ceil(Math.log(harmless) / Math.log(greatest)));
}

/**
 * As many independent rows as tell as much of what is normal, per row of so many that are correlated: 1 where it may be
 * chance. For a series of the first order (1 - correlation) / (1 + correlation).
 */
export function independentShare(correlation: number, rows: number): number {
  const greatest = greatestCorrelation(correlation, rows);
  return (1 - greatest) / (1 + greatest);
}

/** How large the correlation may be, whatever its sign: 0 where it may be none or does no harm. */
function greatestCorrelation(correlation: number, rows: number): number {
  if (!(correlation >= -1 && correlation <= 1)) throw new RangeError(`autocorrelation: correlation must be -1 to 1, got ${correlation}`);
  if (!(rows >= 1)) throw new RangeError(`autocorrelation: rows must be 1 or more, got ${rows}`);
  const size = Math.abs(correlation);
  if (size <= Math.max(harmless, significance / Math.sqrt(rows))) return 0;
  return Math.min(1 - 1 / rows, size + boundErrors * Math.sqrt((1 - size * size) / rows));
}
