import { expect, test } from "vitest";
import { alwaysFire, evaluateAlarms } from "../../../detectors/change/evaluation.ts";

const all = { length: 1_000, tolerance: 50 } as const;

test("the answers of river's tests of its evaluation", () => {
  const two = evaluateAlarms({ ...all, alarms: [110, 130], drifts: [100, 500] });
  expect(two.recall).toBeCloseTo(2 / 3, 12);
  expect(two.episodeRecall).toBe(0.5);
  expect(evaluateAlarms({ ...all, alarms: [110, 900], drifts: [100] }).precision).toBe(0.5);
  expect(evaluateAlarms({ ...all, alarms: [110, 530], drifts: [100, 500, 900] }).delay).toBe(20);
  expect(evaluateAlarms({ ...all, alarms: [110], drifts: [100] }).normalisedDelay).toBe(0.2);
  expect(evaluateAlarms({ ...all, alarms: [110, 900], drifts: [100] }).falseAlarmRate).toBe(1);
  expect(evaluateAlarms({ ...all, alarms: [200, 300, 500], drifts: [] }).timeBetweenFalseAlarms).toBe(150);
  expect(evaluateAlarms({ ...all, alarms: [110, 400, 700], drifts: [100, 900] }).timeRatio).toBe(15);
});

test("what has no meaning is undefined, not zero and not NaN", () => {
  const quiet = evaluateAlarms({ ...all, alarms: [], drifts: [] });
  expect(quiet).toEqual({
    trueAlarms: 0,
    falseAlarms: 0,
    missedDrifts: 0,
    recall: undefined,
    episodeRecall: undefined,
    missedRate: undefined,
    precision: undefined,
    f1: undefined,
    delay: undefined,
    normalisedDelay: undefined,
    falseAlarmRate: 0,
    timeBetweenFalseAlarms: undefined,
    timeRatio: undefined,
  });
  expect(evaluateAlarms({ ...all, alarms: [10], drifts: [500] })).toMatchObject({ recall: 0, precision: 0, f1: 0, missedRate: 1, delay: undefined });
});

test("an alarm belongs to the last drift before it, and the tolerance is the last moment that counts", () => {
  const { trueAlarms, delay, episodeRecall } = evaluateAlarms({ ...all, alarms: [100, 130, 181], drifts: [100, 120, 130] });
  expect([trueAlarms, delay, episodeRecall]).toEqual([2, 0, 2 / 3]);
  expect(evaluateAlarms({ ...all, alarms: [150], drifts: [100] }).trueAlarms).toBe(1);
  expect(evaluateAlarms({ ...all, alarms: [151], drifts: [100] }).trueAlarms).toBe(0);
});

test("one that fires always finds every one of many drifts: its figure must stand beside any other", () => {
  const drifts = Array.from({ length: 50 }, (_, i) => 200 + i * 390);
  const { episodeRecall, f1 } = evaluateAlarms({ alarms: alwaysFire(20_000, 100), drifts, length: 20_000, tolerance: 100 });
  expect(episodeRecall).toBe(1);
  expect(f1).toBeCloseTo(0.4, 12);
  expect(alwaysFire(1_000, 300)).toEqual([299, 599, 899]);
});

test.each([
  [{ length: 0 }, "length must be"],
  [{ tolerance: 0.5 }, "tolerance must be"],
  [{ unit: -1 }, "unit must be"],
  [{ alarms: [3, 2] }, "alarms must be ascending whole numbers from 0 to 999, got 2 at 1"],
  [{ drifts: [1_000] }, "drifts must be ascending whole numbers from 0 to 999, got 1000 at 0"],
])("%j is refused by name", (wrong, message) => {
  expect(() => evaluateAlarms({ ...all, alarms: [1], drifts: [1], ...wrong })).toThrow(`evaluateAlarms: ${message}`);
});

test("an alarm every no values is refused", () => {
  expect(() => alwaysFire(10, 0)).toThrow("alwaysFire: every must be a whole number, at least 1, got 0");
});
