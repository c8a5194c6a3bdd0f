/** The detectors of mistakes (DDM, RDDM, EDDM, FHDDM, STEPD, ECDD) against their definitions, each sum taken anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ddm } from "../../../detectors/change/ddm.ts";
import { ecdd } from "../../../detectors/change/ecdd.ts";
import { eddm } from "../../../detectors/change/eddm.ts";
import { fhddm } from "../../../detectors/change/fhddm.ts";
import { rddm } from "../../../detectors/change/rddm.ts";
import { stepd } from "../../../detectors/change/stepd.ts";
import type { Detector, Verdict } from "../../../detectors/detector.ts";
import { chance } from "../chance.ts";
import { alarmsOf } from "../monitored.ts";
import { errorStreams } from "./streams.ts";

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const rate = (values: readonly number[]) => total(values) / values.length;

/** Where the first alarm comes; the definitions below do not say what follows it. */
function firstAlarm<State>(detector: Detector<State>, values: readonly number[]): number {
  return alarmsOf(detector, values)[0] ?? -1;
}

/** p and s of the first n values. */
function rateAndDeviation(values: readonly number[], n: number): readonly [number, number] {
  const p = rate(values.slice(0, n));
  return [p, Math.sqrt((p * (1 - p)) / n)];
}

function ddmByDefinition(values: readonly number[], warmup: number, level: number): number {
  return values.findIndex((_, i) => {
    if (i + 1 < warmup) return false;
    const so = Array.from({ length: i + 2 - warmup }, (_none, k) => rateAndDeviation(values, warmup + k));
    const [p, s] = so.at(-1) as readonly [number, number];
    const [pMin, sMin] = so.reduce((least, one) => (one[0] + one[1] <= least[0] + least[1] ? one : least));
    return p + s > pMin + level * sMin;
  });
}

test("DDM alarms where p + s first lies 3 deviations above the least p + s since the warm-up", () => {
  fc.assert(
    fc.property(errorStreams, (values) => {
      expect(firstAlarm(ddm({ warmup: 20 }), values)).toBe(ddmByDefinition(values, 21, 3));
    }),
    { numRuns: 60 },
  );
});

test("RDDM within its first concept is DDM with other levels", () => {
  fc.assert(
    fc.property(errorStreams, (values) => {
      expect(firstAlarm(rddm({ warmup: 30 }), values)).toBe(ddmByDefinition(values, 30, 2.258));
    }),
    { numRuns: 60 },
  );
});

test("RDDM forgets: after a long good time it hears a rise that DDM of the same levels does not", () => {
  const random = chance(8);
  const values = Array.from({ length: 12_000 }, (_, i) => Number(random() < (i < 6_000 ? 0.3 : i < 11_000 ? 0.1 : 0.16)));
  const options = { warmup: 129, warning: 1.773, drift: 2.258 };
  const after = (alarms: readonly number[]) => alarms.filter((alarm) => alarm >= 11_000);
  expect(after(alarmsOf(ddm(options), values))).toEqual([]);
  expect(after(alarmsOf(rddm({ ...options, conceptMax: 3_000, conceptMin: 1_000 }), values))).not.toEqual([]);
});

test("RDDM: a warning that lasts too long is an alarm", () => {
  const values = [...Array.from({ length: 500 }, (_, i) => Number(i % 10 === 0)), ...Array.from({ length: 300 }, (_, i) => Number(i % 8 === 0))];
  const options = { warmup: 30, warning: 0.5, drift: 50 };
  expect(alarmsOf(rddm(options), values)).toEqual([]);
  const patient = alarmsOf(rddm({ ...options, warningMax: 100 }), values)[0] as number;
  const hasty = alarmsOf(rddm({ ...options, warningMax: 50 }), values)[0] as number;
  expect(patient - hasty).toBe(50);
});

test("EDDM alarms where mean + 2 deviations of the distances first falls below 9 tenths of its greatest", () => {
  const reach = (distances: readonly number[]) => {
    const mean = rate(distances);
    const squares = total(distances.map((distance) => (distance - mean) ** 2));
    return mean + 2 * (distances.length > 1 ? Math.sqrt(squares / (distances.length - 1)) : 0);
  };
  fc.assert(
    fc.property(errorStreams, (values) => {
      const places = values.flatMap((value, i) => (value === 1 ? [i] : []));
      const distances = places.map((place, i) => place - (places[i - 1] ?? -1));
      const reaches = distances.map((_, i) => ((places[i] as number) < 15 ? 0 : reach(distances.slice(0, i + 1))));
      const alarm = reaches.findIndex((one, i) => i >= 15 && one / Math.max(...reaches.slice(0, i + 1)) < 0.9);
      expect(firstAlarm(eddm({ warmup: 15 }), values)).toBe(alarm === -1 ? -1 : places[alarm]);
    }),
    { numRuns: 60 },
  );
});

