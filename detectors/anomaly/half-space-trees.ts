/**
 * Half-space trees: how lonely is a row of numbers among the rows of late? The trees halve a random box again and again,
 * each time along a random feature, without looking at the data; how many of the last window's rows fell into a row's cells
 * tells how dense it is there. Windows follow each other: while one is counted, the one before it is what is asked.
 *
 * Score: how many of the halvings found no crowd: 1 - log2(1 + d) / height, where d is the density at the row, averaged over
 * the trees, in units of what it would be if the window were spread evenly over the box. So 1 is where nobody is, and the
 * midst of the crowd lies the lower the denser it is; 0 before the first window is complete.
 *
 * Features are brought to 0..1 by the limits that are given, or by their quantiles 0.01 and 0.99 in a first window of rows,
 * which is then counted by no tree. The box reaches beyond: to -1 or further below, or 2 or further above.
 *
 * Cost: O(trees x height) a row, to score and to learn each; 2 bytes a node and window, 64 kB for 25 trees of height 8.
 * Source: S. C. Tan, K. M. Ting and T. F. Liu, Fast anomaly detection for streaming data, IJCAI 2011.
 */
import { advance, uniform } from "../random.ts";
import { readP2, startP2, stepP2, type P2State } from "./p2-quantile.ts";

export interface HalfSpaceTreesOptions {
  /** Numbers in a row. */
  readonly features: number;
  readonly trees?: number;
  readonly height?: number;
  /** Rows. */
  readonly window?: number;
  readonly seed?: number;
  /** Usual least and greatest of each feature. */
  readonly limits?: readonly (readonly [low: number, high: number])[];
}

export interface HalfSpaceTreesState {
  /** Rows of the current window so far, and complete windows. */
  rows: number;
  windows: number;
  /** Of the last complete window and of the current one: rows in each node; a tree after the other, roots first. */
  settled: Uint16Array;
  counting: Uint16Array;
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  /** While the limits are learnt: two quantiles a feature; then empty. */
  quantiles: readonly P2State[];
  /** The row at hand, scaled; scratch. */
  readonly scaled: Float64Array;
}

export interface HalfSpaceTrees {
  start(): HalfSpaceTreesState;
  /** Learns a row; consumes `state`. Throws a RangeError for a row of another width, or with a number that is not finite. */
  step(state: HalfSpaceTreesState, row: ArrayLike<number>): HalfSpaceTreesState;
  /** 0 to 1; throws as `step` does. */
  score(state: HalfSpaceTreesState, row: ArrayLike<number>): number;
}

const lowQuantile = 0.01;
const highQuantile = 0.99;
/** A node with less than this share of the window says nothing finer. */
const shareMin = 0.1;

