import fc from "fast-check";
import { expect, test } from "vitest";
import { confidenceRule, confidences, judgeConfidence, type ConfidenceRule } from "../../agent/contract/confidence.ts";
import { confidenceOptions } from "../../agent/contract/options.ts";
import { pointFor, riskCoverage } from "../../agent/contract/risk-coverage.ts";
import { buildEstimator, type PerformanceEstimator } from "../../detectors/performance/estimator.ts";
import { buildReference, type Reference } from "../../detectors/reference/reference.ts";
import { chance } from "../detectors/chance.ts";
import { chunks } from "../detectors/performance/employment-performance.ts";

/** Scores that are too sure of themselves: 0.9 means 0.74. */
function overconfident(rows: number, seed: number): { scores: number[]; actuals: number[]; predictions: number[] } {
  const next = chance(seed);
  const scores = Array.from({ length: rows }, () => Math.round(next() * 1e6) / 1e6);
  return { scores, actuals: scores.map((score) => Number(next() < 0.5 + 0.6 * (score - 0.5))), predictions: scores.map((score) => Number(score >= 0.5)) };
}

function referenceOf({ scores, actuals, predictions }: { readonly scores: ArrayLike<number>; readonly actuals: readonly number[]; readonly predictions: readonly number[] }): Reference {
  const score = { name: "score", values: Array.from(scores) };
  const { estimator } = buildEstimator({ scores, actuals, predictions, problem: "binary" });
  return { ...buildReference({ model: "m", features: [{ name: "x", values: score.values }], score }), estimator };
}

const rule = (options: object, reference?: Reference): ConfidenceRule => {
  const chosen = confidenceRule(confidenceOptions.parse(options), reference);
  if (!chosen.ok) throw new Error(chosen.reason);
  return chosen.rule;
};

/** What came true of the answers that a rule lets through. */
function realised({ threshold }: ConfidenceRule, estimator: PerformanceEstimator | undefined, { scores, actuals, predictions }: { readonly scores: ArrayLike<number>; readonly actuals: readonly number[]; readonly predictions: readonly number[] }) {
  const given = [...confidences(scores, estimator).entries()].filter(([, confidence]) => confidence >= threshold).map(([row]) => row);
  return { coverage: given.length / actuals.length, accuracy: given.filter((row) => predictions[row] === actuals[row]).length / given.length };
}

test("accept 0.75 accuracy: on rows that nobody had seen, the answers given are so right, and the coverage is as promised", () => {
  const reference = referenceOf(overconfident(20_000, 1));
  const chosen = rule({ accept: "0.75 accuracy" }, reference);
  const later = realised(chosen, reference.estimator, overconfident(50_000, 2));
  expect(later.accuracy).toBeGreaterThan(0.745);
  expect(later.accuracy).toBeLessThan(0.775);
  expect(later.coverage).toBeCloseTo(chosen.coverage as number, 1);
  // A constant of 0.75 on the score itself promises as much and holds less.
  expect(realised(rule({ accept: 0.75 }), undefined, overconfident(50_000, 2)).accuracy).toBeLessThan(0.735);
});

test("census rows of one state and year: nine in ten answers given are right, where of all answers fewer are", () => {
  const [learnt, later] = chunks as [(typeof chunks)[number], (typeof chunks)[number]];
  const reference = referenceOf(learnt);
  const chosen = rule({ accept: "0.9 accuracy" }, reference);
  const seen = realised(chosen, reference.estimator, later);
  expect(realised(rule({ accept: 0 }), undefined, later).accuracy).toBeLessThan(0.87);
  expect(seen.accuracy).toBeGreaterThan(0.88);
  expect(seen.coverage).toBeGreaterThan(0.3);
});

test("what can not be promised is said: no true answers, numbers predicted, more than the surest answers are right, or nothing asked", () => {
  const without = { ...referenceOf(overconfident(2_000, 3)), estimator: undefined };
  const regression = { ...without, estimator: { problem: "regression" } as PerformanceEstimator };
  const reasonOf = (options: object, reference?: Reference) => {
    const chosen = confidenceRule(confidenceOptions.parse(options), reference);
    return chosen.ok ? "chosen" : chosen.reason;
  };
  expect(reasonOf({ accept: "0.9 accuracy" }, without)).toBe("no-estimator");
  expect(reasonOf({ accept: "0.9 accuracy" })).toBe("no-estimator");
  expect(reasonOf({ accept: "0.9 accuracy" }, regression)).toBe("regression");
  expect(reasonOf({ accept: "0.99 accuracy" }, referenceOf(overconfident(2_000, 3)))).toBe("unreachable");
  expect(reasonOf({}, without)).toBe("off");
  expect(reasonOf({ accept: 0.7 })).toBe("chosen");
});

