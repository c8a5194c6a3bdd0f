import fc from "fast-check";
import { expect, test } from "vitest";
import { buildEstimator, estimatePerformance, estimatorProblems, type PerformanceEstimator, type Scores } from "../../../detectors/performance/estimator.ts";
import { chance, gaussian } from "../chance.ts";

const next = chance(71);
const scores = Float64Array.from({ length: 600 }, () => next());
const halves = new Map([["a", scores], ["b", scores.map((score) => 1 - score)]]);
const size = Float64Array.from({ length: 600 }, () => next());
const features = new Map([["size", size]]);

const built = {
  binary: buildEstimator({ scores, predictions: scores.map((score) => Math.round(score)), actuals: scores.map((score) => (next() < score ? 1 : 0)) }).estimator,
  multiclass: buildEstimator({ scores: halves, actuals: Array.from(scores, (score) => (next() < score ? "a" : "b")) }).estimator,
  regression: buildEstimator({ scores, actuals: scores.map((score, row) => score + 5 * (size[row] as number) * gaussian(next)), features }).estimator,
} satisfies Record<string, PerformanceEstimator>;

const questions: Readonly<Record<keyof typeof built, { scores: Scores; features?: typeof features }>> = {
  binary: { scores },
  multiclass: { scores: halves },
  regression: { scores, features },
};

test("the problem is seen from the answers and the scores", () => {
  for (const [problem, estimator] of Object.entries(built)) expect(estimator.problem).toBe(problem);
  expect(() => buildEstimator({ scores: [1, 2, 3], actuals: ["a", "b", "c"] })).toThrow(/a column for each of 3 classes/);
  expect(() => buildEstimator({ scores: [], actuals: [] })).toThrow(RangeError);
});

test("an estimator is plain JSON: written and read it has no problems and says the same", () => {
  for (const [problem, estimator] of Object.entries(built)) {
    const read: unknown = JSON.parse(JSON.stringify(estimator));
    expect(estimatorProblems(read)).toEqual([]);
    expect(read).toEqual(estimator);
    const question = questions[problem as keyof typeof built];
    expect(estimatePerformance(read as PerformanceEstimator, question)).toEqual(estimatePerformance(estimator, question));
  }
});

test("what is wrong in a file is named with its path", () => {
  const { chunks } = built.binary;
  expect(estimatorProblems(null)).toEqual(["expected an object"]);
  expect(estimatorProblems({ problem: "ranking", chunks })).toEqual([expect.stringMatching(/^problem: expected "binary"/)]);
  expect(estimatorProblems({ ...built.binary, classes: ["1", "1"] })).toEqual([expect.stringMatching(/^classes: /)]);
  expect(estimatorProblems({ ...built.binary, calibration: { x: [0, 1], y: [0.5, 0.4] } })).toEqual([expect.stringMatching(/^calibration\.y: /)]);
  expect(estimatorProblems({ ...built.multiclass, calibrations: [null] })).toEqual([expect.stringMatching(/^calibrations: .* 2 classes/)]);
  const loop = { feature: [0, -1, -1], cut: [1, 0, 0], left: [0, 0, 0], value: [0, 1, 2] };
  const absolute = { base: 1, scale: 0, scatter: 1, trees: [loop] };
  expect(estimatorProblems({ ...built.regression, losses: { absolute } })).toEqual([expect.stringMatching(/^losses\.absolute\.trees\[0\]: /)]);
});

test("whatever single part of a file is broken, it is refused or still says nothing that is not a number", () => {
  for (const [problem, estimator] of Object.entries(built)) {
    const paths = pathsOf(estimator);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.constantFrom(null, -1, 2, "x", [], {}), (path, junk) => {
        const broken = JSON.parse(JSON.stringify(estimator)) as Record<string, unknown>;
        const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, broken);
        parent[path.at(-1) as string] = junk;
        if (estimatorProblems(broken).length > 0) return;
        try {
          const figures = estimatePerformance(broken as unknown as PerformanceEstimator, questions[problem as keyof typeof built]);
          for (const { value, lower, upper } of Object.values(figures)) expect([value, lower, upper].every(Number.isFinite)).toBe(true);
        } catch (error) {
          if (!(error instanceof RangeError)) throw error; // a class or a feature was renamed, and its column is not there
        }
      }),
      { numRuns: 150 },
    );
  }
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key]).slice(0, 40)]);
}
