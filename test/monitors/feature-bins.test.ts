import { expect, test } from "vitest";
import { FeatureDrift } from "../../agent/monitors/feature-drift.ts";
import type { Point } from "../../agent/observation.ts";
import { psi } from "../../detectors/distance/population-stability-index.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import { people, referenceOf, type Row } from "./traffic.ts";

const budget = { alarms: 1, perMs: 30 * 86_400_000 };

function sidecar(reference: Reference, rows: readonly Row[], bins = 32): readonly Point[] {
  const drift = new FeatureDrift(reference, { model: "people", falseAlarms: budget, window: 2_000, clear: 600_000, bins }, () => {});
  for (const row of rows) drift.hear(new Map(Object.entries(row).map(([name, value]) => [name, [value]])), 1, undefined, 0, 0);
  return drift.tick(1_000, 1_000);
}

function byBin(points: readonly Point[], instrument: Point["instrument"], feature: string): Map<string, number> {
  return new Map(points.filter((point) => point.instrument === instrument && point.labels["feature"] === feature).map(({ labels, value }) => [labels["bin"] as string, value]));
}

test("what sidecars with one reference count adds up to the drift of their fleet", () => {
  const reference = referenceOf(people(1, 5_000));
  const moved = people(2, 2_000, { income: 1 });
  const fleet = [sidecar(reference, people(3, 2_000)), sidecar(reference, moved)];
  const [one, two] = fleet.map((points) => byBin(points, instruments.driftBinRows, "income")) as [Map<string, number>, Map<string, number>];
  expect([...one.values()].reduce((sum, rows) => sum + rows)).toBe(2_000);
  const expected = [...byBin(fleet[0] as readonly Point[], instruments.driftBinReference, "income").values()].map((ratio) => 5_000 * ratio);
  const index = (counts: readonly number[]) => psi(expected, counts);
  const sum = [...one].map(([bin, rows]) => rows + (two.get(bin) as number));
  expect(index([...one.values()])).toBeLessThan(0.05);
  expect(index([...two.values()])).toBeGreaterThan(0.2);
  expect(index(sum)).toBeGreaterThan(0.05);
});

test("bins say of which reference they are, and stay the features' that were asked for", () => {
  const rows = people(1, 5_000);
  const points = sidecar(referenceOf(rows), people(2, 200), 1).filter(({ instrument }) => instrument === instruments.driftBinRows);
  const other = sidecar(referenceOf(people(9, 5_000)), people(2, 200), 1).filter(({ instrument }) => instrument === instruments.driftBinRows);
  expect(new Set(points.map(({ labels }) => labels["feature"])).size).toBe(1);
  expect(points[0]?.labels["reference"]).toMatch(/^[0-9a-f]{8}$/);
  expect(other[0]?.labels["reference"]).not.toBe(points[0]?.labels["reference"]);
  expect(sidecar(referenceOf(rows), people(2, 200), 0).filter(({ instrument }) => instrument === instruments.driftBinRows)).toEqual([]);
});
