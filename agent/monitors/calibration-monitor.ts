/**
 * Do the scores of a classifier with two classes still mean what they meant on the reference? An e-detector on what came
 * true, bet on at the odds that the score, put right by the reference's calibration curve, names.
 *
 * The reference itself does not know these odds for certain, so odds within a factor of its own count as right: three
 * standard errors of the odds in that tenth of the probabilities where it knows them least, three at most. Tenths in which it
 * has hardly any rows are not watched. While the odds stay within the factor, a false alarm comes within t rows with probability
 * t/A at most. Measured on curves from 1,000 to 50,000 rows (normal scores, calibrated or not, 2 % to 50 % positive), at one
 * alarm in 100,000 rows: 1 in 648 that the budget allows; odds 2.5 times as high were found after 500 to 1,000 rows with a reference of
 * 10,000, and often never with one of 1,000.
 *
 * Void where the order in which actuals come depends on what came true.
 */
import { calibrationEDetector, type CalibrationEDetector, type CalibrationState } from "../../detectors/guarantee/calibration-e-detector.ts";
import type { BinaryEstimator } from "../../detectors/performance/binary-estimator.ts";
import { isotonicAt } from "../../detectors/performance/isotonic.ts";
import type { Judgement } from "../judgement.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { OnsetMemory, type OnsetSnapshot } from "./onset.ts";
import { percent } from "./words.ts";

export interface CalibrationOptions {
  readonly model: string;
  readonly estimator: BinaryEstimator;
  /** Milliseconds. */
  readonly clear: number;
  /** A as it is at the start. */
  readonly samplesPerFalseAlarm: number;
}

export interface CalibrationSnapshot {
  readonly evidence: CalibrationState;
  /** Per tenth of the probabilities, over about the latest hundred of its rows: their mean probability, and the share that came true. */
  readonly expected: Float64Array;
  readonly actual: Float64Array;
  readonly rows: Float64Array;
  readonly byMinute: OnsetSnapshot;
  readonly alarm: AlarmSnapshot | undefined;
}

const tenths = 10;
const recentRows = 100;
const standardErrors = 3;
const toleranceMax = 3;
/** A tenth with fewer of the reference's rows, or a smaller share of them, is not watched. */
const rowsMin = 100;
const shareMin = 0.02;
/** A probability that so many rows of the reference would not show is none that it knows. */
const rarest = 10;
/** Rows that would have raised the alarm again. */
const clearRows = 2_000;

export class CalibrationMonitor {
  readonly #model: string;
  readonly #estimator: BinaryEstimator;
  readonly #watched: readonly boolean[];
  readonly #least: number;
  readonly #detector: CalibrationEDetector;
  readonly #alarm: Alarm;
  readonly #byMinute = new OnsetMemory();
  #evidence: CalibrationState;
  #expected: Float64Array = new Float64Array(tenths);
  #actual: Float64Array = new Float64Array(tenths);
  /** Per tenth, up to as many as the means are over. */
  #rows: Float64Array = new Float64Array(tenths);

  constructor({ model, estimator, clear, samplesPerFalseAlarm }: CalibrationOptions, judge: (judgement: Judgement) => void) {
    this.#model = model;
    this.#estimator = estimator;
    const { watched, least, oddsTolerance } = knowledge(estimator);
    this.#watched = watched;
    this.#least = least;
    this.#detector = calibrationEDetector({ samplesPerFalseAlarm, oddsTolerance });
    this.#alarm = new Alarm({ clearMs: clear, clearSamples: clearRows }, judge);
    this.#evidence = this.#detector.start();
  }

