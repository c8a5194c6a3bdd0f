import { expect, test } from "vitest";
import { Actuals, type Answer } from "../../agent/monitors/actuals.ts";
import { actual } from "./traffic.ts";

const dayMs = 86_400_000;
const one: Answer = { prediction: 1, score: 0.9 };
const zero: Answer = { prediction: 0, score: 0.2 };

function fresh(buffer = 100) {
  return new Actuals({ buffer, ttl: dayMs });
}

test("an actual is joined to the answer of its inference, row by row", () => {
  const actuals = fresh();
  actuals.answered("a", [one, zero], 0);
  expect(actuals.actual(actual("a", 1, 1), 5)).toMatchObject([{ answer: one, actual: 1 }, { answer: zero, actual: 1 }]);
  expect(actuals.counts).toMatchObject({ joined: 1, unknown: 0, duplicate: 0, mismatch: 0 });
});

test("a second actual is a duplicate; one with another number of rows is a mismatch and may be corrected", () => {
  const actuals = fresh();
  actuals.answered("a", [one], 0);
  expect(actuals.actual(actual("a", 1, 0), 0)).toEqual([]);
  expect(actuals.actual(actual("a", 1), 0)).toHaveLength(1);
  expect(actuals.actual(actual("a", 1), 0)).toEqual([]);
  expect(actuals.counts).toMatchObject({ joined: 1, duplicate: 1, mismatch: 1 });
});

test("an actual a moment before its sample waits; ten seconds later nobody knows it", () => {
  const actuals = fresh();
  actuals.actual(actual("early", 1), 0);
  actuals.actual(actual("early", 1), 1);
  actuals.actual(actual("never", 1), 2);
  expect(actuals.answered("early", [one], 0)).toMatchObject([{ answer: one, actual: 1, atWallMs: 0 }]);
  actuals.tick(10_001, 0);
  expect(actuals.counts.unknown).toBe(0);
  actuals.tick(10_002, 0);
  expect(actuals.counts).toMatchObject({ joined: 1, duplicate: 1, unknown: 1 });
});

test("an actual that comes after a day is late: unknown", () => {
  const actuals = fresh();
  actuals.answered("a", [one], 0);
  actuals.answered("b", [one], 1);
  actuals.tick(0, dayMs);
  actuals.actual(actual("a", 1), 0);
  actuals.actual(actual("b", 1), 0);
  actuals.tick(10_000, dayMs);
  expect(actuals.counts).toMatchObject({ joined: 1, unknown: 1 });
});

test("the buffer is bounded in rows: the oldest answers go", () => {
  const actuals = fresh(3);
  actuals.answered("a", [one, one], 0);
  actuals.answered("b", [one, one], 0);
  actuals.actual(actual("b", 1, 1), 0);
  actuals.actual(actual("a", 1, 1), 0);
  actuals.tick(10_000, 0);
  expect(actuals.counts).toMatchObject({ joined: 1, unknown: 1 });
});

test("actuals of what a rung answered say nothing of the model and are counted apart", () => {
  const actuals = fresh();
  actuals.answered("a", undefined, 0);
  actuals.actual(actual("a", 1), 0);
  expect(actuals.counts).toMatchObject({ fallback: 1, joined: 0 });
});

test("answers that wait, and which of them were joined, outlive a restart", () => {
  const before = fresh();
  before.answered("joined", [one], 1);
  before.answered("waiting", [one, zero], 2, 41);
  before.answered("rung", undefined, 3);
  before.actual(actual("joined", 1), 0);

  const after = fresh();
  after.restore(structuredClone(before.snapshot()));
  expect(after.waiting).toBe(2);
  after.actual(actual("joined", 1), 0);
  after.actual(actual("rung", 1), 0);
  expect(after.actual(actual("waiting", 0, 0), 0)).toEqual([{ answer: one, actual: 0, row: 41, atWallMs: 2 }, { answer: zero, actual: 0, row: 42, atWallMs: 2 }]);
  expect(after.counts).toEqual({ joined: 1, unknown: 0, duplicate: 1, mismatch: 0, fallback: 1 });
});

test("scores of many classes outlive a restart too", () => {
  const answers = [{ prediction: "cat", score: NaN, classScores: [0.7, 0.2, 0.1] }, { prediction: "dog", score: NaN, classScores: [0.1, 0.8, 0.1] }];
  const before = fresh();
  before.answered("a", answers, 0);
  const after = fresh();
  after.restore(structuredClone(before.snapshot()));
  expect(after.actual(actual("a", "cat", "cat"), 0).map(({ answer }) => answer)).toEqual(answers);
});

test("rows wait until they are joined, or let go", () => {
  const actuals = fresh(4);
  actuals.answered("a", [one, one], 0);
  actuals.answered("b", [one], 0);
  actuals.answered("rung", undefined, 0);
  expect(actuals.waiting).toBe(3);
  actuals.actual(actual("b", 1), 0);
  expect(actuals.waiting).toBe(2);
  actuals.answered("c", [one, one], 1);
  expect(actuals.waiting).toBe(2);
  actuals.tick(0, dayMs + 1);
  expect(actuals.waiting).toBe(0);
});
