import { expect, test } from "vitest";
import { CalibrationMonitor } from "../../agent/monitors/calibration-monitor.ts";
import type { Judgement } from "../../agent/judgement.ts";
import type { BinaryEstimator } from "../../detectors/performance/binary-estimator.ts";
import { binaryReference, binaryRows, withEstimator, type BinaryRow } from "./answers.ts";

const threshold = 5;
const estimator = binaryReference(binaryRows(1, 10_000)).estimator as BinaryEstimator;

function monitored(known = estimator) {
  const judgements: Judgement[] = [];
  const monitor = new CalibrationMonitor({ model: "people", estimator: known, clear: 600_000, samplesPerFalseAlarm: 10 ** threshold }, (judgement) => judgements.push(judgement));
  let nowMs = 0;
  const play = (rows: readonly BinaryRow[]) => {
    for (const { score, actual } of rows) {
      nowMs += 1_000;
      monitor.push(score, actual, threshold, nowMs, nowMs);
      monitor.tick(nowMs, nowMs);
    }
  };
  return { monitor, judgements, play };
}

test("scores that say too little are a warning that names what they say and what came true", () => {
  const { judgements, play } = monitored();
  play(binaryRows(2, 3_000, { odds: 4 }));
  expect(judgements[0]).toMatchObject({ stream: "calibration", detector: "calibration-e-detector", verdict: "warning" });
  const [, said = NaN, came = NaN] = (/^people: the scores no longer mean what they meant: where they say ([\d.]+) %, ([\d.]+) % came true lately$/.exec(judgements[0]?.message ?? "") ?? []).map(Number);
  expect(came).toBeGreaterThan(said + 10);
});

test.each([
  ["probabilities", (score: number) => score],
  ["scores that were never probabilities", (score: number) => 1 / (1 + Math.exp(-3 * Math.log(score / (1 - score)) - 1))],
])("%s which mean what they meant raise nothing in three times the rows of one allowed alarm", (_, distorted) => {
  const known = binaryRows(3, 5_000).map((row) => ({ ...row, score: distorted(row.score) }));
  const { estimator: made } = withEstimator({ scores: known.map(({ score }) => score), actuals: known.map(({ actual }) => actual) });
  const { judgements, play } = monitored(made as BinaryEstimator);
  play(binaryRows(4, 300_000).map((row) => ({ ...row, score: distorted(row.score) })));
  expect(judgements).toEqual([]);
});

test("once scores mean again what they meant the warning ends", () => {
  const { judgements, play } = monitored();
  play(binaryRows(2, 3_000, { odds: 4 }));
  play(binaryRows(5, 4_000));
  expect(judgements.at(-1)).toMatchObject({ verdict: "stable", stream: "calibration" });
});

test("a reference of a few rows knows no odds: nothing is watched and nothing alarms", () => {
  const { monitor, judgements, play } = monitored(binaryReference(binaryRows(1, 200)).estimator as BinaryEstimator);
  play(binaryRows(2, 3_000, { odds: 20 }));
  expect(judgements).toEqual([]);
  expect(monitor.statistic()).toBe(-Infinity);
});

test("what is no probability is passed over", () => {
  const { monitor, play } = monitored({ ...estimator, calibration: undefined });
  play([NaN, -1, 1.5, Infinity].map((score) => ({ score, prediction: 1, actual: 1 })));
  expect(monitor.statistic()).toBe(-Infinity);
});

test("the state goes over a restart", () => {
  const [one, two, three] = [monitored(), monitored(), monitored()];
  for (const { play } of [one, two]) play(binaryRows(6, 1_500, { odds: 4 }));
  three.monitor.restore(structuredClone(two.monitor.snapshot(1_500_000)), 1_500_000);
  expect(three.judgements).toHaveLength(1);
  expect(three.monitor.snapshot(1_500_000)).toEqual(one.monitor.snapshot(1_500_000));
});
