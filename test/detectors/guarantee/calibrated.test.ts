/** The conformal e-detector on references that know their seasons and their autocorrelation. */
import { describe, expect, test } from "vitest";
import { conformalEDetector } from "../../../detectors/guarantee/conformal-e-detector.ts";
import { buildReference, cellOf, featureReference } from "../../../detectors/reference/reference.ts";
import { seasonOf } from "../../../detectors/reference/seasons.ts";
import { chance, gaussian } from "../chance.ts";

describe("rows that depend on each other or on the hour, as the reference knows from its own", () => {
  /** An autoregressive series with a wave over the day, a row every three minutes. */
  function series(seed: number, dependence: number, wave: number) {
    const next = chance(seed);
    let noise = gaussian(next);
    let atMs = Date.UTC(2026, 0, 5);
    return {
      next: (): number => {
        atMs += 180_000;
        noise = dependence * noise + Math.sqrt(1 - dependence ** 2) * gaussian(next);
        return noise + wave * Math.sin((2 * Math.PI * atMs) / 86_400_000);
      },
      atMs: () => atMs,
    };
  }

  /** Alarms at evidence of 1,000, of so many values that enter the detector, in 30 runs of 5,000. */
  function alarmsOf(dependence: number, wave: number, rows: number, calibrated: boolean): number {
    let alarms = 0;
    for (let run = 1; run <= 30; run += 1) {
      const stream = series(run, dependence, wave);
      const times: number[] = [];
      const values = Array.from({ length: rows }, () => {
        const value = stream.next();
        times.push(stream.atMs());
        return value;
      });
      const { features, season, thinning = 1 } = buildReference({ model: "m", features: [{ name: "x", values }], times });
      const reference = calibrated ? features[0]! : { ...features[0]!, seasons: undefined, autocorrelation: undefined };
      const detector = conformalEDetector(reference, { seed: run });
      let state = detector.start();
      for (let t = 0; t < 5_000; t += 1) {
        for (let i = 1; calibrated && i < thinning; i += 1) stream.next();
        const cell = cellOf(reference, stream.next());
        state = detector.step(state, cell, calibrated && season !== undefined ? seasonOf(season, stream.atMs()) : 0);
        if (detector.logEvidence(state) < Math.log(1_000)) continue;
        alarms += 1;
        state = detector.start(state);
      }
    }
    return alarms;
  }

  test.each([
    ["a wave over the day", 0, 1, 4_800],
    ["a wave over the day, 60 rows of each hour known", 0, 1, 1_440],
    ["a series of 0.7", 0.7, 0, 5_000],
    ["a series of 0.7, 500 rows of it known", 0.7, 0, 500],
    ["both", 0.7, 0.7, 4_800],
  ])("%s: within the budget of 150, which it would pass many times over", { timeout: 30_000 }, (_, dependence, wave, rows) => {
    expect(alarmsOf(dependence, wave, rows, true)).toBeLessThanOrEqual(150 + 3 * Math.sqrt(150));
    expect(alarmsOf(dependence, wave, rows, false)).toBeGreaterThan(1_000);
  });

  test("a change in one hour of the day is found, though the day as a whole knows such values", () => {
    const stream = series(1, 0, 2);
    const times: number[] = [];
    const values = Array.from({ length: 4_800 }, () => {
      const value = stream.next();
      times.push(stream.atMs());
      return value;
    });
    const { features, season } = buildReference({ model: "m", features: [{ name: "x", values }], times });
    const detector = conformalEDetector(features[0]!, { seed: 1 });
    const next = chance(9);
    let state = detector.start();
    // At six in the morning, what is usual at noon.
    for (let t = 0; t < 60; t += 1) state = detector.step(state, cellOf(features[0]!, gaussian(next)), seasonOf(season!, Date.UTC(2026, 0, 20, 6)));
    expect(detector.logEvidence(state)).toBeGreaterThan(Math.log(1e5));
  });

  test("a reference of correlated rows counts for fewer", () => {
    const next = chance(1);
    const reference = featureReference("x", Array.from({ length: 500 }, () => gaussian(next)));
    const rowsOf = (autocorrelation: number) => conformalEDetector({ ...reference, autocorrelation }, { seed: 1 }).start().seen.at(-1)!;
    expect(rowsOf(0)).toBe(500);
    expect(rowsOf(0.7)).toBeLessThan((500 * 0.3) / 1.7);
    const detector = conformalEDetector({ ...reference, autocorrelation: 1 }, { seed: 1 });
    expect(detector.logEvidence(detector.step(detector.start(), 0))).not.toBeNaN();
  });
});
