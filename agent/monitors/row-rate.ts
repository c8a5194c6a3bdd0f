/**
 * How many rows come in a second, as the mean of about the last day. It turns a budget of false alarms in time into one in
 * samples. A day, because the budget is about the mean over days: nights with little traffic must not lower a threshold
 * against which evidence was gathered at noon. Before anything is known the rate is taken to be high, 1,000 a second: that
 * costs some delay and no false alarm. The guess weighs as much as one minute.
 */
import { falseAlarmThreshold } from "../../detectors/guarantee/evidence.ts";
import type { FalseAlarmBudget } from "../units.ts";

/** Rows and the seconds they came in, both forgotten at the same pace. */
export interface RowRate {
  readonly rows: number;
  readonly seconds: number;
}

export const rowRateStart: RowRate = { rows: 60_000, seconds: 60 };

const memorySeconds = 86_400;

export function observeRows({ rows, seconds }: RowRate, newRows: number, elapsedMs: number): RowRate {
  const elapsedSeconds = elapsedMs / 1_000;
  const kept = Math.exp(-elapsedSeconds / memorySeconds);
  return { rows: rows * kept + newRows, seconds: seconds * kept + elapsedSeconds };
}

/** An alarm a hundred rows or so would be nobody's wish, however few rows come. */
const thresholdMin = 10_000;

/** What the combined evidence must pass: the mean number of rows between two false alarms that the budget asks for. */
export function alarmThreshold(budget: FalseAlarmBudget, { rows, seconds }: RowRate): number {
  const perSamples = "perSamples" in budget ? budget.perSamples : (budget.perMs / 1_000) * (rows / seconds);
  return Math.max(thresholdMin, falseAlarmThreshold(budget.alarms, perSamples));
}
