/** A classifier's and a regression's answers with what came true, drawn with a fixed seed, and references made of them. */
import type { LivePerformanceOptions } from "../../agent/monitors/live-performance.ts";
import { LivePerformance } from "../../agent/monitors/live-performance.ts";
import type { Judgement } from "../../agent/judgement.ts";
import type { Point } from "../../agent/observation.ts";
import { buildEstimator, realisedPerformance, type Label, type ReferenceColumns } from "../../detectors/performance/estimator.ts";
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { actual, dice, people, referenceOf } from "./traffic.ts";

export interface BinaryRow {
  readonly score: number;
  readonly prediction: 0 | 1;
  readonly actual: 0 | 1;
}

/**
 * Scores that mean what they say, unless the world changes.
 *
 * @param world `blur`: scores drawn nearer to a half, so that the model can tell less. `odds`: true odds over those that the score names.
 */
export function binaryRows(seed: number, count: number, { blur = 0, odds = 1 }: { readonly blur?: number; readonly odds?: number } = {}): readonly BinaryRow[] {
  const { uniform, normal } = dice(seed);
  return Array.from({ length: count }, () => {
    const logit = 2 * (1 - blur) * normal();
    const score = 1 / (1 + Math.exp(-logit));
    return { score, prediction: score >= 0.5 ? 1 : 0, actual: uniform() < 1 / (1 + Math.exp(-logit - Math.log(odds))) ? 1 : 0 };
  });
}

export function binaryReference(rows: readonly BinaryRow[]): Reference {
  return withEstimator({ scores: rows.map(({ score }) => score), predictions: rows.map(({ prediction }) => prediction), actuals: rows.map((row) => row.actual) });
}

/** Of a person's model, with what is known of its performance. */
export function withEstimator(columns: ReferenceColumns): Reference {
  const { estimator } = buildEstimator(columns);
  const classes = estimator.problem === "regression" ? undefined : estimator.classes;
  const realised = realisedPerformance(estimator.problem, { ...columns, classes });
  const rows = columns.actuals.length;
  return { ...referenceOf(people(1, 500)), rows, estimator, performance: Object.fromEntries(Object.entries(realised).map(([name, { value }]) => [name, value])) };
}

export interface LiveRow {
  readonly prediction?: Value;
  /** In the order of the score's columns. */
  readonly scores: readonly number[];
  readonly features?: Readonly<Record<string, number>>;
  /** Undefined where it never comes. */
  readonly actual?: Label;
}

/** Live performance on a clock that is turned by hand: a tick each second, ten rows a second. */
export function live(reference: Reference | undefined, options: Partial<LivePerformanceOptions> = {}, firstId: number = 0) {
  const judgements: Judgement[] = [];
  const made = new LivePerformance(
    {
      model: "people",
      falseAlarms: { alarms: 1, perSamples: 100_000 },
      clear: 600_000,
      score: "score",
      ...options,
      actuals: { buffer: 100_000, ttl: 86_400_000, window: 1_000, ...options.actuals },
    },
    reference,
    (judgement) => judgements.push(judgement),
  );
  let nowMs = 0;
  let points: readonly Point[] = [];
  let ids = firstId;
  const tick = () => {
    nowMs += 1_000;
    points = made.tick(nowMs, nowMs);
  };
  const play = (rows: readonly LiveRow[], lagMs = 0) => {
    for (const [i, row] of rows.entries()) {
      const id = `id-${(ids += 1)}`;
      const features = new Map(Object.entries(row.features ?? {}).map(([name, value]) => [name, [value]]));
      made.answered(id, { rows: 1, predictions: row.prediction === undefined ? undefined : [row.prediction], scores: row.scores.map((score) => [score]), features }, nowMs - lagMs, nowMs, nowMs);
      if (row.actual !== undefined && row.actual !== null) made.actual(actual(id, row.actual), nowMs, nowMs);
      if (i % 10 === 9) tick();
    }
    for (let i = 0; i < 4; i += 1) tick();
  };
  const level = (name: string) => points.find(({ instrument, labels }) => `${instrument.name} ${Object.values(labels).slice(1).join(" ")}`.trim() === name)?.value;
  return { made, judgements, play, tick, level, names: () => points.map(({ instrument, labels }) => [instrument.name, ...Object.values(labels).slice(1)].join(" ")), now: () => nowMs, at: (ms: number) => (nowMs = ms) };
}

export const liveRows = (rows: readonly BinaryRow[], every = 1): readonly LiveRow[] =>
  rows.map(({ score, prediction, actual: truth }, i) => ({ scores: [score], prediction, ...(i % every === 0 && { actual: truth }) }));
