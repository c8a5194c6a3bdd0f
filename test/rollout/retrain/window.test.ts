/** The rows that are kept to train on: what is joined, what is let go, and that the bounds hold whatever comes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TrainingWindow } from "../../../agent/rollout/retrain/window.ts";
import { startMs, windowOf } from "./rows.ts";

/** Ids and actuals of all rows, oldest first. */
function rowsOf(window: TrainingWindow): [unknown, unknown][] {
  return window.pieces.flatMap((piece) => Array.from({ length: piece.rows }, (_, row): [unknown, unknown] => [piece.get("pilotfish", "inference_id", row), piece.get("pilotfish", "actual", row)]));
}

test("a row has what was asked, what was answered and, once it comes, what was true", () => {
  const { window, sampled, actual } = windowOf();
  sampled("a", { age: [31, 60], country: ["NL", null] }, { label: [1, 0] }, { version: "2" });
  actual("a", [true, false]);
  const [piece] = window.pieces;
  const second = Object.entries(piece?.columns ?? {}).flatMap(([source, columns]) => [...columns].map(([name, column]) => [`${source}.${name}`, column.get(1)]));
  expect(Object.fromEntries(second)).toEqual({
    "pilotfish.inference_id": "a", "pilotfish.row": 1, "pilotfish.time": startMs, "pilotfish.version": "2", "pilotfish.rung": "primary", "pilotfish.actual": false,
    "request.age": 60, "request.country": null, "answer.label": 0,
  });
  expect(window.now()).toMatchObject({ rows: 2, actuals: 2, fromWallMs: startMs, toWallMs: startMs, letGo: 0, contradicted: 0 });
});

test("true answers may come late, in any order, and a moment before their sample", () => {
  const { window, sampled, actual } = windowOf();
  actual("b", [1]);
  sampled("a", { x: [1] }, { y: [0] });
  sampled("b", { x: [2] }, { y: [0] });
  sampled("c", { x: [3] }, { y: [0] });
  actual("c", [3], 3_600_000);
  actual("a", ["yes"], 7_200_000);
  expect(rowsOf(window)).toEqual([["a", "yes"], ["b", 1], ["c", 3]]);
  expect(window.now().actuals).toBe(3);
});

test("one that never meets its sample is forgotten, and one of another number of rows is not taken", () => {
  const { window, sampled, actual } = windowOf();
  actual("late", [1], 0);
  actual("other", [1], 20_000);
  sampled("late", { x: [1] }, {});
  sampled("two", { x: [1, 2] }, {});
  actual("two", [1]);
  expect(rowsOf(window)).toEqual([["late", null], ["two", null], ["two", null]]);
});

test("the same answer twice is one answer; two that contradict each other are none, whenever they come", () => {
  const { window, sampled, actual } = windowOf();
  for (const id of ["same", "other", "batch"]) sampled(id, { x: id === "batch" ? [1, 2] : [1] }, {});
  actual("same", [1]);
  actual("same", [1]);
  actual("other", [1]);
  actual("other", [0]);
  actual("other", [1]);
  actual("batch", [1, 0]);
  actual("batch", [1, 1]);
  actual("early", [1]);
  actual("early", [0]);
  sampled("early", { x: [1] }, {});
  expect(rowsOf(window)).toEqual([["same", 1], ["other", null], ["batch", null], ["batch", null], ["early", null]]);
  expect(window.now()).toMatchObject({ actuals: 1, contradicted: 3 });
});

test("an inference that is told twice is one, and a request that can not be read is none", () => {
  const { window, sampled } = windowOf();
  sampled("a", { x: [1] }, {});
  sampled("a", { x: [1] }, {});
  window.sampled({ inferenceId: "b", version: undefined, rung: "primary", atWallMs: startMs }, { ok: false, reason: "not-json" }, { ok: false, reason: "not-json" }, 0);
  expect(rowsOf(window).map(([id]) => id)).toEqual(["a"]);
});

test("when there are too many rows the oldest go, and are counted; their true answers find nothing", () => {
  const { window, sampled, actual } = windowOf({ rows: 100 });
  for (let i = 0; i < 1_000; i += 1) sampled(`id-${i}`, { x: [i] }, {});
  const { rows, letGo } = window.now();
  expect(rows).toBeGreaterThan(85);
  expect(rows).toBeLessThanOrEqual(100);
  expect(rows + letGo).toBe(1_000);
  expect(rowsOf(window)[0]?.[0]).toBe(`id-${letGo}`);
  actual("id-0", [1]);
  actual("id-999", [1]);
  expect(window.now().actuals).toBe(1);
});

test("the bounds hold for any requests: wide ones, long texts, new columns each time, batches larger than the window", () => {
  const inference = fc.record({ rows: fc.integer({ min: 1, max: 300 }), columns: fc.integer({ min: 0, max: 150 }), names: fc.integer({ min: 0, max: 5 }), text: fc.integer({ min: 0, max: 4_000 }) });
  fc.assert(
    fc.property(fc.array(inference, { maxLength: 20 }), (inferences) => {
      const { window, sampled } = windowOf({ rows: 200, bytes: 1_000_000 });
      let sent = 0;
      for (const [i, { rows, columns, names, text }] of inferences.entries()) {
        const wide = Object.fromEntries(Array.from({ length: columns }, (_, c) => [`c${names}_${c}`, Array.from({ length: rows }, () => c)]));
        sampled(`id-${i}`, { ...wide, text: Array.from({ length: rows }, (_, row) => `${row}`.padEnd(text, "x")) }, {});
        sent += rows;
        const now = window.now();
        expect(now.rows).toBeLessThanOrEqual(200);
        expect(now.bytes).toBeLessThanOrEqual(1_000_000);
        expect(now.rows + now.letGo).toBe(sent);
        expect(now.bytes).toBe(window.pieces.reduce((sum, { bytes }) => sum + bytes, 0));
      }
    }),
    { numRuns: 40 },
  );
});
