/**
 * Is the model wrong more often than on its reference? An e-detector on the mistakes, against the upper bound (at 99 %) of
 * the reference's error rate: while the rate does not pass that bound, a false alarm comes within t rows with probability
 * t/A at most, whatever the mistakes have to do with each other.
 *
 * It stands beside ADWIN on the same mistakes (stream `mistakes`), because they answer two questions. ADWIN needs no
 * reference, compares with what came lately and so finds a change that is still within the reference's bound, or beyond a
 * small reference's means; but it promises nothing, gets used to any level, and a model that is wrong from its first row, or
 * worse a little every day, never alarms it. This one has the budget's promise and never gets used to anything.
 */
import { meanEDetector, type MeanEState } from "../../detectors/guarantee/mean-e-detector.ts";
import { detectableRiseInWords } from "../../detectors/guarantee/detectable-rise.ts";
import { rateUpperBound } from "../../detectors/guarantee/rate-upper-bound.ts";
import type { Detector } from "../../detectors/detector.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import type { Judgement, Onset } from "../judgement.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { lasts, restoreRise, saveRise, type Rise } from "./rise.ts";
import { percent } from "./words.ts";

export interface KnownErrors {
  readonly errors: number;
  /** With their actuals. */
  readonly rows: number;
}

export interface ErrorRateOptions {
  readonly model: string;
  readonly known: KnownErrors;
  /** Milliseconds. */
  readonly clear: number;
  /** A as it is at the start. */
  readonly samplesPerFalseAlarm: number;
  /** When the last rise of the mistakes began. */
  readonly onset?: (() => Onset | undefined) | undefined;
}

export interface ErrorRateSnapshot {
  readonly evidence: MeanEState;
  readonly recent: number;
  readonly rise: Rise | undefined;
  readonly alarm: AlarmSnapshot | undefined;
}

const confidence = 0.99;
/** The present rate is a mean over about so many rows, the newest weighing most. */
const recentRows = 100;
/** Rows without evidence that end an alarm. */
const clearRows = 50;

export class ErrorRateMonitor {
  readonly #model: string;
  readonly #rate: number;
  readonly #baseline: number;
  readonly #detector: Detector<MeanEState>;
  readonly #alarm: Alarm;
  readonly #onset: ErrorRateOptions["onset"];
  #evidence: MeanEState;
  #recent: number;
  #rise: Rise | undefined;
  #heard = false;

  constructor({ model, known, clear, samplesPerFalseAlarm, onset }: ErrorRateOptions, judge: (judgement: Judgement) => void) {
    this.#model = model;
    this.#onset = onset;
    this.#rate = known.errors / known.rows;
    this.#baseline = rateUpperBound(known.errors, known.rows, confidence);
    this.#detector = meanEDetector({ baseline: this.#baseline, samplesPerFalseAlarm });
    this.#alarm = new Alarm({ clearMs: clear, clearSamples: clearRows }, judge);
    this.#evidence = this.#detector.start();
    this.#recent = this.#rate;
  }

  /** 1 for a mistake. @param threshold decimal logarithm of A. */
  push(mistake: 0 | 1, threshold: number, nowMs: number, wallMs: number): void {
    this.#evidence = this.#detector.step(this.#evidence, mistake);
    this.#recent += (mistake - this.#recent) / recentRows;
    this.#heard = true;
    this.#alarm.sampled();
    const statistic = this.statistic();
    if (statistic < threshold) return;

    this.#evidence = this.#detector.start();
    this.#rise = { from: this.#rate, to: this.#recent, sinceMs: nowMs };
    this.#alarm.raise(
      {
        model: this.#model,
        stream: "error-rate",
        detector: "mean-e-detector",
        verdict: "drift",
        statistic,
        threshold,
        culprits: [],
        message: `${this.#model}: ${percent(this.#recent)} of the predictions were wrong lately, on the reference ${percent(this.#rate)} (up to ${percent(this.#baseline)} counts as the same)`,
        onset: this.#onset?.(),
        atWallMs: wallMs,
      },
      nowMs,
    );
  }

  /** Decimal logarithm of the evidence. */
  statistic(): number {
    return this.#detector.read(this.#evidence).statistic;
  }

  tick(nowMs: number, wallMs: number): void {
    if (this.#heard && this.#rise !== undefined && lasts(this.#rise, this.#recent, nowMs)) this.#alarm.hold(nowMs, wallMs, this.#onset?.());
    this.#heard = false;
    this.#alarm.tick(this.statistic(), nowMs, wallMs);
    if (!this.#alarm.raised) this.#rise = undefined;
  }

  snapshot(nowMs: number): ErrorRateSnapshot {
    return { evidence: this.#evidence, recent: this.#recent, rise: saveRise(this.#rise, nowMs), alarm: this.#alarm.snapshot(nowMs) };
  }

  restore({ evidence, recent, rise, alarm }: ErrorRateSnapshot, nowMs: number): void {
    this.#evidence = evidence;
    this.#recent = recent;
    this.#rise = restoreRise(rise, nowMs);
    this.#alarm.restore(alarm, nowMs);
  }
}

/**
 * What the reference tells of the model's mistakes; undefined where it tells nothing. The chunks that an estimator was made
 * with say on how many rows the actual was asked for.
 */
export function knownErrors({ rows, performance, estimator }: Reference): KnownErrors | undefined {
  const accuracy = performance?.["accuracy"];
  if (accuracy === undefined || !(accuracy >= 0 && accuracy <= 1)) return undefined;
  const chunks = estimator?.chunks;
  const figures = chunks?.realised["accuracy"]?.filter((figure) => figure !== null);
  const labelled = chunks === undefined || figures === undefined ? rows : Math.min(rows, chunks.rows * figures.length);
  return labelled < 1 ? undefined : { errors: Math.round((1 - accuracy) * labelled), rows: labelled };
}

/** Which rise of the error rate may go unseen, for a person. */
export function unseenRise({ errors, rows }: KnownErrors, samplesPerFalseAlarm: number, within: number): string {
  return detectableRiseInWords({ successes: errors, n: rows, confidence, samplesPerFalseAlarm, within }, { reference: "rows with their actuals", values: "actuals" });
}
