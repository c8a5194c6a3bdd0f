/**
 * How well the model does, from its answers and from the true answers that come in later.
 *
 * | kind | over | is |
 * |---|---|---|
 * | realised | the latest rows that were joined with their actuals | what happened, as old as the actuals are late |
 * | estimated | the latest answers | what the reference's estimator expects of them, without labels |
 * | corrected | the latest answers | the estimate, put right by those of them whose actuals are there |
 *
 * A warning where the estimate leaves the reference's band (estimate-monitor.ts); alarms on what came true are in
 * performance-alarms.ts.
 *
 * Figures are taken anew when something came in, and never for more than about 20 ms a tick on the average: a large
 * window has its turn in every so-manyth tick.
 */
import { decided } from "../../detectors/performance/binary-estimator.ts";
import type { Performance, PerformanceEstimator, Problem } from "../../detectors/performance/estimator.ts";
import { labelOf } from "../../detectors/performance/labels.ts";
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Judgement } from "../judgement.ts";
import type { ActualObservation, Point } from "../observation.ts";
import type { FalseAlarmBudget } from "../units.ts";
import { Actuals, type ActualsOptions, type Joined } from "./actuals.ts";
import type { Answer } from "./answer-rows.ts";
import { EstimateMonitor, type EstimateSnapshot } from "./estimate-monitor.ts";
import { PerformanceAlarms, type Outcome, type PerformanceAlarmsSnapshot } from "./performance-alarms.ts";
import { correctedFigures, estimatedFigures, realisedFigures, type Model, type Taken } from "./performance-figures.ts";
import { PerformanceWindow, type PerformanceWindowState } from "./performance-window.ts";
import { alarmThreshold, observeRows, rowRateStart, type RowRate } from "./row-rate.ts";
import { plainClass, type PlainClass } from "../protocols/plain-class.ts";
import { scoreColumns, type ScoreColumns } from "../protocols/score-columns.ts";
import type { WaitingAnswersSnapshot } from "./waiting-answers.ts";
import { list } from "./words.ts";

export interface LivePerformanceOptions {
  readonly model: string;
  readonly falseAlarms: FalseAlarmBudget;
  /** Milliseconds. */
  readonly clear: number;
  /** Where nobody says: by the reference, or by what the answers look like. */
  readonly problem?: Problem | undefined;
  /** The columns of scores, as in the config. */
  readonly score?: string | undefined;
  readonly actuals: Omit<ActualsOptions, "classes"> & { readonly window: number };
}

/** What the primary answered, as columns of a value for each row; a column that is not there is undefined. */
export interface AnswerColumns {
  readonly rows: number;
  readonly predictions: readonly Value[] | undefined;
  /** In the order of the config. */
  readonly scores: readonly (readonly Value[] | undefined)[];
  /** Of the request; empty where it can not be read, or has other rows than the answer. */
  readonly features: ReadonlyMap<string, readonly Value[]>;
}

/** Small. */
export interface PerformanceJudgesSnapshot {
  readonly alarms: PerformanceAlarmsSnapshot;
  readonly answeredRate: RowRate;
  readonly estimate: EstimateSnapshot | undefined;
}

/** Up to some megabytes. */
export interface PerformanceRowsSnapshot {
  readonly actuals: WaitingAnswersSnapshot;
  readonly joined: PerformanceWindowState;
  readonly answered: PerformanceWindowState | undefined;
  readonly youngestJoinedWallMs: number | undefined;
}

interface Figure {
  readonly kind: "realised" | "estimated" | "corrected";
  readonly window: PerformanceWindow;
  /** Something came in since it was taken. */
  stale: boolean;
  performance: Performance;
  take(): Taken;
}

/** What a tick may do: 20 ms, as measured with two and with many classes, and with trees. */
const workPerTick = 10_000;
/** No class has a longer name: what is longer is none. */
const classLengthMax = 256;

