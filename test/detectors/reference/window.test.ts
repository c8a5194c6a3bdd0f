import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cellWindow, type WindowState } from "../../../detectors/reference/window.ts";

const cells = 7;
const rows = fc.array(fc.record({ cell: fc.integer({ min: 0, max: cells - 1 }), value: fc.option(fc.double(), { nil: undefined }) }), { maxLength: 60 });
const sizes = fc.integer({ min: 1, max: 20 });

function fill(size: number, stream: readonly { cell: number; value: number | undefined }[], from?: WindowState) {
  const window = cellWindow(cells, size);
  let state = from ?? window.start();
  for (const { cell, value } of stream) state = window.step(state, cell, value);
  return { window, state };
}

test("the counts are an independent histogram of the last values", () => {
  fc.assert(
    fc.property(sizes, rows, (size, stream) => {
      const { window, state } = fill(size, stream);
      const last = stream.slice(-size);
      expect(window.size(state)).toBe(last.length);
      expect(Array.from(window.counts(state))).toEqual(Array.from({ length: cells }, (_, cell) => last.filter((row) => row.cell === cell).length));
    }),
  );
});

test("the summary is that of the finite numbers among the last values", () => {
  const numbers = fc.array(fc.record({ cell: fc.constant(0), value: fc.option(fc.double({ min: -1e3, max: 1e3 }), { nil: undefined }) }), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, numbers, (size, stream) => {
      const { window, state } = fill(size, stream);
      const finite = stream.slice(-size).flatMap(({ value }) => (Number.isFinite(value) ? [value as number] : [])).sort((a, b) => a - b);
      const summary = window.summary(state);
      expect(summary === undefined).toBe(finite.length === 0);
      if (summary === undefined) return;
      const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
      const middle = [finite[Math.floor((finite.length - 1) / 2)]!, finite[Math.ceil((finite.length - 1) / 2)]!];
      expect(summary.numbers).toBe(finite.length);
      expect(summary.mean).toBeCloseTo(mean, 6);
      expect(summary.standardDeviation).toBeCloseTo(Math.sqrt(finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length), 6);
      expect(summary.median).toBeCloseTo((middle[0]! + middle[1]!) / 2, 6);
    }),
  );
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(sizes, rows, rows, (size, before, after) => {
      const { state } = fill(size, before);
      const stored = deserialize(serialize(state)) as WindowState;
      expect(fill(size, after, stored).state).toEqual(fill(size, after, state).state);
    }),
  );
});

test("a value given without its number counts, but has no part in the mean", () => {
  const window = cellWindow(2, 10);
  let state = window.start();
  state = window.step(state, 0, 5);
  state = window.step(state, 1);
  expect([window.size(state), window.summary(state)]).toEqual([2, { numbers: 1, mean: 5, standardDeviation: 0, median: 5 }]);
});

test("a cell that does not exist, and a window without places, are refused", () => {
  const window = cellWindow(3, 2);
  for (const cell of [-1, 3, NaN, 0.5]) expect(() => window.step(window.start(), cell)).toThrow(RangeError);
  expect(() => cellWindow(3, 0)).toThrow(RangeError);
  expect(() => cellWindow(0, 3)).toThrow(RangeError);
});