test("the curve is that of its definition, and coverage never falls with the threshold", () => {
  const rows = fc.array(fc.record({ confidence: fc.integer({ min: 0, max: 20 }).map((i) => i / 20), weight: fc.integer({ min: 0, max: 5 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(rows, (scored) => {
      const curve = riskCoverage(scored);
      const total = scored.reduce((sum, { weight }) => sum + weight, 0);
      for (const [i, { threshold, coverage, accuracy }] of curve.entries()) {
        const above = scored.filter(({ confidence }) => confidence >= threshold);
        const weight = above.reduce((sum, one) => sum + one.weight, 0);
        expect(coverage).toBeCloseTo(weight / total, 9);
        expect(accuracy).toBeCloseTo(above.reduce((sum, one) => sum + one.weight * one.confidence, 0) / weight, 9);
        if (i > 0) expect(threshold).toBeLessThan(curve[i - 1]!.threshold);
      }
      if (total > 0) expect(curve.at(-1)?.coverage).toBe(1);
      expect(pointFor(curve, 1.01, 1e9)).toBeUndefined();
      if (curve.length > 0) expect(pointFor(curve, 0, 10)).toBe(curve.at(-1));
    }),
  );
});

test("a few rows promise less than many: the lower end of the interval must reach the accuracy", () => {
  const curve = [{ threshold: 0.9, coverage: 0.5, accuracy: 0.95 }, { threshold: 0.5, coverage: 1, accuracy: 0.91 }];
  expect(pointFor(curve, 0.9, 100_000)?.threshold).toBe(0.5);
  expect(pointFor(curve, 0.9, 200)?.threshold).toBe(0.9);
  expect(pointFor(curve, 0.9, 20)).toBeUndefined();
});

test("many classes: the probability of the class that the model answers with, whatever the order of the columns", () => {
  const scores = new Map([["cat", [0.2, 0.5, Number.NaN]], ["dog", [0.7, 0.3, 0.5]], ["fox", [0.1, 0.2, 0.5]]]);
  expect([...confidences(scores)]).toEqual([0.7, 0.5, Number.NaN]);
  const estimator: PerformanceEstimator = { problem: "multiclass", classes: ["fox", "dog", "cat"], calibrations: [null, { x: [0, 1], y: [0, 0.5] }, null], chunks: { rows: 1, estimated: {}, realised: {} } };
  // 0.35 of 0.1 + 0.35 + 0.2, since the dog's scores mean half of what they say.
  expect(confidences(scores, estimator)[0]).toBeCloseTo(0.35 / 0.65, 12);
  expect(rule({ accept: "0.9 accuracy" }, { estimator } as Reference)).toEqual({ threshold: 0.9, below: "flag", coverage: undefined, accuracy: undefined });
});

test("one score without an estimator is the probability of the positive class; what is none has no confidence", () => {
  expect([...confidences([0.9, 0.1, 0.5, 3, Number.NaN])]).toEqual([0.9, 0.9, 0.5, Number.NaN, Number.NaN]);
});

test("a batch is as sure as its least sure row; the rows are told, twenty at most; nothing known means the answer is given", () => {
  expect(judgeConfidence([0.9, 0.7, 0.95], { threshold: 0.8, below: "review" })).toEqual({ decision: "review", confidence: 0.7, rows: [1], count: 1 });
  expect(judgeConfidence([0.9, 0.8], { threshold: 0.8, below: "next-rung" })).toEqual({ decision: "answer", confidence: 0.8, rows: [], count: 0 });
  expect(judgeConfidence([0.9, Number.NaN], { threshold: 0.8, below: "flag" })).toEqual({ decision: "flag", confidence: 0.9, rows: [1], count: 1 });
  expect(judgeConfidence([Number.NaN], { threshold: 0.8, below: "flag" })).toEqual({ decision: "answer", confidence: undefined, rows: [], count: 0 });
  expect(judgeConfidence([], { threshold: 0.8, below: "flag" }).decision).toBe("answer");
  const many = judgeConfidence(new Float64Array(1_000), { threshold: 0.8, below: "flag" });
  expect([many.rows.length, many.count]).toEqual([20, 1_000]);
});

test("accept is read as people write it", () => {
  const read = (accept: unknown) => confidenceOptions.safeParse({ accept }).data?.accept;
  expect([0.8, "0.95 accuracy", ".9 accuracy", "1 accuracy"].map(read)).toEqual([{ confidence: 0.8 }, { accuracy: 0.95 }, { accuracy: 0.9 }, { accuracy: 1 }]);
  for (const wrong of [1.2, -0.1, "0.95", "95 accuracy", "1.5 accuracy", "0.9 precision", true]) expect(confidenceOptions.safeParse({ accept: wrong }).success).toBe(false);
});
