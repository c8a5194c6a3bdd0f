import fc from "fast-check";
import { expect, test } from "vitest";
import { jensenShannonDistance } from "../../../detectors/distance/jensen-shannon.ts";
import { cellOf, featureReference, type FeatureReference } from "../../../detectors/reference/reference.ts";
import { featureNames, readRows, type CensusRow } from "../../../examples/employment/rows.ts";
import knownAnswers from "../known-answers/jensen-shannon.json" with { type: "json" };

const counts = (cells: number) => fc.array(fc.nat(1_000), { minLength: cells, maxLength: cells }).filter((row) => row.some((count) => count > 0));

test("it is the published value: 0.2005033225 for 1, 2, 3, 4 tenths against quarters (scipy 1.17.1, base 2)", () => {
  expect(jensenShannonDistance([10, 20, 30, 40], [25, 25, 25, 25])).toBeCloseTo(0.2005033225, 10);
});

test("it is a metric between 0 and 1: same, symmetric, and no way round is shorter", () => {
  fc.assert(
    fc.property(counts(6), counts(6), counts(6), (p, q, r) => {
      const direct = jensenShannonDistance(p, q);
      expect(direct).toBeGreaterThanOrEqual(0);
      expect(direct).toBeLessThanOrEqual(1);
      expect(jensenShannonDistance(p, p)).toBeCloseTo(0, 7);
      expect(jensenShannonDistance(q, p)).toBeCloseTo(direct, 10);
      expect(direct).toBeLessThanOrEqual(jensenShannonDistance(p, r) + jensenShannonDistance(r, q) + 1e-9);
    }),
  );
});

test("nothing in common is 1, and no rows are no distance", () => {
  expect(jensenShannonDistance([5, 0], [0, 9])).toBe(1);
  expect(jensenShannonDistance([0, 0], [0, 9])).toBe(0);
});

test("histograms of different cells are refused", () => {
  expect(() => jensenShannonDistance([1, 2], [1, 2, 3])).toThrow(RangeError);
});

test("the census of 2017 and 2018 lies as far from that of 2015 as NannyML found, feature by feature and chunk by chunk", async () => {
  const year2015 = (await Promise.all((["train", "reference", "steady"] as const).map((name) => readRows(name)))).flat();
  const after = await readRows("drifted");
  const { chunkRows, columns } = knownAnswers;

  for (const [name, expected] of Object.entries(columns)) {
    expect(featureNames).toContain(name);
    const column = (rows: readonly CensusRow[]) => rows.map(({ features }) => features[name]);
    const reference = featureReference(name, column(year2015), { kind: "categorical" });
    const distances = expected.map((_, chunk) =>
      jensenShannonDistance(reference.counts, histogram(reference, column(after.slice(chunk * chunkRows, (chunk + 1) * chunkRows)))),
    );
    for (const [chunk, distance] of distances.entries()) expect(distance, `${name}, chunk ${chunk}`).toBeCloseTo(expected[chunk]!, 5);
  }
});

function histogram(reference: FeatureReference, values: readonly (number | undefined)[]): number[] {
  const found = reference.counts.map(() => 0);
  for (const value of values) found[cellOf(reference, value)]! += 1;
  return found;
}
