/**
 * What is now, in little memory: the counts of about the last `size` rows of a feature over the reference's cells, and the
 * mean of their numbers.
 *
 * The rows lie in eight blocks; when the youngest is full, the oldest goes at once. So once the window has filled, it holds
 * between 7/8 of `size` and `size` rows. window.ts lets each row go by itself, and pays with ten bytes a row.
 * Cost: O(1) a row, and eight times the cells when a block goes; 16 bytes a cell and half a kilobyte, 1.6 kB at 70 cells.
 */
export interface BlockWindowState {
  /** Rows per cell: of the whole window, then of each block but the youngest, whose rows are what these lack of the whole. */
  readonly tables: Uint16Array | Uint32Array;
  /** Per block how many finite numbers it has, and their mean. */
  readonly numbers: number[];
  readonly means: number[];
  /** How many blocks were filled before this one, and its rows. */
  block: number;
  filled: number;
  /** Of the whole window. */
  rows: number;
}

export interface BlockWindow {
  start(): BlockWindowState;
  /** Consumes `state`: takes in a cell, and the value itself where it is a number. Throws a RangeError for a cell that there is not. */
  step(state: BlockWindowState, cell: number, value?: number): BlockWindowState;
  /** Per cell, of the rows in the window now. Live: it changes with the next step. */
  counts(state: BlockWindowState): ArrayLike<number>;
  /** How many rows are in the window now. */
  size(state: BlockWindowState): number;
  /** Of the finite numbers in the window; undefined where there are none. */
  mean(state: BlockWindowState): number | undefined;
}

const blockCount = 8;

/** @param size rows; rounded up to a multiple of eight. */
export function blockWindow(cells: number, size: number): BlockWindow {
  if (!Number.isInteger(cells) || cells < 1) throw new RangeError(`blockWindow: cells: expected a whole number, 1 or more, got ${cells}`);
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`blockWindow: size: expected a whole number, 1 or more, got ${size}`);
  const blockRows = Math.ceil(size / blockCount);
  const fits = blockRows * blockCount < 65_536;

  return {
    start: () => ({
      tables: fits ? new Uint16Array(blockCount * cells) : new Uint32Array(blockCount * cells),
      numbers: Array.from({ length: blockCount }, () => 0),
      means: Array.from({ length: blockCount }, () => 0),
      block: 0,
      filled: 0,
      rows: 0,
    }),

    step(state, cell, value = Number.NaN) {
      if (!(cell >= 0 && cell < cells && Number.isInteger(cell))) throw new RangeError(`blockWindow: cell: expected 0 to ${cells - 1}, got ${cell}`);
      if (state.filled === blockRows) openNext(state);
      state.tables[cell]! += 1;
      state.filled += 1;
      state.rows += 1;
      if (Number.isFinite(value)) {
        const { numbers, means } = state;
        const block = state.block % blockCount;
        const count = (numbers[block] as number) + 1;
        numbers[block] = count;
        means[block] = (means[block] as number) + (value / count - (means[block] as number) / count);
      }
      return state;
    },

    counts: ({ tables }) => tables.subarray(0, cells),
    size: ({ rows }) => rows,

    mean({ numbers, means }) {
      const all = numbers.reduce((sum, count) => sum + count, 0);
      if (all === 0) return undefined;
      return means.reduce((sum, mean, block) => sum + mean * ((numbers[block] as number) / all), 0);
    },
  };

  /** The oldest block goes. Its table is the youngest's from now on, whose rows are written down since it is full. */
  function openNext(state: BlockWindowState): void {
    const { tables } = state;
    const oldest = (1 + (state.block % (blockCount - 1))) * cells;
    for (let cell = 0; cell < cells; cell += 1) {
      const gone = tables[oldest + cell] as number;
      let full = tables[cell] as number;
      for (let table = cells + cell; table < tables.length; table += cells) full -= tables[table] as number;
      tables[cell]! -= gone;
      tables[oldest + cell] = full;
      state.rows -= gone;
    }
    state.block += 1;
    state.filled = 0;
    state.numbers[state.block % blockCount] = 0;
    state.means[state.block % blockCount] = 0;
  }
}
