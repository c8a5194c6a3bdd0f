/**
 * ADWIN: has the mean of a stream changed, in either direction, at whatever speed? Keeps the longest window in which it has not.
 *
 * The window is a row of buckets whose sizes are powers of two, newest first, at most `maxBuckets` of each size, so it takes
 * logarithmic memory. Every `clock` values each place between two buckets is tried as a cut: where the means on both sides
 * differ by more than chance allows, the oldest bucket goes, and the rest is tried again. Sums are of what each value lies
 * above the first one, so that a high level costs no digits. Cost: O(1) a value, O(log width) at each check; 4 kB of state.
 *
 * Sources: A. Bifet and R. Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007; the variance of
 * merged buckets by B. Babcock et al., PODS 2003. Answers equal river's since its release of 2024; older ones never tried
 * the newest cut in each row.
 */
import type { Detector } from "../detector.ts";
import { number } from "./domain.ts";
import { type Options, type Parameters, settle } from "./parameter.ts";

export const adwinParameters = {
  delta: { kind: "number", default: 0.002, above: 0, below: 1, help: "of the bound on a false cut: smaller is slower and surer" },
  clock: { kind: "integer", default: 32, min: 1, help: "values between two checks" },
  maxBuckets: { kind: "integer", default: 5, min: 2, max: 100, help: "buckets of one size" },
  minWindow: { kind: "integer", default: 5, min: 1, help: "values that must lie on each side of a cut" },
  grace: { kind: "integer", default: 10, min: 1, help: "values before the first check" },
} as const satisfies Parameters;

export type AdwinOptions = Options<typeof adwinParameters>;

export interface AdwinState {
  /** Row r holds buckets of 2^r values, oldest first, in places r * (maxBuckets + 1) and on. */
  readonly totals: Float64Array;
  /** Of each bucket and of the window: sums of squared deviations from their mean. */
  readonly variances: Float64Array;
  readonly lengths: Uint8Array;
  /** The first value, from which all sums are taken. */
  origin: number;
  width: number;
  total: number;
  variance: number;
  ticks: number;
  /** At the last check, the greatest difference of means in units of what chance allows; a cut was made where it is above 1. */
  excess: number;
}

/** Rows of 2^40 values are never reached; a window that long lets its oldest bucket go. */
const rows = 40;

export function adwin(options: AdwinOptions = {}): Detector<AdwinState> {
  const { delta, clock, maxBuckets, minWindow, grace } = settle("adwin", adwinParameters, options);
  const places = maxBuckets + 1;

  /** Puts a bucket at the new end of a row. */
  function append({ totals, variances, lengths }: AdwinState, row: number, total: number, variance: number): void {
    const place = row * places + (lengths[row] as number);
    totals[place] = total;
    variances[place] = variance;
    lengths[row]! += 1;
  }

  /** From each row that is too full, merges the two oldest buckets into the next row. */
  function merge(state: AdwinState): void {
    const { totals, variances, lengths } = state;
    for (let row = 0, size = 1; lengths[row] === places; row += 1, size *= 2) {
      if (row === rows - 1) return dropOldest(state);
      const first = row * places;
      const a = totals[first] as number;
      const b = totals[first + 1] as number;
      append(state, row + 1, a + b, (variances[first] as number) + (variances[first + 1] as number) + between(size, a / size, size, b / size));
      shift(state, row, 2);
    }
  }

  /** Lets the oldest buckets of a row go. A few moves by hand are quicker than a call. */
  function shift({ totals, variances, lengths }: AdwinState, row: number, count: number): void {
    const end = row * places + (lengths[row] as number);
    for (let i = row * places + count; i < end; i += 1) {
      totals[i - count] = totals[i] as number;
      variances[i - count] = variances[i] as number;
    }
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

  /** Tries the cuts from the oldest to the newest; sets the greatest excess, or the first above 1. */
  function tryCuts(state: AdwinState): void {
    const { totals, lengths, width, total, variance } = state;
    const confidence = Math.log((2 * Math.log(width)) / delta);
    const spread = 2 * (variance / width) * confidence;
    let greatest = 0;
    let oldWidth = 0;
    let oldTotal = 0;
    for (let row = rows - 1, size = 2 ** row; row >= 0 && greatest <= 1; row -= 1, size /= 2) {
      const first = row * places;
      const end = first + (lengths[row] as number);
      for (let i = first; i < end && greatest <= 1; i += 1) {
        oldWidth += size;
        oldTotal += totals[i] as number;
        const newWidth = width - oldWidth;
        if (oldWidth < minWindow || newWidth < minWindow) continue;
        const difference = Math.abs(oldTotal / oldWidth - (total - oldTotal) / newWidth);
        const scale = 1 / (oldWidth - minWindow + 1) + 1 / (newWidth - minWindow + 1);
        const excess = difference / (Math.sqrt(scale * spread) + (2 / 3) * scale * confidence);
        if (excess > greatest) greatest = excess;
      }
    }
    state.excess = greatest;
  }

  function check(state: AdwinState): void {
    tryCuts(state);
    if (state.excess <= 1) return;
    const excess = state.excess;
    while (state.excess > 1) {
      dropOldest(state);
      tryCuts(state);
    }
    state.excess = excess;
  }

  return {
    guarantee: `At a check, the chance to see a change of the mean where there is none is about ${delta} at most, for independent values in 0 to 1; measured it is far less, at the defaults 0.01 false alarms in 10,000 values.`,

    start: () => ({
      totals: new Float64Array(rows * places),
      variances: new Float64Array(rows * places),
      lengths: new Uint8Array(rows),
      origin: 0,
      width: 0,
      total: 0,
      variance: 0,
      ticks: 0,
      excess: 0,
    }),

    step(state, value) {
      const checked = number("adwin", value);
      if (state.width === 0) state.origin = checked;
      const x = checked - state.origin;
      if (state.width > 0) state.variance += between(state.width, state.total / state.width, 1, x);
      state.width += 1;
      state.total += x;
      append(state, 0, x, 0);
      merge(state);

      state.ticks = state.ticks + 1 === clock ? 0 : state.ticks + 1;
      if (state.ticks === 0 && state.width > grace) check(state);
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
  return ((n * m) / (n + m)) * (nMean - mMean) * (nMean - mMean);
}

/** How many values the window holds. */
export function adwinWidth({ width }: AdwinState): number {
  return width;
}

/** Of the values in the window. */
export function adwinTotal({ origin, width, total }: AdwinState): number {
  return width * origin + total;
}

/** Of the values in the window; undefined where there are none. */
export function adwinMean({ origin, width, total }: AdwinState): number | undefined {
  return width === 0 ? undefined : origin + total / width;
}
