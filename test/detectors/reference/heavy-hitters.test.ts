import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { heavyHitters, type HeavyHitters, type HeavyHittersState } from "../../../detectors/reference/heavy-hitters.ts";
import { chance } from "../chance.ts";

const words = fc.array(fc.constantFrom(...Array.from("aaaabbbccdefghijklmnop")), { maxLength: 120 });
const capacities = fc.integer({ min: 1, max: 24 });

function seen(sketch: HeavyHitters, values: readonly string[], state = sketch.start()): HeavyHittersState {
  return values.reduce((next, value) => sketch.step(next, value), state);
}

function frequencies(values: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}

/** What the sketch promises of any stream. */
function expectPromise(sketch: HeavyHitters, state: HeavyHittersState, values: readonly string[], capacity: number): void {
  const truth = frequencies(values);
  const top = sketch.top(state);
  expect(state.seen).toBe(values.length);
  expect(top.length).toBeLessThanOrEqual(capacity);
  for (const { value, count, error } of top) {
    expect(count).toBeGreaterThanOrEqual(truth.get(value) ?? 0);
    expect(count - error).toBeLessThanOrEqual(truth.get(value) ?? 0);
    expect(error).toBeLessThanOrEqual(values.length / capacity);
    truth.delete(value);
  }
  for (const count of truth.values()) expect(count).toBeLessThanOrEqual(sketch.unheld(state));
  expect(sketch.unheld(state)).toBeLessThanOrEqual(values.length / capacity);
}

test("no counter is wrong by more than n / capacity, and no value with more rows is missed", () => {
  fc.assert(
    fc.property(capacities, words, (capacity, values) => {
      const sketch = heavyHitters({ capacity });
      expectPromise(sketch, seen(sketch, values), values, capacity);
    }),
  );
});

test("merged states promise the same of both streams together, and go on doing so", () => {
  fc.assert(
    fc.property(capacities, words, words, words, (capacity, a, b, c) => {
      const sketch = heavyHitters({ capacity });
      const merged = sketch.merge(seen(sketch, a), seen(sketch, b));
      expectPromise(sketch, merged, [...a, ...b], capacity);
      expectPromise(sketch, seen(sketch, c, merged), [...a, ...b, ...c], capacity);
    }),
  );
});

test("with a counter for every value the counts are exact, merged or not", () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const sketch = heavyHitters({ capacity: 26 });
      const exact = [...frequencies([...a, ...b])].map(([value, count]) => ({ value, count, error: 0 }));
      exact.sort((x, y) => y.count - x.count || (x.value < y.value ? -1 : 1));
      expect(sketch.top(seen(sketch, [...a, ...b]))).toEqual(exact);
      expect(sketch.top(sketch.merge(seen(sketch, a), seen(sketch, b)))).toEqual(exact);
    }),
  );
});

test("of 100,000 values by Zipf's law over 10,000 words, 200 counters find the twenty most frequent", () => {
  const next = chance(3);
  const sketch = heavyHitters({ capacity: 200 });
  const values = Array.from({ length: 100_000 }, () => `w${Math.floor(10_000 ** next())}`);
  const found = sketch.top(seen(sketch, values)).slice(0, 20).map(({ value }) => value);
  expect(found.sort()).toEqual([...frequencies(values)].sort(([, a], [, b]) => b - a).slice(0, 20).map(([value]) => value).sort());
});

test("so many at once are as many one by one", () => {
  const sketch = heavyHitters({ capacity: 2 });
  const once = sketch.step(sketch.step(sketch.step(sketch.start(), "a", 3), "b", 2), "c", 2);
  expect(sketch.top(once)).toEqual(sketch.top(seen(sketch, ["a", "a", "a", "b", "b", "c", "c"])));
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(capacities, words, words, (capacity, before, after) => {
      const sketch = heavyHitters({ capacity });
      const state = seen(sketch, before);
      const stored = deserialize(serialize(state)) as HeavyHittersState;
      expect(seen(sketch, after, stored)).toEqual(seen(sketch, after, state));
    }),
  );
});

test("no counters, and parts of a row, are refused", () => {
  expect(() => heavyHitters({ capacity: 0 })).toThrow(RangeError);
  const sketch = heavyHitters({ capacity: 2 });
  for (const times of [0, -1, 0.5, NaN]) expect(() => sketch.step(sketch.start(), "a", times)).toThrow(RangeError);
});
