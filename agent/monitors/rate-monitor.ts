/**
 * Has a rate risen: the primary's failures, the model's mistakes? ADWIN on a stream of 0 and 1, which needs no reference: it
 * compares what came lately with what came before. A rate that fell is good news and starts the detector anew.
 *
 * ADWIN has no budget of false alarms (measured at its default: about one in ten million values), so its bound is set
 * tighter here, and a rise too small to matter to anybody is let pass however sure it is.
 */
import { adwin, type AdwinState, adwinTotal } from "../../detectors/change/adwin.ts";
import type { Verdict } from "../../detectors/detector.ts";
import type { Judgement, Onset } from "../judgement.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { lasts, restoreRise, saveRise, type Rise } from "./rise.ts";
import { percent } from "./words.ts";

export interface RateMonitorOptions {
  readonly model: string;
  readonly stream: string;
  /** What a rise is: a page (`drift`) or a `warning`. */
  readonly verdict: Extract<Verdict, "drift" | "warning">;
  /** The least rise that matters, as a ratio. */
  readonly riseMin: number;
  /** Completes "MODEL: … rose from 1 % to 5 %". */
  readonly what: string;
  /** Milliseconds. */
  readonly clear: number;
  /** When the last rise began. */
  readonly onset?: (() => Onset | undefined) | undefined;
}

export interface RateSnapshot {
  readonly adwin: AdwinState;
  readonly recent: number;
  readonly rise: Rise | undefined;
  readonly alarm: AlarmSnapshot | undefined;
}

const detector = adwin({ delta: 1e-4 });
/** The present rate is a mean over about so many values, the newest weighing most: ADWIN cuts as soon as it may, so what it keeps is still half old. */
const recentValues = 100;
/** Values without a rise that end an alarm. */
const clearValues = 50;

export class RateMonitor {
  readonly #options: RateMonitorOptions;
  readonly #alarm: Alarm;
  #state = detector.start();
  #recent = NaN;
  #rise: Rise | undefined;
  #heard = false;

  constructor(options: RateMonitorOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    this.#alarm = new Alarm({ clearMs: options.clear, clearSamples: clearValues }, judge);
  }

  /** 1 for a failure or a mistake, 0 for none. */
  push(value: 0 | 1, nowMs: number, wallMs: number): void {
    const { width } = this.#state;
    const total = adwinTotal(this.#state);
    this.#state = detector.step(this.#state, value);
    this.#recent = Number.isNaN(this.#recent) ? value : this.#recent + (value - this.#recent) / recentValues;
    this.#heard = true;
    this.#alarm.sampled();
    const { verdict, statistic, threshold } = detector.read(this.#state);
    if (verdict !== "drift") return;

    // What ADWIN let go is older than the change.
    const from = (total + value - adwinTotal(this.#state)) / (width + 1 - this.#state.width);
    const to = this.#recent;
    this.#state = detector.start();
    if (to - from < this.#options.riseMin) return;

    const { model, stream, what } = this.#options;
    this.#rise = { from, to, sinceMs: nowMs };
    this.#alarm.raise(
      {
        model,
        stream,
        detector: "adwin",
        verdict: this.#options.verdict,
        statistic,
        threshold,
        culprits: [],
        message: `${model}: ${what} rose from ${percent(from)} to ${percent(to)}`,
        onset: this.#options.onset?.(),
        atWallMs: wallMs,
      },
      nowMs,
    );
  }

  tick(nowMs: number, wallMs: number): void {
    if (this.#heard && this.#rise !== undefined && lasts(this.#rise, this.#recent, nowMs)) this.#alarm.hold(nowMs, wallMs, this.#options.onset?.());
    this.#heard = false;
    this.#alarm.tick(detector.read(this.#state).statistic, nowMs, wallMs);
    if (!this.#alarm.raised) this.#rise = undefined;
  }

  snapshot(nowMs: number): RateSnapshot {
    return { adwin: this.#state, recent: this.#recent, rise: saveRise(this.#rise, nowMs), alarm: this.#alarm.snapshot(nowMs) };
  }

  restore(saved: RateSnapshot, nowMs: number): void {
    this.#state = saved.adwin;
    this.#recent = saved.recent;
    this.#rise = restoreRise(saved.rise, nowMs);
    this.#alarm.restore(saved.alarm, nowMs);
  }
}
