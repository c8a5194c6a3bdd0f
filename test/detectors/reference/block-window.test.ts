import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { blockWindow, type BlockWindowState } from "../../../detectors/reference/block-window.ts";

const cells = 5;
const rows = fc.array(fc.integer({ min: 0, max: cells - 1 }), { maxLength: 150 });
const sizes = fc.integer({ min: 1, max: 40 });

function fill(size: number, stream: readonly number[], from?: BlockWindowState) {
  const window = blockWindow(cells, size);
  let state = from ?? window.start();
  for (const cell of stream) state = window.step(state, cell);
  return { window, state };
}

/** The rows that are in the window, by the definition: the block that is filled now, and the three before it. */
function inWindow(stream: readonly number[], size: number): readonly number[] {
  const blockRows = Math.ceil(size / 4);
  const block = Math.max(0, Math.ceil(stream.length / blockRows) - 1);
  return stream.slice(Math.max(0, block - 3) * blockRows);
}

test("the counts are those of the block that is filled now and the three before it", () => {
  fc.assert(
    fc.property(sizes, rows, (size, stream) => {
      const { window, state } = fill(size, stream);
      const last = inWindow(stream, size);
      expect(window.size(state)).toBe(last.length);
      expect(Array.from(window.counts(state))).toEqual(Array.from({ length: cells }, (_, cell) => last.filter((row) => row === cell).length));
    }),
  );
});

test("once filled it holds between three quarters of its size and all of it", () => {
  const window = blockWindow(1, 800);
  let state = window.start();
  for (let row = 0; row < 800; row += 1) state = window.step(state, 0);
  for (let row = 0; row < 2_000; row += 1) {
    state = window.step(state, 0);
    expect(window.size(state)).toBeGreaterThan(600);
    expect(window.size(state)).toBeLessThanOrEqual(800);
  }
});

test("a window of more rows than two bytes can count counts them all", () => {
  const window = blockWindow(1, 80_000);
  let state = window.start();
  for (let row = 0; row < 80_000; row += 1) state = window.step(state, 0);
  expect(window.counts(state)[0]).toBe(80_000);
});

test("goes on from a stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(sizes, rows, rows, (size, before, after) => {
      const { state } = fill(size, before);
      const stored = deserialize(serialize(state)) as BlockWindowState;
      expect(fill(size, after, stored).state).toEqual(fill(size, after, state).state);
    }),
  );
});

test("a cell that there is not is refused before anything is counted", () => {
  const { window, state } = fill(8, [1]);
  for (const cell of [-1, cells, 0.5, NaN]) expect(() => window.step(state, cell)).toThrow(RangeError);
  expect(state).toEqual(fill(8, [1]).state);
  expect(() => blockWindow(0, 8)).toThrow("blockWindow: cells: expected a whole number, 1 or more, got 0");
  expect(() => blockWindow(5, 0)).toThrow("blockWindow: size: expected a whole number, 1 or more, got 0");
});
