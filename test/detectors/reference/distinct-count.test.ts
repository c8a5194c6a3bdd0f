import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { distinctCount, type DistinctState } from "../../../detectors/reference/distinct-count.ts";

const streams = fc.array(fc.oneof(fc.string(), fc.double({ noNaN: true })), { maxLength: 100 });

function seen(values: Iterable<number | string>, state: DistinctState = distinctCount.start()): DistinctState {
  for (const value of values) distinctCount.step(state, value);
  return state;
}

function* words(count: number, prefix: string): Generator<string> {
  for (let i = 0; i < count; i += 1) yield `${prefix}${i}`;
}

test("from one to a million different values the estimate is within four standard errors, 6.5 percent", () => {
  for (const count of [1, 10, 100, 1_000, 3_000, 8_000, 12_000, 20_000, 100_000, 1_000_000]) {
    for (const values of [words(count, "customer-"), Array.from({ length: count }, (_, i) => i), Array.from({ length: count }, (_, i) => i / 7)]) {
      const estimate = distinctCount.estimate(seen(values));
      expect(Math.abs(estimate - count), `${count} values, ${estimate} estimated`).toBeLessThanOrEqual(0.065 * count);
    }
  }
});

test("over two hundred streams of 50,000 the error is 1.6 percent, as the paper has it", () => {
  let squares = 0;
  for (let stream = 0; stream < 200; stream += 1) {
    squares += (distinctCount.estimate(seen(Array.from({ length: 50_000 }, (_, i) => stream * 1e6 + i))) / 50_000 - 1) ** 2;
  }
  const error = Math.sqrt(squares / 200);
  expect(error).toBeGreaterThan(0.013);
  expect(error).toBeLessThan(0.02);
});

test("what comes again is not counted again, and 0 is -0", () => {
  fc.assert(
    fc.property(streams, (values) => {
      expect(seen([...values, ...values])).toEqual(seen(values));
    }),
  );
  expect(distinctCount.estimate(seen([0, -0, 0]))).toBe(1);
  expect(distinctCount.estimate(seen([3, "3"]))).toBe(2);
  expect(distinctCount.estimate(distinctCount.start())).toBe(0);
});

test("two states merged are that of both streams", () => {
  fc.assert(
    fc.property(streams, streams, (a, b) => {
      expect(distinctCount.merge(seen(a), seen(b))).toEqual(seen([...a, ...b]));
    }),
  );
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(streams, streams, (before, after) => {
      const state = seen(before);
      const stored = deserialize(serialize(state)) as DistinctState;
      expect(seen(after, stored)).toEqual(seen(after, state));
    }),
  );
});
