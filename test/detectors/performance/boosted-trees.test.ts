import { expect, test } from "vitest";
import { boostedTrees, treesAt } from "../../../detectors/performance/boosted-trees.ts";
import { binRows, featureCuts } from "../../../detectors/performance/feature-bins.ts";
import { chance, gaussian } from "../chance.ts";

function fitted(columns: readonly Float64Array[], targets: Float64Array) {
  const cuts = featureCuts(columns);
  const rows = binRows(columns, cuts);
  return { cuts, rows, ...boostedTrees(rows, targets) };
}

test("a step in one feature and a slope in another are learnt together", () => {
  const next = chance(41);
  const columns = [0, 1, 2].map(() => Float64Array.from({ length: 4_000 }, () => next()));
  const truth = (a: number, b: number) => (a > 0.3 ? 2 : 0) + 3 * b;
  const targets = Float64Array.from({ length: 4_000 }, (_, row) => truth(columns[0]?.[row] as number, columns[1]?.[row] as number) + 0.1 * gaussian(next));
  const { cuts, model, unseen } = fitted(columns, targets);
  const probes = [0.1, 0.5, 0.9].flatMap((a) => [0.1, 0.5, 0.9].map((b) => [a, b] as const));
  const rows = binRows([probes.map(([a]) => a), probes.map(([, b]) => b), probes.map(() => 0.5)], cuts);
  for (const [row, [a, b]] of probes.entries()) expect(Math.abs(treesAt(model, rows, row) - truth(a, b))).toBeLessThan(0.12);
  const left = targets.reduce((total, target, row) => total + (target - (unseen[row] as number)) ** 2, 0) / targets.length;
  expect(left).toBeLessThan(0.03); // 0.01 is noise; the bin that the step falls into adds up to 1/62
});

test("pure noise grows no trees, or next to none; its cross-fitted predictions do not flatter", () => {
  const next = chance(42);
  const columns = [0, 1, 2, 3].map(() => Float64Array.from({ length: 2_000 }, () => next()));
  const targets = Float64Array.from({ length: 2_000 }, () => gaussian(next));
  const { model, unseen } = fitted(columns, targets);
  expect(model.trees.length).toBeLessThanOrEqual(3);
  const variance = targets.reduce((total, target) => total + target ** 2, 0);
  expect(targets.reduce((total, target, row) => total + (target - (unseen[row] as number)) ** 2, 0)).toBeGreaterThan(0.98 * variance);
});

test("a missing value is a value of its own", () => {
  const next = chance(43);
  const column = Float64Array.from({ length: 1_000 }, (_, row) => (row % 4 === 0 ? NaN : next()));
  const { cuts, model } = fitted([column], column.map((value) => (Number.isNaN(value) ? 5 : 1)));
  const rows = binRows([[NaN, 0.5]], cuts);
  expect(treesAt(model, rows, 0)).toBeCloseTo(5, 1);
  expect(treesAt(model, rows, 1)).toBeCloseTo(1, 1);
});

test("the same rows give the same trees, and constants give none", () => {
  const column = Float64Array.from({ length: 500 }, (_, row) => Math.sin(row));
  const targets = column.map((value) => value ** 2);
  expect(fitted([column], targets).model).toEqual(fitted([column], targets).model);
  expect(fitted([column], column.map(() => 7)).model).toEqual({ base: 7, trees: [] });
  expect(fitted([column.map(() => 1)], targets).model.trees).toEqual([]);
});

test("many features share a bound on cuts, too many are refused", () => {
  const columns = Array.from({ length: 200 }, (_, i) => Float64Array.from({ length: 300 }, (_, row) => Math.sin(row * (i + 1))));
  expect(featureCuts(columns).flat().length).toBeLessThanOrEqual(4_096);
  expect(featureCuts(columns.slice(0, 2)).every((cuts) => cuts.length <= 62)).toBe(true);
  expect(() => featureCuts(Array.from({ length: 513 }, () => []))).toThrow(/at most 512 features/);
});
