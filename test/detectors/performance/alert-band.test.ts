import { expect, test } from "vitest";
import { alertBand } from "../../../detectors/performance/alert-band.ts";
import { chance, gaussian } from "../chance.ts";
import { referenceRocAuc, threshold } from "./employment-performance.ts";

test("three deviations from the mean of the census' reference chunks are NannyML's published thresholds", () => {
  const band = alertBand(referenceRocAuc, { method: "three-sigma", least: 0, most: 1 });
  expect(band?.lower).toBeCloseTo(threshold.lower, 5);
  expect(band?.upper).toBeCloseTo(threshold.upper, 5);
});

test("of ordinary chunks the predictive band lets 1 in 100 out where 1 in 100 is asked; three deviations let out 2 for the promised .27", () => {
  const next = chance(61);
  const runs = 20_000;
  const out = { predictive: 0, sigma: 0 };
  for (let run = 0; run < runs; run += 1) {
    const chunks = Array.from({ length: 10 }, () => gaussian(next));
    const one = gaussian(next);
    const leaves = (band: ReturnType<typeof alertBand>) => band !== undefined && (one < band.lower || one > band.upper);
    if (leaves(alertBand(chunks, { chance: 0.01 }))) out.predictive += 1;
    if (leaves(alertBand(chunks, { method: "three-sigma" }))) out.sigma += 1;
  }
  expect(out.predictive / runs).toBeGreaterThan(0.0075);
  expect(out.predictive / runs).toBeLessThan(0.0125);
  expect(out.sigma / runs).toBeGreaterThan(0.018);
  expect(out.sigma / runs).toBeLessThan(0.031);
});

test("smaller chunks get a wider band, limits hold, one chunk makes none", () => {
  const chunks = [0.9, 0.92, 0.91, null, 0.93];
  const [same, quarter] = [alertBand(chunks), alertBand(chunks, { rowsRatio: 4 })];
  expect((quarter?.upper as number) - (quarter?.lower as number)).toBeGreaterThan(1.8 * ((same?.upper as number) - (same?.lower as number)));
  expect(alertBand(chunks, { most: 1, rowsRatio: 100 })?.upper).toBe(1);
  expect(alertBand([0.9, null])).toBeUndefined();
  expect(() => alertBand(chunks, { chance: 0 })).toThrow(/chance/);
  expect(() => alertBand(chunks, { rowsRatio: NaN })).toThrow(/rowsRatio/);
});
