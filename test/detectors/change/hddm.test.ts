/** HDDM's two tests against their definitions, each mean taken anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hddmA } from "../../../detectors/change/hddm-a.ts";
import { hddmW } from "../../../detectors/change/hddm-w.ts";
import { chance } from "../chance.ts";
import { alarmsOf } from "../monitored.ts";
import { errorStreams } from "./streams.ts";

test("the A-test compares all with the start whose mean plus bound is least, and for a fall the stream upside down", () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rise = (values: readonly number[]) => {
    const upper = values.map((_, i) => mean(values.slice(0, i + 1)) + Math.sqrt(Math.log(1 / 0.01) / 2 / (i + 1)));
    const least = Math.min(...upper);
    const cut = upper.findLastIndex((one) => one <= least + 1e-12) + 1;
    if (cut === values.length) return 0;
    return (mean(values) - mean(values.slice(0, cut))) / Math.sqrt((Math.log(2 / 0.01) / 2) * (1 / cut - 1 / values.length));
  };
  fc.assert(
    fc.property(errorStreams, (values) => {
      const read = (twoSided: boolean) => {
        const detector = hddmA({ driftConfidence: 0.01, warningConfidence: 0.05, twoSided });
        return detector.read(values.reduce((state, value) => detector.step(state, value), detector.start())).statistic;
      };
      expect(read(false)).toBeCloseTo(rise(values), 6);
      expect(read(true)).toBeCloseTo(Math.max(rise(values), rise(values.map((value) => 1 - value))), 6);
    }),
  );
});

test("the W-test sees a rise of the mistakes sooner than the A-test, and neither sees a fall unless both sides are asked for", () => {
  const random = chance(6);
  const rising = Array.from({ length: 2_000 }, (_, i) => Number(random() < (i < 1_000 ? 0.1 : 0.7)));
  // Cut short: at a rate of 0.3 the W-test has 4 false alarms in 10,000 values.
  const falling = rising.slice(0, 1_500).map((value) => 1 - value);
  const [a] = alarmsOf(hddmA(), rising) as [number];
  const [w] = alarmsOf(hddmW(), rising) as [number];
  expect(w).toBeGreaterThan(1_000);
  expect(w).toBeLessThan(a);
  expect(a).toBeLessThan(1_100);
  expect(alarmsOf(hddmA(), falling)).toEqual([]);
  expect(alarmsOf(hddmW(), falling)).toEqual([]);
  expect(alarmsOf(hddmA({ twoSided: true }), falling)[0]).toBe(a);
  expect(alarmsOf(hddmW({ twoSided: true }), falling)[0]).toBeGreaterThan(1_000);
});
