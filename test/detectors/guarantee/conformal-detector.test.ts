import { deserialize, serialize } from "node:v8";
import { expect, test } from "vitest";
import { conformalDetector } from "../../../detectors/guarantee/conformal-detector.ts";
import type { ConformalState } from "../../../detectors/guarantee/conformal-e-detector.ts";
import { featureReference } from "../../../detectors/reference/reference.ts";
import { chance, gaussian } from "../chance.ts";
import { alarmsOf } from "../monitored.ts";

const next = chance(1);
const normal = (rows: number) => Array.from({ length: rows }, () => gaussian(next));
const reference = featureReference("x", normal(2_000));
const detector = conformalDetector(reference, { samplesPerFalseAlarm: 1e5 });

test("a mean that rises by a deviation alarms within 60 values, and again and again while it lasts", () => {
  const alarms = alarmsOf(detector, [...normal(1_000), ...normal(500).map((value) => value + 1)]);
  expect(alarms[0]).toBeGreaterThanOrEqual(1_000);
  expect(alarms[0]).toBeLessThan(1_060);
  expect(alarms.length).toBeGreaterThan(5);
});

test("there is no warm-up: before the first value it is stable, its evidence 0 of 5", () => {
  expect(detector.read(detector.start())).toEqual({ verdict: "stable", statistic: 0, threshold: 5 });
});

test("the alarm is due where the evidence reaches the budget", () => {
  let state = detector.start();
  for (let t = 0; t < 100; t += 1) {
    state = detector.step(state, 3);
    const { verdict, statistic, threshold } = detector.read(state);
    expect(verdict).toBe(statistic >= threshold ? "drift" : "stable");
  }
  expect(detector.read(state).verdict).toBe("drift");
});

test("goes on from a stored state as if it had never stopped", () => {
  const values = normal(200);
  let state = detector.start();
  for (const value of values.slice(0, 100)) state = detector.step(state, value);
  let stored = deserialize(serialize(state)) as ConformalState;
  for (const value of values.slice(100)) {
    state = detector.step(state, value);
    stored = detector.step(stored, value);
    expect(detector.read(stored)).toEqual(detector.read(state));
  }
});

test("numbers have to be finite, and what else a feature may send goes in by the other door", () => {
  const state = detector.start();
  for (const value of [NaN, Infinity, -Infinity]) expect(() => detector.step(state, value)).toThrow(`expected a finite number, got ${value}`);
  expect(state).toEqual(detector.start());
  let other = detector.start();
  for (let t = 0; t < 20; t += 1) other = detector.stepValue(other, null);
  expect(detector.read(other).verdict).toBe("drift");
});

test("options out of their range are named", () => {
  for (const samplesPerFalseAlarm of [0, NaN, Infinity, -1]) expect(() => conformalDetector(reference, { samplesPerFalseAlarm })).toThrow(RangeError);
  expect(() => conformalDetector(reference, { samplesPerFalseAlarm: 1e5, seed: 0.5 })).toThrow("seed must be a whole number, got 0.5");
});
