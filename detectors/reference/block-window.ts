/**
 * What is now, in little memory: the counts of about the last `size` rows of a feature over the reference's cells.
 *
 * The rows lie in four blocks; when the youngest is full, the oldest goes at once. So once the window has filled, it holds
 * between 3/4 of `size` and `size` rows. To let each row go by itself would take two bytes a row.
 * Cost: O(1) a row, and four times the cells when a block goes; 8 bytes a cell and some hundred, 0.9 kB at 70 cells.
 */
export interface BlockWindowState {
  /** Rows per cell: of the whole window, then of each block but the youngest, whose rows are what these lack of the whole. */
  readonly tables: Uint16Array | Uint32Array;
  /** How many blocks were filled before this one, and its rows. */
  block: number;
  filled: number;
  /** Of the whole window. */
  rows: number;
}

export interface BlockWindow {
  start(): BlockWindowState;
  /** Consumes `state`: takes in a cell. Throws a RangeError for a cell that there is not. */
  step(state: BlockWindowState, cell: number): BlockWindowState;
  /** Per cell, of the rows in the window now. Live: it changes with the next step. */
  counts(state: BlockWindowState): ArrayLike<number>;
  /** How many rows are in the window now. */
  size(state: BlockWindowState): number;
}

const blockCount = 4;

/** @param size rows; rounded up to a multiple of four. */
export function blockWindow(cells: number, size: number): BlockWindow {
  if (!Number.isInteger(cells) || cells < 1) throw new RangeError(`blockWindow: cells: expected a whole number, 1 or more, got ${cells}`);
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`blockWindow: size: expected a whole number, 1 or more, got ${size}`);
  const blockRows = Math.ceil(size / blockCount);
  const fits = blockRows * blockCount < 65_536;

  return {
    start: () => ({ tables: fits ? new Uint16Array(blockCount * cells) : new Uint32Array(blockCount * cells), block: 0, filled: 0, rows: 0 }),

    step(state, cell) {
      if (!(cell >= 0 && cell < cells && Number.isInteger(cell))) throw new RangeError(`blockWindow: cell: expected 0 to ${cells - 1}, got ${cell}`);
      if (state.filled === blockRows) openNext(state);
      state.tables[cell]! += 1;
      state.filled += 1;
      state.rows += 1;
      return state;
    },

    counts: ({ tables }) => tables.subarray(0, cells),
    size: ({ rows }) => rows,
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
  }
}
