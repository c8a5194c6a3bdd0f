import { expect, test } from "vitest";
import { alarmThreshold, observeRows, rowRateStart, type RowRate } from "../../agent/monitors/row-rate.ts";

const monthMs = 30 * 86_400_000;
const month = { alarms: 1, perMs: monthMs };

function afterSeconds(rate: RowRate, seconds: number, rowsPerSecond: number): RowRate {
  let next = rate;
  for (let i = 0; i < seconds; i += 60) next = observeRows(next, rowsPerSecond * 60, 60_000);
  return next;
}

test("a budget in samples is what it says, whatever the rate", () => {
  expect(alarmThreshold({ alarms: 2, perSamples: 1e6 }, rowRateStart)).toBe(500_000);
});

test("while the rate is unknown it is taken to be 1,000 rows a second", () => {
  expect(alarmThreshold(month, rowRateStart)).toBe(1_000 * monthMs / 1_000);
});

test("the threshold follows the observed rate: 20 rows a second after some hours", () => {
  const wanted = 20 * (monthMs / 1_000);
  expect(alarmThreshold(month, afterSeconds(rowRateStart, 6 * 3_600, 20)) / wanted).toBeCloseTo(1, 0);
  expect(alarmThreshold(month, afterSeconds(rowRateStart, 86_400, 20)) / wanted).toBeCloseTo(1, 1);
});

test("a quiet night lowers the threshold by less than half", () => {
  const day = afterSeconds(rowRateStart, 3 * 86_400, 100);
  const night = afterSeconds(day, 8 * 3_600, 0);
  expect(alarmThreshold(month, night) / alarmThreshold(month, day)).toBeGreaterThan(0.5);
});

test("it is never below 10,000 rows", () => {
  expect(alarmThreshold({ alarms: 1, perSamples: 100 }, rowRateStart)).toBe(10_000);
  expect(alarmThreshold(month, { rows: 0.001, seconds: 86_400 })).toBe(10_000);
});
