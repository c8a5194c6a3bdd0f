/**
 * The alarms on what came true, row by joined row.
 *
 * | stream | asks | by | is |
 * |---|---|---|---|
 * | mistakes | wrong more often than lately? | ADWIN | a page |
 * | error-rate | wrong more often than on the reference? | e-detector, under the budget | a page |
 * | calibration | do scores mean what they meant? | e-detector, under the budget | a warning |
 *
 * The budget is turned into rows by how many are joined in a second, not by how many are answered.
 */
import type { PerformanceEstimator } from "../../detectors/performance/estimator.ts";
import type { Reference } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Judgement } from "../judgement.ts";
import type { Point } from "../observation.ts";
import type { FalseAlarmBudget } from "../units.ts";
import { CalibrationMonitor, type CalibrationSnapshot } from "./calibration-monitor.ts";
import { ErrorRateMonitor, knownErrors, unseenRise, type ErrorRateSnapshot, type KnownErrors } from "./error-rate-monitor.ts";
import { OnsetMemory, type OnsetSnapshot } from "./onset.ts";
import { RateMonitor, type RateSnapshot } from "./rate-monitor.ts";
import { alarmThreshold, observeRows, rowRateStart, type RowRate } from "./row-rate.ts";

export interface PerformanceAlarmsOptions {
  readonly model: string;
  readonly falseAlarms: FalseAlarmBudget;
  /** Milliseconds. */
  readonly clear: number;
  readonly reference: Reference | undefined;
  /** Of the reference, where it can be used. */
  readonly estimator: PerformanceEstimator | undefined;
}

/** What a joined row says. */
export interface Outcome {
  /** Undefined where no class was predicted. */
  readonly mistake: 0 | 1 | undefined;
  /** Of the positive one of two classes; NaN where there is none. */
  readonly score: number;
  /** 1 where that class came true; undefined where neither did. */
  readonly positive: 0 | 1 | undefined;
  /** When the answer was given. */
  readonly answeredWallMs: number;
}

export interface PerformanceAlarmsSnapshot {
  readonly rate: RowRate;
  readonly mistakes: RateSnapshot;
  readonly mistakesByMinute: OnsetSnapshot;
  readonly errorRate: ErrorRateSnapshot | undefined;
  readonly calibration: CalibrationSnapshot | undefined;
}

/** A rise of the share of wrong predictions that is smaller matters to nobody. */
const riseMin = 0.01;

export class PerformanceAlarms {
  readonly #options: PerformanceAlarmsOptions;
  readonly #known: KnownErrors | undefined;
  readonly #mistakes: RateMonitor;
  readonly #mistakesByMinute = new OnsetMemory();
  readonly #errorRate: ErrorRateMonitor | undefined;
  readonly #calibration: CalibrationMonitor | undefined;
  #rate = rowRateStart;
  #sinceTick = 0;
  #tickMs: number | undefined;
  /** Decimal logarithm of A. */
  #threshold: number;

  constructor(options: PerformanceAlarmsOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    const { model, falseAlarms, clear, reference, estimator } = options;
    const samplesPerFalseAlarm = alarmThreshold(falseAlarms, rowRateStart);
    this.#threshold = Math.log10(samplesPerFalseAlarm);
    const onset = () => this.#mistakesByMinute.rise();
    this.#mistakes = new RateMonitor({ model, clear, stream: "mistakes", verdict: "drift", riseMin, what: "the share of wrong predictions", onset }, judge);
    const known = reference && knownErrors(reference);
    this.#known = known;
    if (known !== undefined) this.#errorRate = new ErrorRateMonitor({ model, known, clear, samplesPerFalseAlarm, onset }, judge);
    if (estimator?.problem === "binary") this.#calibration = new CalibrationMonitor({ model, estimator, clear, samplesPerFalseAlarm }, judge);
  }

  hear({ mistake, score, positive, answeredWallMs }: Outcome, nowMs: number, wallMs: number): void {
    this.#sinceTick += 1;
    if (mistake !== undefined) {
      this.#mistakesByMinute.push(mistake, answeredWallMs);
      this.#mistakes.push(mistake, nowMs, wallMs);
      this.#errorRate?.push(mistake, this.#threshold, nowMs, wallMs);
    }
    if (positive !== undefined) this.#calibration?.push(score, positive, this.#threshold, nowMs, wallMs, answeredWallMs);
  }

  tick(nowMs: number, wallMs: number): void {
    if (this.#tickMs !== undefined) this.#rate = observeRows(this.#rate, this.#sinceTick, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
    this.#sinceTick = 0;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, this.#rate));
    this.#mistakes.tick(nowMs, wallMs);
    this.#errorRate?.tick(nowMs, wallMs);
    this.#calibration?.tick(nowMs, wallMs);
  }

  points(): readonly Point[] {
    const { model } = this.#options;
    const evidence = Object.entries({ "error-rate": this.#errorRate, calibration: this.#calibration }).flatMap(([stream, monitor]): Point[] => {
      const value = monitor?.statistic() ?? -Infinity;
      return value === -Infinity ? [] : [{ instrument: instruments.performanceEvidence, labels: { model, stream }, value }];
    });
    return evidence.length === 0 ? [] : [...evidence, { instrument: instruments.performanceThreshold, labels: { model }, value: this.#threshold }];
  }

  /** Which rise of the error rate may go unseen, for a person; undefined where the reference tells of none. */
  unseen(within: number): string | undefined {
    return this.#known && unseenRise(this.#known, 10 ** this.#threshold, within);
  }

  snapshot(nowMs: number): PerformanceAlarmsSnapshot {
    return { rate: this.#rate, mistakes: this.#mistakes.snapshot(nowMs), mistakesByMinute: this.#mistakesByMinute.snapshot(), errorRate: this.#errorRate?.snapshot(nowMs), calibration: this.#calibration?.snapshot(nowMs) };
  }

  restore({ rate, mistakes, mistakesByMinute, errorRate, calibration }: PerformanceAlarmsSnapshot, nowMs: number): void {
    this.#rate = rate;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, rate));
    this.#mistakesByMinute.restore(mistakesByMinute);
    this.#mistakes.restore(mistakes, nowMs);
    if (errorRate !== undefined) this.#errorRate?.restore(errorRate, nowMs);
    if (calibration !== undefined) this.#calibration?.restore(calibration, nowMs);
  }
}
