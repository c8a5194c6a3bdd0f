/**
 * What is now: the last so many values of a feature, as counts over the reference's cells and, for a person's message, as
 * their mean, spread and median.
 */
export interface WindowState {
  /** The last cells and the last numbers (NaN where a value was none), each in a ring that `next` runs round. */
  readonly cells: Uint16Array;
  readonly values: Float64Array;
  readonly counts: Uint32Array;
  next: number;
  length: number;
}

export interface WindowSummary {
  /** How many of the window's values are finite numbers. */
  readonly numbers: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly median: number;
}

export interface CellWindow {
  start(): WindowState;
  /** Consumes `state`: takes in a cell, and the value itself where it is a number, and lets the oldest go. */
  step(state: WindowState, cell: number, value?: number): WindowState;
  /** Per cell, of the values in the window now. Live: it changes with the next step. */
  counts(state: WindowState): ArrayLike<number>;
  /** How many values are in the window now. */
  size(state: WindowState): number;
  /** Of the finite numbers in the window; undefined where there are none. Recomputed at each call, so that no error adds up. */
  summary(state: WindowState): WindowSummary | undefined;
}

/**
 * A window over the last `size` values of a feature with `cells` cells. Cost: O(1) a value, 10 bytes a place;
 * the summary sorts the window.
 */
export function cellWindow(cells: number, size: number): CellWindow {
  if (!Number.isInteger(cells) || cells < 1 || cells > 65_536) throw new RangeError(`cellWindow: cells must be 1 to 65536, got ${cells}`);
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`cellWindow: size must be 1 or more, got ${size}`);
  return {
    start: () => ({
      cells: new Uint16Array(size),
      values: new Float64Array(size),
      counts: new Uint32Array(cells),
      next: 0,
      length: 0,
    }),

    step(state, cell, value = Number.NaN) {
      const { next, counts } = state;
      if (counts[cell] === undefined) throw new RangeError(`cellWindow: there are ${cells} cells, got cell ${cell}`);
      if (state.length === size) counts[state.cells[next] as number]! -= 1;
      else state.length += 1;
      counts[cell]! += 1;
      state.cells[next] = cell;
      state.values[next] = value;
      state.next = next + 1 === size ? 0 : next + 1;
      return state;
    },

    counts: ({ counts }) => counts,
    size: ({ length }) => length,

    summary({ values, length }) {
      const numbers = values.subarray(0, length).filter(Number.isFinite).sort();
      if (numbers.length === 0) return undefined;
      let mean = 0;
      for (const value of numbers) mean += value / numbers.length;
      let variance = 0;
      for (const value of numbers) variance += (value - mean) ** 2 / numbers.length;
      const middle = numbers.length >>> 1;
      const upper = numbers[middle] as number;
      const lower = numbers.length % 2 === 1 ? upper : (numbers[middle - 1] as number);
      return { numbers: numbers.length, mean, standardDeviation: Math.sqrt(variance), median: lower / 2 + upper / 2 };
    },
  };
}
