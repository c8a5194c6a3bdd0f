/**
 * ADWIN: has the mean of a stream changed, in either direction, at whatever speed? Keeps the longest window in which it has not.
 *
 * The window is a row of buckets whose sizes are powers of two, newest first, at most `bucketsMax` of each size, so it takes
 * logarithmic memory. Every `clock` values each place between two buckets is tried as a cut: where the means on both sides
 * differ by more than chance allows, the oldest bucket goes, and the rest is tried again.
 *
 * Sources: A. Bifet and R. Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007; the variance of
 * merged buckets by B. Babcock et al., PODS 2003. Answers equal river's since its release of 2024; older ones never tried
 * the newest cut in each row.
 */
import type { Detector } from "../detector.ts";

export interface AdwinOptions {
  /** Of the bound on a false cut: smaller is slower and surer. */
  readonly delta?: number;
  /** Values between two checks. */
  readonly clock?: number;
  /** Buckets of one size. */
  readonly bucketsMax?: number;
  /** Values that must lie on each side of a cut. */
  readonly windowMin?: number;
  /** Values before the first check. */
  readonly grace?: number;
}

export interface AdwinState {
  /** Row r holds buckets of 2^r values, oldest first, in places r * (bucketsMax + 1) and on. */
  readonly totals: Float64Array;
  /** Of each bucket and of the window: sums of squared deviations from their mean. */
  readonly variances: Float64Array;
  readonly lengths: Uint8Array;
  width: number;
  total: number;
  variance: number;
  ticks: number;
  /** At the last check, the greatest difference of means in units of what chance allows; a cut was made where it is above 1. */
  excess: number;
}

/** Rows of 2^40 values are never reached; a window that long lets its oldest bucket go. */
const rows = 40;

/** Cost: O(1) a value, O(log width) at each check; 4 kB of state. */
export function adwin(
  { delta = 0.002, clock = 32, bucketsMax = 5, windowMin = 5, grace = 10 }: AdwinOptions = {},
): Detector<AdwinState> {
  if (!(delta > 0 && delta < 1)) throw new RangeError(`adwin: delta must be between 0 and 1, got ${delta}`);
  for (const [name, value, min] of [["clock", clock, 1], ["bucketsMax", bucketsMax, 2], ["windowMin", windowMin, 1], ["grace", grace, 1]] as const) {
    if (!Number.isInteger(value) || value < min) throw new RangeError(`adwin: ${name} must be a whole number, ${min} or more, got ${value}`);
  }
  if (bucketsMax > 100) throw new RangeError(`adwin: bucketsMax must be 100 or less, got ${bucketsMax}`);
  const places = bucketsMax + 1;

  /** Puts a bucket at the new end of a row; a full row merges its two oldest into the next. */
  function insert(state: AdwinState, row: number, total: number, variance: number): void {
    const { totals, variances, lengths } = state;
    const first = row * places;
    const length = lengths[row] as number;
    totals[first + length] = total;
    variances[first + length] = variance;
    lengths[row] = length + 1;
    if (length < bucketsMax) return;
    if (row === rows - 1) return dropOldest(state);

    const size = 2 ** row;
    const [a, b] = [totals[first] as number, totals[first + 1] as number];
    const merged = (variances[first] as number) + (variances[first + 1] as number) + between(size, a / size, size, b / size);
    shift(state, row, 2);
    insert(state, row + 1, a + b, merged);
  }

  /** Lets the oldest buckets of a row go. */
  function shift({ totals, variances, lengths }: AdwinState, row: number, count: number): void {
    const first = row * places;
    const end = first + (lengths[row] as number);
    totals.copyWithin(first, first + count, end);
    variances.copyWithin(first, first + count, end);
    lengths[row]! -= count;
  }

  function dropOldest(state: AdwinState): void {
    let row = rows - 1;
    while (state.lengths[row] === 0) row -= 1;
    const size = 2 ** row;
    const total = state.totals[row * places] as number;
    const variance = state.variances[row * places] as number;
    state.width -= size;
    state.total -= total;
    state.variance = Math.max(0, state.variance - variance - between(size, total / size, state.width, state.total / state.width));
    shift(state, row, 1);
  }

  /** Tries the cuts from the oldest to the newest; gives back the greatest excess, or the first above 1. */
  function greatestExcess({ totals, lengths, width, total, variance }: AdwinState): number {
    const confidence = Math.log((2 * Math.log(width)) / delta);
    let greatest = 0;
    let oldWidth = 0;
    let oldTotal = 0;
    for (let row = rows - 1; row >= 0; row -= 1) {
      for (let i = 0; i < (lengths[row] as number); i += 1) {
        oldWidth += 2 ** row;
        oldTotal += totals[row * places + i] as number;
        const newWidth = width - oldWidth;
        if (newWidth < windowMin) return greatest;
        if (oldWidth < windowMin) continue;
        const difference = Math.abs(oldTotal / oldWidth - (total - oldTotal) / newWidth);
        const scale = 1 / (oldWidth - windowMin + 1) + 1 / (newWidth - windowMin + 1);
        const allowed = Math.sqrt(2 * scale * (variance / width) * confidence) + (2 / 3) * scale * confidence;
        greatest = Math.max(greatest, difference / allowed);
        if (greatest > 1) return greatest;
      }
    }
    return greatest;
  }

  return {
    guarantee: `At a check, the chance to see a change of the mean where there is none is about ${delta} at most, for independent values in 0 to 1.`,

    start: () => ({
      totals: new Float64Array(rows * places),
      variances: new Float64Array(rows * places),
      lengths: new Uint8Array(rows),
      width: 0,
      total: 0,
      variance: 0,
      ticks: 0,
      excess: 0,
    }),

    step(state, value) {
      if (!Number.isFinite(value)) throw new RangeError(`adwin: expected a finite number, got ${value}`);
      if (state.width > 0) state.variance += between(state.width, state.total / state.width, 1, value);
      state.width += 1;
      state.total += value;
      insert(state, 0, value, 0);

      state.ticks += 1;
      if (state.ticks % clock === 0 && state.width > grace) {
        state.excess = greatestExcess(state);
        for (let excess = state.excess; excess > 1; excess = greatestExcess(state)) dropOldest(state);
      }
      return state;
    },

    read: ({ width, excess }) => ({
      verdict: excess > 1 ? "drift" : width <= grace ? "warmup" : "stable",
      statistic: excess,
      threshold: 1,
    }),
  };
}

/** What the difference of two groups' means adds to the sum of squared deviations when they are put together. */
function between(n: number, nMean: number, m: number, mMean: number): number {
  return ((n * m) / (n + m)) * (nMean - mMean) ** 2;
}

/** How many values the window holds. */
export function adwinWidth({ width }: AdwinState): number {
  return width;
}

/** Of the values in the window; undefined where there are none. */
export function adwinMean({ width, total }: AdwinState): number | undefined {
  return width === 0 ? undefined : total / width;
}
