import { expect, test } from "vitest";
import { ErrorRateMonitor, knownErrors, unseenRise } from "../../agent/monitors/error-rate-monitor.ts";
import type { Judgement } from "../../agent/judgement.ts";
import { binaryReference, binaryRows, live } from "./answers.ts";
import { dice, people, referenceOf } from "./traffic.ts";

const threshold = 5;

function monitored(known = { errors: 1_000, rows: 10_000 }) {
  const judgements: Judgement[] = [];
  const monitor = new ErrorRateMonitor({ model: "people", known, clear: 600_000, samplesPerFalseAlarm: 10 ** threshold }, (judgement) => judgements.push(judgement));
  const { uniform } = dice(17);
  let nowMs = 0;
  const play = (rate: number, rows: number) => {
    for (let i = 0; i < rows; i += 1) {
      nowMs += 1_000;
      monitor.push(uniform() < rate ? 1 : 0, threshold, nowMs, nowMs);
      monitor.tick(nowMs, nowMs);
    }
  };
  return { monitor, judgements, play };
}

test("more mistakes than on the reference are a page that says how many, even from the first row on", () => {
  const { judgements, play } = monitored();
  play(0.16, 1_500);
  expect(judgements[0]).toMatchObject({ stream: "error-rate", detector: "mean-e-detector", verdict: "drift", threshold });
  expect(judgements[0]?.message).toMatch(/^people: \d+ % of the predictions were wrong lately, on the reference 10 % \(up to 11 % counts as the same\)$/);
});

test("what the reference's own uncertainty allows for is no rise: no alarm in ten times the rows of one allowed", () => {
  const { judgements, play } = monitored({ errors: 50, rows: 500 });
  play(0.12, 1_000_000);
  expect(judgements).toEqual([]);
});

test("a rate that stays high keeps the alarm up; one that falls back ends it", () => {
  const { judgements, play } = monitored();
  play(0.3, 5_000);
  expect(judgements.some(({ verdict }) => verdict === "stable")).toBe(false);
  play(0.1, 2_000);
  expect(judgements.at(-1)).toMatchObject({ verdict: "stable", stream: "error-rate" });
});

test("a model that is wrong from its first row on: ADWIN, which only knows what came before, says nothing", () => {
  const reference = binaryReference(binaryRows(1, 10_000));
  const { uniform } = dice(5);
  const { play, judgements } = live(reference, { falseAlarms: { alarms: 1, perSamples: 1e6 } });
  play(Array.from({ length: 3_000 }, () => ({ scores: [], prediction: 1, actual: uniform() < 0.32 ? 0 : 1 })));
  expect([...new Set(judgements.map(({ stream }) => stream))]).toEqual(["error-rate"]);
});

test("the state goes over a restart", () => {
  const one = monitored();
  const two = monitored();
  one.play(0.16, 300);
  two.play(0.16, 300);
  const three = monitored();
  three.monitor.restore(structuredClone(two.monitor.snapshot(300_000)), 300_000);
  expect(three.monitor.snapshot(300_000)).toEqual(one.monitor.snapshot(300_000));
});

test("what a reference tells of mistakes: with an estimator over the rows of its chunks, else over all rows", () => {
  const bare = referenceOf(people(1, 500));
  expect(knownErrors(bare)).toBeUndefined();
  expect(knownErrors({ ...bare, performance: { accuracy: 0.9 } })).toEqual({ errors: 50, rows: 500 });
  expect(knownErrors({ ...bare, performance: { roc_auc: 0.9 } })).toBeUndefined();
  const known = knownErrors(binaryReference(binaryRows(1, 2_000)));
  expect(known?.rows).toBe(2_000);
  expect(known?.errors).toBe(binaryRows(1, 2_000).filter(({ prediction, actual }) => prediction !== actual).length);
});

test("which rise is not found is said in words", () => {
  expect(unseenRise({ errors: 1_000, rows: 10_000 }, 1e5, 2_000)).toMatch(/^with your 10,000 rows with their actuals a rise of the error rate from 10 % to less than 1[34][.\d]* % is not found within 2,000 actuals in 20 % of cases or more$/);
});
