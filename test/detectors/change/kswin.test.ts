import fc from "fast-check";
import { expect, test } from "vitest";
import { kswin } from "../../../detectors/change/kswin.ts";
import { drawSample, startTwister } from "../../../detectors/change/mersenne-twister.ts";
import { numberStreams } from "./streams.ts";

const [window, stat, older] = [40, 12, 28] as const;

function distance(a: readonly number[], b: readonly number[]): number {
  const below = (values: readonly number[], limit: number) => values.filter((value) => value <= limit).length / values.length;
  return Math.max(...[...a, ...b].map((value) => Math.abs(below(a, value) - below(b, value))));
}

test("its statistic is the Kolmogorov-Smirnov distance of the latest values and of those that Python's sample takes, ties and all", () => {
  const rough = numberStreams.map((values) => values.map((value) => Math.round(2 * value)));
  fc.assert(
    fc.property(fc.oneof(numberStreams, rough), (values) => {
      const detector = kswin({ window, stat, alpha: 0.05, seed: 3 });
      const twister = startTwister(3);
      const drawn = new Uint16Array(stat);
      let state = detector.start();
      for (const [i, value] of values.entries()) {
        state = detector.step(state, value);
        if (i + 1 < window) continue;
        const held = values.slice(i + 1 - window, i + 1);
        drawSample(twister, older, drawn, new Uint16Array(older));
        const sampled = Array.from(drawn, (at) => held[at] as number);
        expect(detector.read(state).statistic).toBeCloseTo(distance(sampled, held.slice(older)), 12);
      }
    }),
    { numRuns: 60 },
  );
});

/** p-values by scipy 1.14, ks_2samp(method="exact"), of a distance of h / n between two samples of n. */
test.each([
  [10, 6, 0.052_447_552_447_552_45],
  [10, 8, 0.002_056_766_762_649_115],
  [30, 9, 0.135_003_502_500_954_41],
  [30, 13, 0.006_548_396_368_058_784],
  [30, 17, 8.737_803_591_291_227e-5],
  [100, 29, 4.117_410_017_937_815e-4],
])("for two samples of %d the distance %d / n alarms from p = %d on", (n, h, p) => {
  const threshold = (alpha: number) => Math.round(n * kswin({ window: 2 * n, stat: n, alpha }).read(kswin({ window: 2 * n, stat: n }).start()).threshold);
  expect(threshold(p * (1 + 1e-9))).toBe(h - 1);
  expect(threshold(p * (1 - 1e-9))).toBe(h);
});

test("a distance of a tenth never alarms, whatever p may be", () => {
  expect(kswin({ alpha: 0.999, window: 2_000, stat: 1_000 }).read(kswin({ window: 2_000, stat: 1_000 }).start()).threshold).toBe(0.1);
});

test("a window with too few older values is refused", () => {
  expect(() => kswin({ window: 50, stat: 30 })).toThrow("kswin: window must be at least twice stat, 60, got 50");
});
