import { expect, test } from "vitest";
import { Alarm } from "../../agent/monitors/alarm.ts";
import type { Judgement } from "../../agent/judgement.ts";

const evidence: Judgement = { model: "m", stream: "features", detector: "d", verdict: "drift", statistic: 9, threshold: 8, culprits: [{ name: "age", share: 1 }], message: "m drifted: age", atWallMs: 0 };

function alarmed() {
  const told: Judgement[] = [];
  const alarm = new Alarm({ clearMs: 600_000, clearSamples: 3 }, (judgement) => told.push(judgement));
  return { alarm, told, verdicts: () => told.map(({ verdict }) => verdict) };
}

test("evidence is told at once, then at most each tenth of the time to clear", () => {
  const { alarm, told } = alarmed();
  for (let nowMs = 0; nowMs <= 120_000; nowMs += 1_000) alarm.raise({ ...evidence, atWallMs: nowMs }, nowMs);
  expect(told.map(({ atWallMs }) => atWallMs)).toEqual([0, 60_000, 120_000]);
});

test("it is over after the time to clear, with samples seen, and says so once", () => {
  const { alarm, told, verdicts } = alarmed();
  alarm.raise(evidence, 0);
  for (let i = 0; i < 3; i += 1) alarm.sampled();
  alarm.tick(0.5, 599_999, 1);
  expect(verdicts()).toEqual(["drift"]);
  alarm.tick(0.5, 600_000, 2);
  alarm.tick(0.5, 700_000, 3);
  expect(verdicts()).toEqual(["drift", "stable"]);
  expect(told[1]).toMatchObject({ stream: "features", statistic: 0.5, culprits: [], atWallMs: 2, message: "m: the alarm on features is over, no new evidence for 10 min" });
});

test("silence ends nothing: without samples the alarm stays", () => {
  const { alarm, verdicts } = alarmed();
  alarm.raise(evidence, 0);
  alarm.sampled();
  alarm.tick(0, 10_000_000, 0);
  expect(verdicts()).toEqual(["drift"]);
});

test("after a restart it is raised again, told again, and the time that had passed counts", () => {
  const before = alarmed();
  before.alarm.raise(evidence, 1_000);
  const { alarm, told, verdicts } = alarmed();
  alarm.restore(structuredClone(before.alarm.snapshot(401_000)), 5);
  expect(told).toEqual([evidence]);
  for (let i = 0; i < 3; i += 1) alarm.sampled();
  alarm.tick(0, 199_000, 0);
  expect(alarm.raised).toBe(true);
  alarm.tick(0, 200_005, 0);
  expect(verdicts()).toEqual(["drift", "stable"]);
});
