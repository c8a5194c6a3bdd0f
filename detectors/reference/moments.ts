/**
 * Mean, variance, skewness and kurtosis of a stream, from its first four central moments.
 *
 * Two states merge into that of both streams. Numbers whose fourth power is no finite number (beyond about 1e77) leave
 * only the mean.
 *
 * Sources: B. P. Welford, Note on a method for calculating corrected sums of squares, Technometrics 4 (1962); P. Pebay,
 * Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments, Sandia report
 * SAND2008-6212. Cost: O(1) a value, 5 numbers.
 */
export interface MomentsState {
  count: number;
  mean: number;
  /** Sums of the second, third and fourth power of each value's distance from the mean. */
  squares: number;
  cubes: number;
  fourths: number;
}

export const moments = {
  start: (): MomentsState => ({ count: 0, mean: 0, squares: 0, cubes: 0, fourths: 0 }),

  /** Consumes `state`. Throws a RangeError unless the value is finite. */
  step(state: MomentsState, value: number): MomentsState {
    if (!Number.isFinite(value)) throw new RangeError(`moments: value: expected a finite number, got ${value}`);
    const before = state.count;
    const count = before + 1;
    const distance = value - state.mean;
    const part = distance / count;
    const square = distance * part * before;
    state.fourths += square * part * part * (count * count - 3 * count + 3) + 6 * part * part * state.squares - 4 * part * state.cubes;
    state.cubes += square * part * (count - 2) - 3 * part * state.squares;
    state.squares += square;
    // The distance of two numbers from the two ends of the range may not be finite, though their mean is.
    state.mean += Number.isFinite(distance) ? part : value / count - state.mean / count;
    state.count = count;
    return state;
  },

  /** Consumes `into`: takes in what `from` has seen. */
  merge(into: MomentsState, from: MomentsState): MomentsState {
    if (from.count === 0) return into;
    const [a, b] = [into.count, from.count];
    const count = a + b;
    const distance = from.mean - into.mean;
    const part = distance / count;
    into.fourths +=
      from.fourths +
      distance * part ** 3 * a * b * (a * a - a * b + b * b) +
      6 * part ** 2 * (a * a * from.squares + b * b * into.squares) +
      4 * part * (a * from.cubes - b * into.cubes);
    into.cubes += from.cubes + distance * part ** 2 * a * b * (a - b) + 3 * part * (a * from.squares - b * into.squares);
    into.squares += from.squares + distance * part * a * b;
    into.mean = into.mean * (a / count) + from.mean * (b / count);
    into.count = count;
    return into;
  },

  mean: ({ count, mean }: MomentsState): number | undefined => (count === 0 ? undefined : mean),

  /** Over the count, not one less. Undefined where nothing was seen, as are the two that follow where all values are the same. */
  variance: ({ count, squares }: MomentsState): number | undefined => (count === 0 ? undefined : finite(squares / count)),

  /** The mean cube of the standardised values: 0 where they are symmetric. */
  skewness: ({ count, squares, cubes }: MomentsState): number | undefined =>
    squares > 0 ? finite((Math.sqrt(count) * cubes) / squares ** 1.5) : undefined,

  /** The mean fourth power of the standardised values less 3: 0 for normal ones. */
  excessKurtosis: ({ count, squares, fourths }: MomentsState): number | undefined =>
    squares > 0 ? finite((count * fourths) / (squares * squares) - 3) : undefined,
};

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
