/**
 * What the first pass over a column keeps of its categories: every one with its count while they are few; when they are not,
 * the frequent ones of the deciding half of the rows (heavy-hitters.ts) and an estimate of how many there are.
 * Memory: some megabytes a column at most, and the texts themselves.
 */
import { distinctCount, type DistinctState } from "./distinct-count.ts";
import { countExactly, exactCounts, type ExactCounts } from "./exact-counts.ts";
import { heavyHitters, type HeavyHittersState } from "./heavy-hitters.ts";
import { heldMax } from "./learn-numbers.ts";

export interface LearntCategories {
  /** Undefined once there are too many; then the other two go on. */
  exact: ExactCounts<string> | undefined;
  frequent: HeavyHittersState | undefined;
  distinct: DistinctState | undefined;
}

/** What is fixed once all rows were seen. */
export interface CutCategories {
  /** In the order of their code units. */
  readonly values: string[];
  /** Rows of the deciding half for each of them, and for all others together: estimates where not all are held. */
  readonly deciding: number[];
  readonly others: number;
  readonly distinct: number;
  /** Rows of the deciding half that a category may have and yet be unknown; 0 where all were held. */
  readonly missedMax: number;
}

const sketch = heavyHitters({ capacity: heldMax });

export function startCategories(): LearntCategories {
  return { exact: exactCounts(), frequent: undefined, distinct: undefined };
}

/** Consumes `state`. @param decides whether its row is in the half that decides. */
export function learnCategory(state: LearntCategories, category: string, decides: boolean): void {
  if (state.exact !== undefined && !countExactly(state.exact, category, decides, heldMax)) {
    state.distinct = distinctCount.start();
    state.frequent = sketch.start();
    for (const [held, slot] of state.exact.slots) {
      distinctCount.step(state.distinct, held);
      const times = state.exact.deciding[slot] as number;
      if (times > 0) sketch.step(state.frequent, held, times);
    }
    state.exact = undefined;
  }
  if (state.distinct === undefined || state.frequent === undefined) return;
  distinctCount.step(state.distinct, category);
  if (decides) sketch.step(state.frequent, category);
}

/** How many different ones there were. */
export function distinctCategories({ exact, distinct }: LearntCategories): number {
  return exact?.slots.size ?? distinctCount.estimate(distinct as DistinctState);
}

/** @param numbers those of a column of mixed kind, which are known by their text. */
export function cutCategories(state: LearntCategories, numbers: ExactCounts<number> | undefined, cells: number): CutCategories {
  if (state.exact === undefined) {
    const frequent = state.frequent as HeavyHittersState;
    const known = sketch.top(frequent).slice(0, cells);
    const frequency = new Map(known.map(({ value, count }) => [value, count]));
    return cutFrom(frequency, frequent.seen, distinctCategories(state), sketch.unheld(frequent));
  }

  const frequency = new Map<string, number>();
  const add = (category: string, times: number) => frequency.set(category, (frequency.get(category) ?? 0) + times);
  for (const [category, slot] of state.exact.slots) add(category, state.exact.deciding[slot] as number);
  for (const [number, slot] of numbers?.slots ?? []) add(String(number), (numbers as ExactCounts<number>).deciding[slot] as number);
  const total = [...frequency.values()].reduce((sum, times) => sum + times, 0);
  if (frequency.size <= cells) return cutFrom(frequency, total, frequency.size, 0);
  const seen = [...frequency].filter(([, times]) => times > 0).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return cutFrom(new Map(seen.slice(0, cells)), total, frequency.size, 0);
}

function cutFrom(frequency: ReadonlyMap<string, number>, total: number, distinct: number, missedMax: number): CutCategories {
  const values = [...frequency.keys()].sort();
  const deciding = values.map((value) => frequency.get(value) as number);
  return { values, deciding, others: Math.max(0, total - deciding.reduce((sum, times) => sum + times, 0)), distinct, missedMax };
}
