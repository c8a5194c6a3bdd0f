import fc from "fast-check";
import { expect, test } from "vitest";
import { Actuals } from "../../agent/monitors/actuals.ts";
import type { Answer } from "../../agent/monitors/answer-rows.ts";
import { ActualsByDefinition } from "./actuals-by-definition.ts";
import { actual } from "./traffic.ts";

const dayMs = 86_400_000;
const one: Answer = { prediction: 1, score: 0.9 };
const zero: Answer = { prediction: 0, score: 0.2 };

function fresh(buffer = 100, classes = 0) {
  return new Actuals({ buffer, ttl: dayMs, classes });
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
  const before = fresh(100, 3);
  before.answered("a", answers, 0);
  const after = fresh(100, 3);
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

test("answers without rows take a place, so that they are bounded too", () => {
  const actuals = fresh(2);
  for (const id of ["a", "b", "c"]) actuals.answered(id, [], 0);
  for (const id of ["a", "b", "c"]) actuals.actual(actual(id, 1), 0);
  actuals.tick(10_000, 0);
  expect(actuals.counts).toMatchObject({ unknown: 1, mismatch: 2 });
});

test("an answer with more rows than may wait pushes out all others, and waits itself no more", () => {
  const actuals = fresh(2);
  actuals.answered("a", [one], 0);
  actuals.answered("large", [one, one, one], 0);
  expect(actuals.waiting).toBe(0);
  actuals.answered("b", [one], 0);
  expect(actuals.actual(actual("b", 0), 0)).toHaveLength(1);
});

test("where each prediction is another text the oldest go at 65,536 of them, and texts that are gone make room", () => {
  const actuals = fresh(100_000);
  const texts = Array.from({ length: 70_000 }, (_, i) => `class ${i}`);
  for (const [i, prediction] of texts.entries()) actuals.answered(String(i), [{ prediction, score: NaN }], i);
  expect(actuals.waiting).toBe(65_536);
  expect(actuals.actual(actual("69999", "x"), 0)).toMatchObject([{ answer: { prediction: "class 69999" } }]);
  expect(actuals.actual(actual("4464", "x"), 0)).toMatchObject([{ answer: { prediction: "class 4464" } }]);
  actuals.actual(actual("4463", "x"), 0);
  actuals.tick(10_000, 0);
  expect(actuals.counts).toMatchObject({ joined: 2, unknown: 1 });
});

test("with a thousand classes fewer rows wait, for their scores take 32 MB at most", () => {
  const actuals = fresh(100_000, 1_000);
  const answer: Answer = { prediction: "cat", score: NaN, classScores: Array.from({ length: 1_000 }, (_, i) => i / 499_500) };
  for (let i = 0; i < 4_100; i += 1) actuals.answered(String(i), [answer], i);
  expect(actuals.waiting).toBe(4_000);
  expect(actuals.actual(actual("4099", "cat"), 0)).toMatchObject([{ answer }]);
});

const ids = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k");
const predictions = fc.oneof(fc.constantFrom(undefined, null, true, false, "cat", "dog", "", "true", "1"), fc.double(), fc.string({ maxLength: 3 }));
const steps = (classes: number) => {
  const answer = fc.record({ prediction: predictions, score: fc.double(), ...(classes === 0 ? {} : { classScores: fc.array(fc.double(), { minLength: classes, maxLength: classes }) }) });
  return fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ type: fc.constant("answered" as const), id: ids, answers: fc.array(answer, { maxLength: 4 }), firstRow: fc.option(fc.nat(), { nil: undefined }) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant("by a rung" as const), id: ids }) },
      { weight: 5, arbitrary: fc.record({ type: fc.constant("actual" as const), id: ids, values: fc.array(fc.constantFrom(0, 1, "cat", true), { maxLength: 4 }) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant("later" as const), ms: fc.nat(15_000) }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const) }) },
    ),
    { maxLength: 80 },
  );
};

test.each([0, 3])("rings of columns do what a Map of all that waits would do, with scores of %i classes", (classes) => {
  const ttl = 30_000;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps(classes), (buffer, played) => {
      let rings = new Actuals({ buffer, ttl, classes });
      let definition = new ActualsByDefinition(buffer, ttl);
      let nowMs = 0;
      for (const step of played) {
        switch (step.type) {
          case "answered":
            expect(rings.answered(step.id, step.answers, nowMs, step.firstRow)).toEqual(definition.answered(step.id, step.answers, nowMs, step.firstRow));
            break;
          case "by a rung":
            expect(rings.answered(step.id, undefined, nowMs)).toEqual(definition.answered(step.id, undefined, nowMs));
            break;
          case "actual":
            expect(rings.actual(actual(step.id, ...step.values), nowMs)).toEqual(definition.actual(actual(step.id, ...step.values), nowMs));
            break;
          case "later":
            nowMs += step.ms;
            rings.tick(nowMs, nowMs);
            definition.tick(nowMs, nowMs);
            break;
          case "restart": {
            const saved = structuredClone(rings.snapshot());
            rings = new Actuals({ buffer, ttl, classes });
            rings.restore(saved);
            definition = definition.restart();
            break;
          }
        }
        expect([rings.waiting, rings.counts]).toEqual([definition.waiting, definition.counts]);
      }
    }),
    { numRuns: 300 },
  );
});