export function halfSpaceTrees({ features, trees = 25, height = 8, window = 250, seed = 1, limits }: HalfSpaceTreesOptions): HalfSpaceTrees {
  for (const [name, value, min, max] of [["features", features, 1, 65_535], ["trees", trees, 1, 1_000], ["height", height, 1, 15], ["window", window, 10, 65_535]] as const) {
    if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(`halfSpaceTrees: ${name} must be a whole number from ${min} to ${max}, got ${value}`);
  }
  if (limits !== undefined && limits.length !== features) throw new RangeError(`halfSpaceTrees: limits must have ${features} entries, one a feature, got ${limits.length}`);
  for (const [low, high] of limits ?? []) {
    if (!(low <= high && high - low < Infinity)) throw new RangeError(`halfSpaceTrees: limits must be finite and ascending, got ${low} and ${high}`);
  }

  const inner = 2 ** height - 1;
  const nodes = 2 * inner + 1;
  const dimensions = new Uint16Array(trees * inner);
  const cuts = new Float64Array(trees * inner);
  plant();

  /** Draws every tree: a box around 0..1, off centre by chance, halved along features drawn by chance. */
  function plant(): void {
    let chance = seed | 0;
    const next = (): number => uniform((chance = advance(chance)));
    for (let tree = 0; tree < trees; tree += 1) {
      const lows = new Float64Array(features);
      const highs = new Float64Array(features);
      for (let feature = 0; feature < features; feature += 1) {
        const centre = next();
        const reach = 2 * Math.max(centre, 1 - centre);
        lows[feature] = centre - reach;
        highs[feature] = centre + reach;
      }
      const split = (node: number): void => {
        if (node >= inner) return;
        const feature = Math.floor(next() * features);
        const [low, high] = [lows[feature] as number, highs[feature] as number];
        const cut = (low + high) / 2;
        dimensions[tree * inner + node] = feature;
        cuts[tree * inner + node] = cut;
        highs[feature] = cut;
        split(2 * node + 1);
        highs[feature] = high;
        lows[feature] = cut;
        split(2 * node + 2);
        lows[feature] = low;
      };
      split(0);
    }
  }

  function check(row: ArrayLike<number>): void {
    if (row.length !== features) throw new RangeError(`halfSpaceTrees: expected a row of ${features} numbers, got ${row.length}`);
    for (let feature = 0; feature < features; feature += 1) {
      if (!Number.isFinite(row[feature])) throw new RangeError(`halfSpaceTrees: expected finite numbers, got ${row[feature]} at ${feature}`);
    }
  }

  function scale({ lows, highs, scaled }: HalfSpaceTreesState, row: ArrayLike<number>): void {
    for (let feature = 0; feature < features; feature += 1) {
      const value = row[feature] as number;
      const low = lows[feature] as number;
      const high = highs[feature] as number;
      // A feature that never moved has no unit: any other value is outside.
      scaled[feature] = high > low ? (value - low) / (high - low) : value === low ? 0.5 : value < low ? -1 : 2;
    }
  }

  function learnLimits(state: HalfSpaceTreesState, row: ArrayLike<number>): void {
    for (let feature = 0; feature < features; feature += 1) {
      stepP2(state.quantiles[2 * feature] as P2State, row[feature] as number, lowQuantile);
      stepP2(state.quantiles[2 * feature + 1] as P2State, row[feature] as number, highQuantile);
    }
    state.rows += 1;
    if (state.rows < window) return;
    for (let feature = 0; feature < features; feature += 1) {
      state.lows[feature] = readP2(state.quantiles[2 * feature] as P2State, lowQuantile) as number;
      state.highs[feature] = readP2(state.quantiles[2 * feature + 1] as P2State, highQuantile) as number;
    }
    state.rows = 0;
    state.quantiles = [];
  }

  return {
    start: () => ({
      rows: 0,
      windows: 0,
      settled: new Uint16Array(trees * nodes),
      counting: new Uint16Array(trees * nodes),
      lows: Float64Array.from({ length: features }, (_, feature) => limits?.[feature]?.[0] ?? 0),
      highs: Float64Array.from({ length: features }, (_, feature) => limits?.[feature]?.[1] ?? 0),
      quantiles: limits === undefined ? Array.from({ length: 2 * features }, startP2) : [],
      scaled: new Float64Array(features),
    }),

    step(state, row) {
      check(row);
      if (state.quantiles.length > 0) {
        learnLimits(state, row);
        return state;
      }
      scale(state, row);
      const { counting, scaled } = state;
      for (let tree = 0; tree < trees; tree += 1) {
        const root = tree * nodes;
        const top = tree * inner;
        let node = 0;
        counting[root]! += 1;
        while (node < inner) {
          node = 2 * node + ((scaled[dimensions[top + node] as number] as number) < (cuts[top + node] as number) ? 1 : 2);
          counting[root + node]! += 1;
        }
      }
      state.rows += 1;
      if (state.rows === window) {
        const old = state.settled;
        state.settled = state.counting;
        state.counting = old.fill(0);
        state.rows = 0;
        state.windows += 1;
      }
      return state;
    },

    score(state, row) {
      check(row);
      if (state.windows === 0) return 0;
      scale(state, row);
      const { settled, scaled } = state;
      const enough = shareMin * window;
      let density = 0;
      for (let tree = 0; tree < trees; tree += 1) {
        const root = tree * nodes;
        const top = tree * inner;
        let node = 0;
        let halvings = 1;
        while (node < inner && (settled[root + node] as number) >= enough) {
          node = 2 * node + ((scaled[dimensions[top + node] as number] as number) < (cuts[top + node] as number) ? 1 : 2);
          halvings *= 2;
        }
        density += (settled[root + node] as number) * halvings;
      }
      return Math.max(0, 1 - Math.log2(1 + density / (trees * window)) / height);
    },
  };
}
