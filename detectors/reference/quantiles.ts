/**
 * Quantiles of latencies and other positive values, to a fixed relative error, in fixed memory.
 *
 * A histogram whose bins grow by a constant factor, so that any value is within the error of its bin's middle. Two
 * sketches merge by adding their bins. Values at or below 1e-6, zero among them, share the lowest bin and those above 1e12
 * the highest; there only the least and the greatest value bound the error.
 *
 * Source: C. Masson, J. Rim and H. Lee, DDSketch, VLDB 2019.
 */
export interface QuantileState {
  readonly bins: Float64Array;
  count: number;
  min: number;
  max: number;
}

export interface QuantileSketch {
  start(): QuantileState;
  /** Consumes `state`. Throws a RangeError unless the value is finite and 0 or more. */
  step(state: QuantileState, value: number): QuantileState;
  /** Consumes `into`: adds what `from` has seen. */
  merge(into: QuantileState, from: QuantileState): QuantileState;
  /** The value of rank q (count - 1), for q in 0 to 1; undefined where nothing was seen. */
  quantile(state: QuantileState, q: number): number | undefined;
  /** How many times a bin's greatest value that of the bin before is. */
  readonly growth: number;
}

const lowest = 1e-6;
const highest = 1e12;

/** Cost: O(1) a value, O(bins) a quantile; 17 kB of state at an error of 0.01. */
export function quantileSketch({ relativeError = 0.01 }: { relativeError?: number } = {}): QuantileSketch {
  if (!(relativeError >= 0.001 && relativeError < 1)) {
    throw new RangeError(`quantileSketch: relativeError must be at least 0.001 and below 1, got ${relativeError}`);
  }
  const growth = (1 + relativeError) / (1 - relativeError);
  const binsPerE = 1 / Math.log(growth);
  /** Bin 0 is the lowest; bin i > 0 holds values above lowest * growth^(i - 1), up to lowest * growth^i. */
  const bins = Math.ceil(Math.log(highest / lowest) * binsPerE) + 1;

  return {
    growth,

    start: () => ({ bins: new Float64Array(bins), count: 0, min: Infinity, max: -Infinity }),

    step(state, value) {
      if (!(value >= 0 && value < Infinity)) throw new RangeError(`quantileSketch: expected a finite number, 0 or more, got ${value}`);
      const bin = value <= lowest ? 0 : Math.min(bins - 1, Math.ceil(Math.log(value / lowest) * binsPerE));
      state.bins[bin]! += 1;
      state.count += 1;
      state.min = Math.min(state.min, value);
      state.max = Math.max(state.max, value);
      return state;
    },

    merge(into, from) {
      for (let bin = 0; bin < bins; bin += 1) into.bins[bin]! += from.bins[bin] as number;
      into.count += from.count;
      into.min = Math.min(into.min, from.min);
      into.max = Math.max(into.max, from.max);
      return into;
    },

    quantile({ bins: counts, count, min, max }, q) {
      if (!(q >= 0 && q <= 1)) throw new RangeError(`quantileSketch: q must be 0 to 1, got ${q}`);
      if (count === 0) return undefined;
      const rank = q * (count - 1);
      let bin = 0;
      let below = counts[0] as number;
      while (below <= rank) {
        bin += 1;
        below += counts[bin] as number;
      }
      // The middle of the bin in the sense that both its ends are equally far in proportion.
      const middle = bin === 0 ? 0 : (2 * lowest * growth ** bin) / (growth + 1);
      return Math.min(max, Math.max(min, middle));
    },
  };
}
