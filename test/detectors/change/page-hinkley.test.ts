import fc from "fast-check";
import { expect, test } from "vitest";
import { pageHinkley } from "../../../detectors/change/page-hinkley.ts";
import knownAnswers from "../known-answers/change-detectors.json" with { type: "json" };
import { alarmsOf } from "../monitored.ts";

const streams = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 100 });

/** Page's m(t) - min m(i), m the sum of the deviations from the mean so far less the slack, each sum taken anew. */
function riseByDefinition(values: readonly number[], delta: number): number {
  const deviations = values.map((value, t) => value - values.slice(0, t + 1).reduce((sum, one) => sum + one, 0) / (t + 1) - delta);
  const sums = deviations.map((_, t) => deviations.slice(0, t + 1).reduce((sum, one) => sum + one, 0));
  return (sums.at(-1) as number) - Math.min(0, ...sums);
}

function statisticOf(direction: "up" | "down" | "both", values: readonly number[]): number {
  const detector = pageHinkley({ delta: 0.1, threshold: 1, warmup: 1, alpha: 1, mode: direction });
  return detector.read(values.reduce((state, value) => detector.step(state, value), detector.start())).statistic;
}

test("the statistic is Page's m(t) - min m(i); for a fall, that of the stream upside down; for both, the greater", () => {
  fc.assert(
    fc.property(streams, (values) => {
      const up = riseByDefinition(values, 0.1);
      const down = riseByDefinition(values.map((value) => -value), 0.1);
      expect(statisticOf("up", values)).toBeCloseTo(up, 8);
      expect(statisticOf("down", values)).toBeCloseTo(down, 8);
      expect(statisticOf("both", values)).toBeCloseTo(Math.max(up, down), 8);
    }),
  );
});

test("latency that doubles is seen at the first value that lifts the sum over the threshold, and not before the warm-up", () => {
  const values = [...Array.from({ length: 20 }, () => 10), ...Array.from({ length: 20 }, () => 20)];
  const options = { delta: 1, threshold: 30, warmup: 5, alpha: 1, mode: "up" } as const;
  expect(alarmsOf(pageHinkley(options), values)[0]).toBe(23);
  expect(alarmsOf(pageHinkley({ ...options, warmup: 30 }), values)[0]).toBe(29);
  expect(alarmsOf(pageHinkley({ ...options, mode: "down" }), values)).toEqual([]);
});

test("verdicts: warmup until there are enough values, then stable or drift", () => {
  const detector = pageHinkley({ delta: 0, threshold: 1, warmup: 3 });
  let state = detector.start();
  const verdicts = [0, 0, 0, 0, 9].map((value) => detector.read((state = detector.step(state, value))).verdict);
  expect(verdicts).toEqual(["warmup", "warmup", "stable", "stable", "drift"]);
});

test("with alpha 1 it is the CUSUM of MOA and frouros, and alarms on g4 where frouros' tests do", () => {
  expect(alarmsOf(pageHinkley({ delta: 0.005, threshold: 50, warmup: 1, alpha: 1, mode: "up" }), knownAnswers.streams.g4)).toEqual([113, 226]);
});

test("frouros' Page-Hinkley says 227 for 226, because it never takes off the least sum", () => {
  const alarms: number[] = [];
  let [count, mean, sum] = [0, 0, 0];
  for (const [i, value] of knownAnswers.streams.g4.entries()) {
    count += 1;
    mean += (value - mean) / count;
    sum = 0.9999 * sum + value - mean - 0.005;
    if (sum <= 50) continue;
    alarms.push(i);
    [count, mean, sum] = [0, 0, 0];
  }
  expect(alarms).toEqual([113, 227]);
  expect(alarmsOf(pageHinkley({ warmup: 1, mode: "up" }), knownAnswers.streams.g4)).toEqual([113, 226]);
});