export class LivePerformance {
  /** What rows are made of: those of another shape mean nothing here. */
  readonly shape: unknown;
  /** Why the reference's estimator can not be used, for a person; undefined where it can, or where there is none. */
  readonly trouble: string | undefined;
  readonly #options: LivePerformanceOptions;
  readonly #estimator: PerformanceEstimator | undefined;
  readonly #known: Model;
  readonly #classes: ReadonlySet<string> | undefined;
  readonly #actuals: Actuals;
  readonly #joined: PerformanceWindow;
  readonly #answered: PerformanceWindow | undefined;
  readonly #figures: readonly Figure[];
  /** Whose turn it is. */
  #turn = 0;
  /** Work that may still be done; below 0 a large window is paid off. */
  #credit = 0;
  #youngestJoinedWallMs: number | undefined;

  readonly #alarms: PerformanceAlarms;
  readonly #estimate: EstimateMonitor | undefined;
  #answeredRate = rowRateStart;
  #answeredSinceTick = 0;
  #tickMs: number | undefined;

  /** @param reference undefined where it is learnt from traffic, which knows no actuals, or where there is none. */
  constructor(options: LivePerformanceOptions, reference: Reference | undefined, judge: (judgement: Judgement) => void) {
    this.#options = options;
    const { model, clear, actuals } = options;
    const scores = scoreColumns(options.score);
    this.trouble = reference?.estimator && troubleOf(reference.estimator, scores);
    const estimator = this.trouble === undefined ? reference?.estimator : undefined;
    const classes = estimator === undefined || estimator.problem === "regression" ? scores.classes : estimator.classes;
    this.#estimator = estimator;
    this.#known = { problem: estimator?.problem ?? options.problem, classes, scoreClasses: scores.classes };
    this.#classes = classes && new Set(classes);
    const features = estimator?.problem === "regression" ? estimator.features : [];
    this.shape = { ...this.#known, scores: scores.columns, features, answers: estimator !== undefined };

    const columns = { scores: Math.max(1, scores.columns.length) };
    this.#actuals = new Actuals({ ...actuals, classes: scores.classes?.length ?? 0 });
    const joined = (this.#joined = new PerformanceWindow(actuals.window, columns));
    this.#figures = [figure("realised", joined, () => realisedFigures(this.#known, joined.columns()))];
    if (estimator !== undefined) {
      const answered = (this.#answered = new PerformanceWindow(actuals.window, { ...columns, features: features.length }));
      this.#figures = [
        ...this.#figures,
        figure("estimated", answered, () => estimatedFigures(estimator, this.#known, answered.columns())),
        figure("corrected", answered, () => correctedFigures(estimator, this.#known, answered.columns())),
      ];
      this.#estimate = new EstimateMonitor({ model, clear, chunks: estimator.chunks, window: answered.size }, judge);
    }
    this.#alarms = new PerformanceAlarms({ model, falseAlarms: options.falseAlarms, clear, reference, estimator }, judge);
  }

  /** The primary answered. */
  answered(inferenceId: string, answer: AnswerColumns, atWallMs: number, nowMs: number, wallMs: number): void {
    const answers = Array.from({ length: answer.rows }, (_, row) => this.#answerOf(answer, row));
    const firstRow = this.#watchAnswers(answers, answer.features);
    this.#hear(this.#actuals.answered(inferenceId, answers, atWallMs, firstRow), nowMs, wallMs);
  }

  /** A rung answered, which says nothing of the model. */
  answeredByRung(inferenceId: string, atWallMs: number): void {
    this.#actuals.answered(inferenceId, undefined, atWallMs);
  }

  actual(observation: ActualObservation, nowMs: number, wallMs: number): void {
    this.#hear(this.#actuals.actual(observation, nowMs), nowMs, wallMs);
  }

  tick(nowMs: number, wallMs: number): readonly Point[] {
    this.#actuals.tick(nowMs, wallMs);
    if (this.#tickMs !== undefined) this.#answeredRate = observeRows(this.#answeredRate, this.#answeredSinceTick, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
    this.#answeredSinceTick = 0;
    this.#takeFigures(nowMs, wallMs);
    this.#alarms.tick(nowMs, wallMs);
    this.#estimate?.tick(nowMs, wallMs);
    return this.#points(wallMs);
  }

  /** Which rise of the error rate may go unseen, for a person; undefined where the reference tells of none. */
  unseen(within: number): string | undefined {
    return this.#alarms.unseen(within);
  }

  // ---- what is heard ----

  #answerOf({ predictions, scores }: AnswerColumns, row: number): Answer {
    const numbers = scores.map((column) => (typeof column?.[row] === "number" ? column[row] : NaN));
    const said = predictions?.[row] ?? undefined;
    const prediction = isTooLong(said) ? undefined : said;
    const single = this.#known.scoreClasses === undefined;
    const score = single ? (numbers[0] ?? NaN) : NaN;
    const answer: Answer = { prediction: prediction ?? this.#decision(score, numbers), score };
    return single ? answer : { ...answer, classScores: numbers };
  }

  /** Where the model says scores alone: its class by the reference's threshold, or the one with the highest score. */
  #decision(score: number, scores: readonly number[]): Value {
    const { scoreClasses } = this.#known;
    if (scoreClasses !== undefined) return scores.every(Number.isFinite) ? scoreClasses[scores.indexOf(Math.max(...scores))] : undefined;
    return this.#estimator?.problem === "binary" ? decided(this.#estimator, [score])?.[0] : undefined;
  }

  /** The number of the first row; undefined where there is no estimator. */
  #watchAnswers(answers: readonly Answer[], features: ReadonlyMap<string, readonly Value[]>): number | undefined {
    const window = this.#answered;
    if (window === undefined) return undefined;
    const names = this.#estimator?.problem === "regression" ? this.#estimator.features : [];
    const columns = names.map((name) => features.get(name));
    const firstRow = window.state.count;
    for (const [row, answer] of answers.entries()) {
      const numbers = columns.map((column) => (typeof column?.[row] === "number" ? column[row] : NaN));
      window.push({ prediction: this.#classOf(answer.prediction), scores: this.#scoresOf(answer), features: numbers });
      this.#estimate?.sampled();
    }
    this.#answeredSinceTick += answers.length;
    this.#spoil(window);
    return firstRow;
  }

  /** Joined rows count for performance and for the alarms. */
  #hear(joined: readonly Joined[], nowMs: number, wallMs: number): void {
    for (const { answer, actual, row, atWallMs } of joined) {
      const truth = this.#classOf(actual);
      const prediction = this.#classOf(answer.prediction);
      const scores = this.#scoresOf(answer);
      this.#joined.push({ prediction, scores, actual: truth });
      if (row !== undefined && this.#answered?.settle(row, truth) === true) this.#spoil(this.#answered);
      this.#youngestJoinedWallMs = Math.max(this.#youngestJoinedWallMs ?? -Infinity, atWallMs);
      const mistake = this.#isClass(prediction) && this.#isClass(truth) ? (prediction === truth ? 0 : 1) : undefined;
      this.#alarms.hear({ mistake, answeredWallMs: atWallMs, ...this.#positive(answer, truth) }, nowMs, wallMs);
    }
    if (joined.length > 0) this.#spoil(this.#joined);
  }

  /** Of two classes the positive one: its score, and whether it came true. */
  #positive({ score, classScores }: Answer, truth: PlainClass): Pick<Outcome, "score" | "positive"> {
    const { classes, scoreClasses } = this.#known;
    const [negative, positive] = classes ?? [];
    const known = classes?.length === 2 && (truth === negative || truth === positive);
    const said = scoreClasses === undefined ? score : (classScores?.[scoreClasses.indexOf(positive ?? "")] ?? NaN);
    return { score: said, positive: known ? (truth === positive ? 1 : 0) : undefined };
  }

  /** One of a regression is its prediction, where it has no score beside it. */
  #scoresOf({ prediction, score, classScores }: Answer): readonly number[] {
    if (classScores !== undefined) return classScores;
    const number = Number.isNaN(score) && this.#known.problem === "regression" ? plainClass(prediction) : score;
    return [typeof number === "number" ? number : NaN];
  }

  /** By its name where the classes are known, however it is written. */
  #classOf(value: Value): PlainClass {
    const plain = isTooLong(value) ? undefined : plainClass(value);
    if (this.#classes === undefined) return plain;
    const words = plain === 1 ? ["true"] : plain === 0 ? ["false"] : [];
    const names = plain === undefined ? [] : [labelOf(value), labelOf(plain), ...words];
    return names.find((name) => name !== undefined && this.#classes?.has(name)) ?? labelOf(plain);
  }

  /** A number with a fraction is none. */
  #isClass(value: PlainClass): boolean {
    return value !== undefined && this.#known.problem !== "regression" && (typeof value === "string" || Number.isInteger(value));
  }

  // ---- what is told ----

  #spoil(window: PerformanceWindow): void {
    for (const one of this.#figures) if (one.window === window) one.stale = true;
  }

  #takeFigures(nowMs: number, wallMs: number): void {
    this.#credit = Math.min(workPerTick, this.#credit + workPerTick);
    for (let i = 0; i < this.#figures.length && this.#credit > 0; i += 1) {
      const next = this.#figures[this.#turn] as Figure;
      this.#turn = (this.#turn + 1) % this.#figures.length;
      if (!next.stale) continue;
      next.stale = false;
      const { performance, work } = next.take();
      next.performance = performance;
      this.#credit -= work;
      if (next.kind !== "estimated") continue;
      this.#estimate?.look(next.performance, next.window.length, alarmThreshold(this.#options.falseAlarms, this.#answeredRate), nowMs, wallMs);
    }
  }

  #points(wallMs: number): readonly Point[] {
    const { model } = this.#options;
    const points: Point[] = Object.entries(this.#actuals.counts).map(([result, value]) => ({ instrument: instruments.actuals, labels: { model, result }, value }));
    points.push({ instrument: instruments.actualsWaiting, labels: { model }, value: this.#actuals.waiting });
    if (this.#youngestJoinedWallMs !== undefined) {
      points.push({ instrument: instruments.actualsLag, labels: { model }, value: Math.max(0, wallMs - this.#youngestJoinedWallMs) / 1_000 });
    }
    for (const { kind, performance } of this.#figures) {
      for (const [metric, { value, lower, upper }] of Object.entries(performance)) {
        points.push({ instrument: instruments.performance, labels: { model, metric, kind }, value });
        for (const [bound, at] of [["lower", lower], ["upper", upper]] as const) {
          if (Number.isFinite(at)) points.push({ instrument: instruments.performanceBound, labels: { model, metric, kind, bound }, value: at });
        }
      }
    }
    return [...points, ...this.#alarms.points()];
  }

  // ---- what is kept ----

  judges(nowMs: number): PerformanceJudgesSnapshot {
    return { alarms: this.#alarms.snapshot(nowMs), answeredRate: this.#answeredRate, estimate: this.#estimate?.snapshot(nowMs) };
  }

  restoreJudges({ alarms, answeredRate, estimate }: PerformanceJudgesSnapshot, nowMs: number): void {
    this.#alarms.restore(alarms, nowMs);
    this.#answeredRate = answeredRate;
    if (estimate !== undefined) this.#estimate?.restore(estimate, nowMs);
  }

  rows(): PerformanceRowsSnapshot {
    return { actuals: this.#actuals.snapshot(), joined: this.#joined.state, answered: this.#answered?.state, youngestJoinedWallMs: this.#youngestJoinedWallMs };
  }

  restoreRows({ actuals, joined, answered, youngestJoinedWallMs }: PerformanceRowsSnapshot): void {
    this.#actuals.restore(actuals);
    this.#joined.state = joined;
    if (this.#answered !== undefined && answered !== undefined) this.#answered.state = answered;
    this.#youngestJoinedWallMs = youngestJoinedWallMs;
    for (const one of this.#figures) one.stale = one.window.length > 0;
  }
}

function troubleOf(estimator: PerformanceEstimator, { classes }: ScoreColumns): string | undefined {
  if (estimator.problem === "regression") return classes && "performance is not estimated: the model predicts numbers, so monitors.score is one column";
  const needed = estimator.problem === "multiclass" ? estimator.classes : classes === undefined ? [] : estimator.classes.slice(1);
  const missing = needed.filter((name) => classes?.includes(name) !== true);
  const asked = list(needed.map((name) => `${name}=COLUMN`), 3);
  return missing.length === 0 ? undefined : `performance is not estimated: monitors.score has no column for ${list(missing, 5)}; name one for each class, as in ${asked}`;
}

function isTooLong(value: Value): boolean {
  return typeof value === "string" && value.length > classLengthMax;
}

function figure(kind: Figure["kind"], window: PerformanceWindow, take: () => Taken): Figure {
  return { kind, window, stale: false, performance: {}, take };
}
