/** CUSUM, EWMA, GMA and Shewhart against their definitions, each sum taken anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cusum } from "../../../detectors/change/cusum.ts";
import { ewma } from "../../../detectors/change/ewma.ts";
import { gma } from "../../../detectors/change/gma.ts";
import { randomBits, startTwister } from "../../../detectors/change/mersenne-twister.ts";
import { shewhart } from "../../../detectors/change/shewhart.ts";
import type { Detector } from "../../../detectors/detector.ts";
import knownAnswers from "../known-answers/change-detectors.json" with { type: "json" };
import { alarmsOf } from "../monitored.ts";
import { numberStreams } from "./streams.ts";

const warmup = 10;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** What the values after the warm-up are in units of what the warm-up taught. */
function standardised(values: readonly number[]): number[] {
  const first = values.slice(0, warmup);
  return values.slice(warmup).map((value) => (value - mean(first)) / deviation(first));
}

function last<State>(detector: Detector<State>, values: readonly number[]) {
  return detector.read(values.reduce((state, value) => detector.step(state, value), detector.start()));
}

/** With something learnt: the first values differ. */
const streams = numberStreams.filter((values) => values.length > warmup && deviation(values.slice(0, warmup)) > 1e-3);

test("the sums of CUSUM are the greatest of all sums that end now", () => {
  fc.assert(
    fc.property(streams, (values) => {
      const z = standardised(values);
      const ending = (sign: number) => Math.max(0, ...z.map((_, i) => z.slice(i).reduce((sum, one) => sum + sign * one - 0.5, 0)));
      const up = last(cusum({ warmup, mode: "up" }), values).statistic;
      const down = last(cusum({ warmup, mode: "down" }), values).statistic;
      expect(up).toBeCloseTo(ending(1), 6);
      expect(down).toBeCloseTo(ending(-1), 6);
      expect(last(cusum({ warmup }), values).statistic).toBe(Math.max(up, down));
    }),
  );
});

test("Shewhart's distance is that of the last value", () => {
  fc.assert(
    fc.property(streams, (values) => {
      const z = standardised(values).at(-1) as number;
      expect(last(shewhart({ warmup, mode: "up" }), values).statistic).toBeCloseTo(z, 6);
      expect(last(shewhart({ warmup }), values).statistic).toBeCloseTo(Math.abs(z), 6);
    }),
  );
});

test("the average of EWMA and its variance are weighted sums over all values, and its limit is the exact one", () => {
  fc.assert(
    fc.property(numberStreams, (values) => {
      const alpha = 0.2;
      const weights = values.map((_, i) => (i === 0 ? 1 : alpha) * (1 - alpha) ** (values.length - 1 - i));
      const weighted = (of: (value: number) => number) => values.reduce((sum, value, i) => sum + (weights[i] as number) * of(value), 0);
      const average = weighted((value) => value);
      const variance = weighted((value) => (value - average) ** 2);
      const { statistic, threshold } = last(ewma({ alpha, mode: "up" }), values);
      expect(statistic).toBeCloseTo(average - mean(values), 8);
      const grown = 1 - (1 - alpha) ** (2 * values.length);
      expect(threshold).toBeCloseTo(4 * Math.sqrt((variance * grown * alpha) / (2 - alpha)), 6);
    }),
  );
});

test("with mean and standard deviation given, EWMA is Roberts' chart from the first value on", () => {
  const chart = ewma({ alpha: 0.25, threshold: 3, mean: 10, standardDeviation: 2, mode: "up" });
  // After one value the average is alpha of the way, and its deviation alpha times that of a value.
  expect(last(chart, [15.9])).toEqual({ verdict: "stable", statistic: expect.closeTo(1.475, 12) as number, threshold: expect.closeTo(1.5, 12) as number });
  expect(last(chart, [16.1]).verdict).toBe("drift");
});

test("the average of GMA is that of what each value lies above the mean so far", () => {
  fc.assert(
    fc.property(numberStreams, (values) => {
      const above = values.map((value, i) => value - mean(values.slice(0, i + 1)));
      const average = above.reduce((sum, one, i) => sum + 0.1 * 0.9 ** (above.length - 1 - i) * one, 0);
      expect(last(gma({ alpha: 0.9, warmup: 1, mode: "up" }), values).statistic).toBeCloseTo(average, 8);
      expect(last(gma({ alpha: 0.9, warmup: 1, mode: "both" }), values).statistic).toBeCloseTo(Math.abs(average), 8);
    }),
  );
});

test("given what is normal, a chart judges the first value; learning it, the first after the warm-up", () => {
  const known = { mean: 0, standardDeviation: 1 };
  expect(alarmsOf(shewhart(known), [4])).toEqual([0]);
  expect(alarmsOf(cusum(known), [6])).toEqual([0]);
  expect(alarmsOf(shewhart({ warmup: 3 }), [0, 1, 0, 100])).toEqual([3]);
  expect(alarmsOf(shewhart({ warmup: 3, mean: 50 }), [0, 1, 0, 1])).toEqual([3]);
});

test("a flat start teaches no scale: the chart goes on learning until two values differ", () => {
  const chart = shewhart({ warmup: 3 });
  const state = [5, 5, 5, 5, 5].reduce((before, value) => chart.step(before, value), chart.start());
  expect(chart.read(state).verdict).toBe("warmup");
  expect(chart.read(chart.step(state, 6)).verdict).toBe("stable");
});

test("on g3, made by Python's generator, Shewhart with 4 deviations alarms at 300 alone, as in river's tests", () => {
  const twister = startTwister(12_345);
  const uniform = () => {
    const high = randomBits(twister, 27);
    return (high * 2 ** 26 + randomBits(twister, 26)) / 2 ** 53;
  };
  // Box and Muller's pairs, as random.gauss keeps them.
  const values = Array.from({ length: 250 }, () => {
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return [Math.cos(angle) * radius, Math.sin(angle) * radius];
  }).flat();
  expect(values.slice(0, 200)).toEqual(knownAnswers.streams.g1.slice(0, 200).map((value) => expect.closeTo(value, 12) as number));
  expect(alarmsOf(shewhart({ threshold: 4 }), values.map((value, i) => (i < 300 ? value : value + 5)))).toEqual([300]);
});
