/**
 * What performance is taken from, row by row: scores, predictions, what came true, and the numeric features that an estimate
 * of losses needs. Bounded: beyond so many rows a random choice of all is held, in their order.
 */
import { advance, uniform } from "../../detectors/random.ts";
import type { Value } from "../../detectors/reference/reference.ts";
import { classScores, type Roles } from "./roles.ts";

export interface PerformanceRows {
  /** Rows that were offered. */
  seen: number;
  chance: number;
  /** Index of each row that is held, in no order once some have been replaced. */
  readonly rows: number[];
  readonly columns: ReadonlyMap<string, Value[]>;
  readonly actuals: Value[] | undefined;
}

export interface TakenRows {
  /** NaN where there is none. */
  readonly scores: Float64Array | ReadonlyMap<string, Float64Array> | undefined;
  readonly predictions: readonly Value[] | undefined;
  readonly actuals: readonly Value[] | undefined;
  readonly features: ReadonlyMap<string, Float64Array>;
}

export const performanceRowsMax = 1_000_000;

const seed = 20_150_102;

/** @param columns that are kept. @param withActuals whether what came true is known of some rows. */
export function startRows(columns: Iterable<string>, withActuals: boolean): PerformanceRows {
  return { seen: 0, chance: seed, rows: [], columns: new Map([...columns].map((name) => [name, []])), actuals: withActuals ? [] : undefined };
}

/** Takes in rows `from` to below `to`. */
export function addRows(state: PerformanceRows, columns: ReadonlyMap<string, readonly Value[]>, actuals: readonly Value[] | undefined, from: number, to: number): void {
  for (let row = from; row < to; row += 1) {
    const place = placeOf(state);
    state.seen += 1;
    if (place === undefined) continue;
    state.rows[place] = state.seen;
    for (const [name, held] of state.columns) held[place] = columns.get(name)?.[row] ?? null;
    if (state.actuals !== undefined) state.actuals[place] = actuals?.[row] ?? null;
  }
}

/** Algorithm R (detectors/reference/reservoir.ts). */
function placeOf(state: PerformanceRows): number | undefined {
  if (state.seen < performanceRowsMax) return state.seen;
  state.chance = advance(state.chance);
  const place = Math.floor(uniform(state.chance) * (state.seen + 1));
  return place < performanceRowsMax ? place : undefined;
}

/** @param features names of numeric ones among the columns. */
export function takeRows({ seen, rows, columns, actuals }: PerformanceRows, { score, prediction }: Roles, features: Iterable<string> = []): TakenRows {
  const order = seen > performanceRowsMax ? [...rows.keys()].sort((a, b) => (rows[a] as number) - (rows[b] as number)) : undefined;
  const inOrder = (values: readonly Value[]): readonly Value[] => order?.map((place) => values[place]) ?? values;
  const numbers = (name: string) => Float64Array.from(inOrder(columns.get(name) ?? []), (value) => (typeof value === "number" ? value : NaN));
  const classes = classScores(score);
  return {
    scores: classes === undefined ? (score === undefined ? undefined : numbers(score)) : new Map([...classes].map(([name, column]) => [name, numbers(column)])),
    predictions: prediction === undefined ? undefined : inOrder(columns.get(prediction) ?? []),
    actuals: actuals && inOrder(actuals),
    features: new Map([...features].map((name) => [name, numbers(name)])),
  };
}
