import { expect, test } from "vitest";
import { learnRun, runProbability, startRun } from "../../../detectors/anomaly/longest-run.ts";

test("a run no longer than the longest is nothing; one twice as long is rare by the number of runs and eight", () => {
  const state = startRun();
  expect(runProbability(state, 1_000)).toBe(1);
  for (let run = 0; run < 99; run += 1) learnRun(state, 1 + (run % 4));
  learnRun(state, 5);
  expect(runProbability(state, 5)).toBe(1);
  expect(runProbability(state, 10)).toBeCloseTo(1 / 101 / 8, 9);
});

test("the longest is forgotten after thousands of shorter ones", () => {
  const state = startRun();
  learnRun(state, 500);
  for (let run = 0; run < 10_000; run += 1) learnRun(state, 2);
  expect(runProbability(state, 20)).toBeLessThan(1e-6);
});
