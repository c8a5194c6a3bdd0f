/**
 * Has the performance that is estimated without labels left the band in which the reference's chunks lie?
 *
 * It is looked at four times a window, not more, and the chance of each look is its share of the budget of false alarms, so
 * that however long it runs there are no more than the budget allows, were chunks normal. Only what is worse counts. A
 * warning and no page: the estimate can not know that the same score has come to mean something else.
 */
import { alertBand } from "../../detectors/performance/alert-band.ts";
import type { Performance } from "../../detectors/performance/banded.ts";
import type { ReferenceChunks } from "../../detectors/performance/reference-chunks.ts";
import type { Judgement } from "../judgement.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { list, short } from "./words.ts";

export interface EstimateMonitorOptions {
  readonly model: string;
  readonly chunks: ReferenceChunks;
  /** Rows of a full window. */
  readonly window: number;
  /** Milliseconds. */
  readonly clear: number;
}

export interface EstimateSnapshot {
  readonly unlooked: number;
  readonly statistic: number;
  readonly alarm: AlarmSnapshot | undefined;
}

interface Watched {
  readonly metric: string;
  readonly word: string;
  /** 1 where more is better, -1 where more is worse. */
  readonly better: 1 | -1;
  readonly least: number;
  readonly most: number;
}

const watchable: readonly Watched[] = [
  { metric: "roc_auc", word: "ROC AUC", better: 1, least: 0, most: 1 },
  { metric: "accuracy", word: "accuracy", better: 1, least: 0, most: 1 },
  { metric: "mae", word: "mean absolute error", better: -1, least: 0, most: Infinity },
  { metric: "rmse", word: "root mean squared error", better: -1, least: 0, most: Infinity },
];

const looksPerWindow = 4;
/** On one side; never wider than what a person looks at. */
const chanceMax = 0.00135;

export class EstimateMonitor {
  readonly #options: EstimateMonitorOptions;
  readonly #watched: readonly Watched[];
  readonly #lookRows: number;
  readonly #alarm: Alarm;
  #unlooked = 0;
  /** The first figure, as it was at the last look. */
  #statistic = 0;

  constructor(options: EstimateMonitorOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    this.#watched = watchable.filter(({ metric }) => options.chunks.estimated[metric] !== undefined);
    this.#lookRows = Math.ceil(options.window / looksPerWindow);
    this.#alarm = new Alarm({ clearMs: options.clear, clearSamples: 2 * this.#lookRows }, judge);
  }

  /** A row was answered. */
  sampled(): void {
    this.#unlooked += 1;
    this.#alarm.sampled();
  }

  /** @param rows that the figures are of. @param samplesPerFalseAlarm A. */
  look(figures: Performance, rows: number, samplesPerFalseAlarm: number, nowMs: number, wallMs: number): void {
    if (this.#unlooked < this.#lookRows || rows < this.#lookRows) return;
    const chance = Math.min(chanceMax, this.#unlooked / samplesPerFalseAlarm / Math.max(1, this.#watched.length));
    this.#unlooked = 0;
    this.#statistic = figures[this.#watched[0]?.metric ?? ""]?.value ?? 0;
    const { model, chunks } = this.#options;
    const left = this.#watched.flatMap(({ metric, word, better, least, most }) => {
      const known = chunks.estimated[metric] ?? [];
      const figure = figures[metric];
      // Both sides of the band together have twice the chance of one.
      const band = figure && alertBand(known, { chance: 2 * chance, rowsRatio: chunks.rows / rows, least, most });
      if (figure === undefined || band === undefined) return [];
      if (better === 1 ? figure.value >= band.lower : figure.value <= band.upper) return [];
      const before = mean(known.filter((value) => value !== null));
      const text = `estimated ${word} ${better === 1 ? "fell" : "rose"} from ${short(before)} to ${short(figure.value)} (${short(figure.lower)} to ${short(figure.upper)})`;
      return [{ text, value: figure.value, bound: better === 1 ? band.lower : band.upper }];
    });
    const [first] = left;
    if (first === undefined) return;
    const message = `${model}: ${list(left.map(({ text }) => text), watchable.length)}, without labels`;
    this.#alarm.raise(
      { model, stream: "estimated-performance", detector: "alert-band", verdict: "warning", statistic: first.value, threshold: first.bound, culprits: [], message, atWallMs: wallMs },
      nowMs,
    );
  }

  tick(nowMs: number, wallMs: number): void {
    this.#alarm.tick(this.#statistic, nowMs, wallMs);
  }

  snapshot(nowMs: number): EstimateSnapshot {
    return { unlooked: this.#unlooked, statistic: this.#statistic, alarm: this.#alarm.snapshot(nowMs) };
  }

  restore({ unlooked, statistic, alarm }: EstimateSnapshot, nowMs: number): void {
    this.#unlooked = unlooked;
    this.#statistic = statistic;
    this.#alarm.restore(alarm, nowMs);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value / values.length, 0);
}
