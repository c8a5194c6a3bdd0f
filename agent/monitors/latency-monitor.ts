/**
 * Has the primary become slower? Page and Hinkley's test on one value a second, the logarithm of that second's median
 * latency: a logarithm, because a doubling matters as much at 2 ms as at 200; a median, because a single slow request is no
 * change. A value counts at most a third of the threshold, so a single odd second never warns.
 */
import { pageHinkley, type PageHinkleyState } from "../../detectors/change/page-hinkley.ts";
import type { Judgement } from "../judgement.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { OnsetMemory, type OnsetSnapshot } from "./onset.ts";
import { lasts, restoreRise, saveRise, type Rise } from "./rise.ts";
import { short } from "./words.ts";

export interface LatencyMonitorOptions {
  readonly model: string;
  /** Rise of the logarithm that is slack. */
  readonly delta: number;
  /** Seconds times the rise beyond the slack. */
  readonly lambda: number;
  /** Milliseconds. */
  readonly clear: number;
}

export interface LatencySnapshot {
  readonly test: PageHinkleyState;
  readonly recent: number;
  readonly rise: Rise | undefined;
  readonly byMinute: OnsetSnapshot;
  readonly alarm: AlarmSnapshot | undefined;
}

/** Seconds with answers before the first warning. */
const warmup = 30;
/** Answers of one second that are looked at; the first ones stand for the rest. */
const perSecondMax = 1_000;
/** Seconds that the present level is a mean of, the newest weighing most. */
const recentSeconds = 5;

export class LatencyMonitor {
  readonly #options: LatencyMonitorOptions;
  readonly #detector: ReturnType<typeof pageHinkley>;
  readonly #alarm: Alarm;
  /** The logarithms. */
  readonly #byMinute = new OnsetMemory();
  #durations: number[] = [];
  #secondMs: number | undefined;
  #test: PageHinkleyState;
  /** Of the logarithms. */
  #recent = NaN;
  #rise: Rise | undefined;

  constructor(options: LatencyMonitorOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    this.#detector = pageHinkley({ delta: options.delta, threshold: options.lambda, warmup, alpha: 1, mode: "up" });
    this.#alarm = new Alarm({ clearMs: options.clear, clearSamples: warmup }, judge);
    this.#test = this.#detector.start();
  }

  push(durationMs: number, nowMs: number, wallMs: number): void {
    this.#closeSecond(nowMs, wallMs);
    this.#secondMs ??= nowMs;
    if (this.#durations.length < perSecondMax) this.#durations.push(durationMs);
  }

  tick(nowMs: number, wallMs: number): void {
    this.#closeSecond(nowMs, wallMs);
    this.#alarm.tick(this.#detector.read(this.#test).statistic, nowMs, wallMs);
    if (!this.#alarm.raised) this.#rise = undefined;
  }

  snapshot(nowMs: number): LatencySnapshot {
    return { test: this.#test, recent: this.#recent, rise: saveRise(this.#rise, nowMs), byMinute: this.#byMinute.snapshot(), alarm: this.#alarm.snapshot(nowMs) };
  }

  restore({ test, recent, rise, byMinute, alarm }: LatencySnapshot, nowMs: number): void {
    this.#test = test;
    this.#recent = recent;
    this.#rise = restoreRise(rise, nowMs);
    this.#byMinute.restore(byMinute);
    this.#alarm.restore(alarm, nowMs);
  }

  #closeSecond(nowMs: number, wallMs: number): void {
    if (this.#secondMs === undefined || nowMs - this.#secondMs < 1_000) return;
    const log = Math.log(Math.max(0.01, median(this.#durations)));
    this.#durations = [];
    this.#secondMs = undefined;
    this.#recent = Number.isNaN(this.#recent) ? log : this.#recent + (log - this.#recent) / recentSeconds;
    this.#alarm.sampled();

    const { mean, count } = this.#test;
    const most = this.#options.delta + this.#options.lambda / 3;
    const bounded = count === 0 ? log : Math.min(mean + most, Math.max(mean - most, log));
    this.#byMinute.push(bounded, wallMs);
    this.#test = this.#detector.step(this.#test, bounded);
    const { verdict, statistic, threshold } = this.#detector.read(this.#test);
    if (verdict === "drift") this.#warn(mean, statistic, threshold, nowMs, wallMs);
    else if (this.#rise !== undefined && lasts(this.#rise, this.#recent, nowMs)) this.#alarm.hold(nowMs, wallMs, this.#byMinute.rise());
  }

  #warn(from: number, statistic: number, threshold: number, nowMs: number, wallMs: number): void {
    const { model } = this.#options;
    const to = this.#recent;
    this.#test = this.#detector.start();
    this.#rise = { from, to, sinceMs: nowMs };
    this.#alarm.raise(
      {
        model,
        stream: "latency",
        detector: "page-hinkley",
        verdict: "warning",
        statistic,
        threshold,
        culprits: [],
        message: `${model}: the median latency rose from ${short(Math.exp(from))} ms to ${short(Math.exp(to))} ms`,
        onset: this.#byMinute.rise(),
        atWallMs: wallMs,
      },
      nowMs,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