test("FHDDM alarms where a window's rate first lies further from an earlier one than Hoeffding's bound", () => {
  const bound = (size: number) => Math.sqrt(Math.log(1 / 0.05) / (2 * size));
  const byDefinition = (values: readonly number[], sizes: readonly number[]) =>
    values.findIndex((_, i) =>
      sizes.some((size) => {
        if (i + 1 < 20) return false;
        const rates = Array.from({ length: i - 18 }, (_none, k) => rate(values.slice(20 + k - size, 20 + k)));
        const now = rates.at(-1) as number;
        return Math.max(now - Math.min(...rates), Math.max(...rates) - now) > bound(size) + 1e-12;
      }),
    );
  fc.assert(
    fc.property(errorStreams, (values) => {
      const options = { window: 20, confidence: 0.05 };
      expect(firstAlarm(fhddm(options), values)).toBe(byDefinition(values, [20]));
      expect(firstAlarm(fhddm({ ...options, shortWindow: 6 }), values)).toBe(byDefinition(values, [20, 6]));
    }),
    { numRuns: 40 },
  );
});

test("FHDDM, mode up, hears mistakes rise and mode down hears them fall", () => {
  const rising = Array.from({ length: 400 }, (_, i) => Number(i >= 200));
  const falling = rising.map((value) => 1 - value);
  expect(alarmsOf(fhddm({ mode: "up" }), rising)).not.toEqual([]);
  expect(alarmsOf(fhddm({ mode: "down" }), rising)).toEqual([]);
  expect(alarmsOf(fhddm({ mode: "down" }), falling)).not.toEqual([]);
});

test("STEPD has the statistic of the test of equal proportions with the continuity correction", () => {
  const detector = stepd();
  // 970 values with 97 mistakes, then 30 with 12: R's prop.test(c(12, 97), c(30, 970)) has a chi-square of 25.2 with one degree.
  const values = [...Array.from({ length: 970 }, (_, i) => Number(i % 10 === 0)), ...Array.from({ length: 30 }, (_, i) => Number(i < 12))];
  const { statistic, threshold, verdict } = detector.read(values.reduce((state, value) => detector.step(state, value), detector.start()));
  const [x, n, y, m] = [12, 30, 97, 970] as const;
  const pooled = (x + y) / (n + m);
  const corrected = Math.abs(x / n - y / m) - (1 / n + 1 / m) / 2;
  expect(statistic).toBeCloseTo(corrected / Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)), 12);
  expect(threshold).toBeCloseTo(2.747_781_385, 8); // scipy.stats.norm.isf(0.003)
  expect(verdict).toBe("drift");
});

test("STEPD: one mistake in many is no change, though the correction alone is then many deviations", () => {
  expect(alarmsOf(stepd(), Array.from({ length: 3_000 }, (_, i) => Number(i === 40)))).toEqual([]);
});

test("ECDD holds the weighted sum of mistakes to the rate so far, by the paper's limit for a run of 400", () => {
  const detector = ecdd();
  fc.assert(
    fc.property(errorStreams.filter((values) => values.length >= 30), (values) => {
      const { statistic, threshold, verdict } = detector.read(values.reduce((state, value) => detector.step(state, value), detector.start()));
      const p = rate(values);
      const average = total(values.map((value, i) => 0.2 * value * 0.8 ** (values.length - 1 - i)));
      const deviation = Math.sqrt((0.2 / 1.8) * (1 - 0.8 ** (2 * values.length)) * p * (1 - p));
      expect(statistic).toBeCloseTo(p === 0 || p === 1 ? 0 : (average - p) / deviation, 8);
      expect(threshold).toBeCloseTo(3.97 - 6.56 * p + 48.73 * p ** 3 - 330.13 * p ** 5 + 848.18 * p ** 7, 8);
      const expected: Verdict = statistic > threshold ? "drift" : statistic > threshold / 2 ? "warning" : "stable";
      expect(verdict).toBe(expected);
    }),
  );
});