  /** @param actual 1 where the positive class came true. @param threshold decimal logarithm of A. */
  push(score: number, actual: 0 | 1, threshold: number, nowMs: number, wallMs: number, answeredWallMs: number = wallMs): void {
    const probability = this.#probability(score);
    if (probability === undefined) return;
    const tenth = tenthOf(probability);
    if (this.#watched[tenth] !== true) return;
    this.#byMinute.push(surprise(probability, actual), answeredWallMs);
    this.#evidence = this.#detector.step(this.#evidence, probability, actual);
    const rows = Math.min(recentRows, (this.#rows[tenth] as number) + 1);
    this.#rows[tenth] = rows;
    this.#expected[tenth]! += (probability - (this.#expected[tenth] as number)) / rows;
    this.#actual[tenth]! += (actual - (this.#actual[tenth] as number)) / rows;
    this.#alarm.sampled();
    const statistic = this.statistic();
    if (statistic < threshold) return;

    const message = `${this.#model}: the scores no longer mean what they meant: ${this.#worst()}`;
    this.#evidence = this.#detector.start();
    this.#alarm.raise({ model: this.#model, stream: "calibration", detector: "calibration-e-detector", verdict: "warning", statistic, threshold, culprits: [], message, onset: this.#byMinute.rise(), atWallMs: wallMs }, nowMs);
  }

  /** Decimal logarithm of the evidence. */
  statistic(): number {
    return this.#detector.read(this.#evidence).statistic;
  }

  tick(nowMs: number, wallMs: number): void {
    this.#alarm.tick(this.statistic(), nowMs, wallMs);
  }

  snapshot(nowMs: number): CalibrationSnapshot {
    return { evidence: this.#evidence, expected: this.#expected, actual: this.#actual, rows: this.#rows, byMinute: this.#byMinute.snapshot(), alarm: this.#alarm.snapshot(nowMs) };
  }

  restore({ evidence, expected, actual, rows, byMinute, alarm }: CalibrationSnapshot, nowMs: number): void {
    this.#evidence = evidence;
    this.#expected = expected;
    this.#actual = actual;
    this.#rows = rows;
    this.#byMinute.restore(byMinute);
    this.#alarm.restore(alarm, nowMs);
  }

  /** What the reference makes of a score; undefined for one that can not be a probability. */
  #probability(score: number): number | undefined {
    const { calibration } = this.#estimator;
    const said = calibration === undefined || !Number.isFinite(score) ? score : isotonicAt(calibration, score);
    return said >= 0 && said <= 1 ? Math.min(1 - this.#least, Math.max(this.#least, said)) : undefined;
  }

  /** Of the tenth that holds most of the evidence. */
  #worst(): string {
    const shares = this.#detector.shares(this.#evidence).map((share, tenth) => (this.#rows[tenth] === 0 ? 0 : share));
    const tenth = shares.indexOf(Math.max(...shares));
    return `where they say ${percent(this.#expected[tenth] as number)}, ${percent(this.#actual[tenth] as number)} came true lately`;
  }
}

/** By how much the Brier score of an answer is above the one that its probability makes it expect. */
function surprise(probability: number, actual: 0 | 1): number {
  return (actual - probability) ** 2 - probability * (1 - probability);
}

/** What the reference knows of the odds: which tenths, down to which probability, and within which factor. */
function knowledge({ bins, chunks }: BinaryEstimator): { readonly watched: readonly boolean[]; readonly least: number; readonly oddsTolerance: number } {
  const chunkCount = Math.max(0, ...Object.values(chunks.realised).map((figures) => figures.length));
  const rows = Math.max(1, chunks.rows * chunkCount);
  const rowsPerBin = rows / bins.likelihoods.length;
  const inTenth = new Float64Array(tenths);
  const information = new Float64Array(tenths);
  for (const likelihood of bins.likelihoods) {
    inTenth[tenthOf(likelihood)]! += rowsPerBin;
    information[tenthOf(likelihood)]! += rowsPerBin * likelihood * (1 - likelihood);
  }
  const watched = Array.from(inTenth, (count) => count >= Math.max(rowsMin, shareMin * rows));
  const least = Math.min(...information.filter((_, tenth) => watched[tenth]));
  return { watched, least: Math.min(0.5, rarest / rows), oddsTolerance: Math.min(toleranceMax, Math.exp(standardErrors / Math.sqrt(least))) };
}

function tenthOf(probability: number): number {
  return Math.min(tenths - 1, Math.floor(probability * tenths));
}
