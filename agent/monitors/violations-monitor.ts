/**
 * Do more values break the reference's rules than before: missing, of another type, out of range, unknown? For each column
 * an e-detector on the rate of violations, all of them under one budget of false alarms, as the features' drift has.
 *
 * A rate counts as normal up to the upper bound of what the reference shows (at 99 %), since a reference of 500 rows without
 * a null does not prove that there are none. The least and the greatest value known are a sample's: two rows in so many as
 * the reference has will pass them as a matter of course.
 */
import { combineEvidence } from "../../detectors/guarantee/evidence.ts";
import { meanEDetector, type MeanEState } from "../../detectors/guarantee/mean-e-detector.ts";
import { rateUpperBound } from "../../detectors/guarantee/rate-upper-bound.ts";
import { violationCount, violations, violationsByCell, type Violation } from "../../detectors/quality/schema.ts";
import type { Detector } from "../../detectors/detector.ts";
import type { FeatureReference } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Judgement, Share } from "../judgement.ts";
import type { Point } from "../observation.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { list, percent } from "./words.ts";

export interface WatchedColumn {
  readonly name: string;
  readonly reference: FeatureReference;
  /** Of the window, per cell. */
  counts(): ArrayLike<number>;
  rows(): number;
  /** Of the latest hundred values. */
  recentCounts(): ArrayLike<number>;
}

export interface ViolationsSnapshot {
  readonly states: readonly MeanEState[];
  readonly alarm: AlarmSnapshot | undefined;
}

interface Rate {
  readonly column: WatchedColumn;
  readonly byCell: readonly (Violation | undefined)[];
  readonly detector: Detector<MeanEState>;
  state: MeanEState;
}

const confidence = 0.99;
const clearRows = 500;
/** Fewer rows than this in a window are no rate yet. */
const rowsMin = 100;
const toldMax = 4;
const culpritsMax = 10;
const shareMin = 0.01;

export class ViolationsMonitor {
  readonly #model: string;
  readonly #alarm: Alarm;
  readonly #rates: readonly Rate[];

  /** The threshold is set at each look; the detectors' own only tells how much of a pot is given away at each step. */
  constructor(columns: readonly WatchedColumn[], { model, clear, samplesPerFalseAlarm }: { readonly model: string; readonly clear: number; readonly samplesPerFalseAlarm: number }, judge: (judgement: Judgement) => void) {
    this.#model = model;
    this.#alarm = new Alarm({ clearMs: clear, clearSamples: clearRows }, (judgement) => {
      if (judgement.verdict === "stable") for (const rate of this.#rates) rate.state = rate.detector.start();
      judge(judgement);
    });
    // Most columns have the same normal rate, and so share a detector; those of as many cells, a table.
    const detectors = new Map<number, Detector<MeanEState>>();
    const tables = new Map<string, Rate["byCell"]>();
    this.#rates = columns.map((column) => {
      const { reference } = column;
      const baseline = normalRate(reference);
      const detector = detectors.get(baseline) ?? meanEDetector({ baseline, samplesPerFalseAlarm });
      detectors.set(baseline, detector);
      const shape = `${reference.kind} ${reference.counts.length}`;
      const byCell = tables.get(shape) ?? violationsByCell(reference);
      tables.set(shape, byCell);
      return { column, byCell, detector, state: detector.start() };
    });
  }

  /** One value of a column, by the cell that it fell into. */
  push(index: number, cell: number): void {
    const rate = this.#rates[index] as Rate;
    rate.state = rate.detector.step(rate.state, rate.byCell[cell] === undefined ? 0 : 1);
  }

  /** After a row. */
  sampled(): void {
    this.#alarm.sampled();
  }

  /** @param threshold decimal logarithm of A. */
  look(threshold: number, nowMs: number, wallMs: number): void {
    const { log10, shares } = combineEvidence(this.#logs());
    if (log10 < threshold) return;
    const carriers = this.#rates.map((rate, index) => ({ rate, share: shares[index] as number })).filter(({ share }) => share >= shareMin);
    carriers.sort((a, b) => b.share - a.share);
    const culprits: readonly Share[] = carriers.slice(0, culpritsMax).map(({ rate, share }) => ({ name: rate.column.name, share }));
    const told = carriers.map(({ rate }) => `${rate.column.name} (${worst(rate)})`);
    this.#alarm.raise(
      {
        model: this.#model,
        stream: "violations",
        detector: "mean-e-detector",
        verdict: "warning",
        statistic: log10,
        threshold,
        culprits,
        message: `${this.#model}: more values than before break the reference's rules: ${list(told, toldMax)}`,
        atWallMs: wallMs,
      },
      nowMs,
    );
    for (const { rate } of carriers) rate.state = rate.detector.start();
  }

  tick(nowMs: number, wallMs: number): void {
    this.#alarm.tick(combineEvidence(this.#logs()).log10, nowMs, wallMs);
  }

  points(): readonly Point[] {
    const points: Point[] = [];
    for (const rate of this.#rates) {
      if (rate.column.rows() < rowsMin) continue;
      for (const violation of violations) {
        const now = ratio(rate, violation, rate.column.counts());
        // Series of what never happened would be many and say nothing.
        if (now > 0) points.push({ instrument: instruments.violations, labels: { model: this.#model, feature: rate.column.name, violation }, value: now });
      }
    }
    return points;
  }

  snapshot(nowMs: number): ViolationsSnapshot {
    return { states: this.#rates.map(({ state }) => state), alarm: this.#alarm.snapshot(nowMs) };
  }

  restore({ states, alarm }: ViolationsSnapshot, nowMs: number): void {
    for (const [index, rate] of this.#rates.entries()) rate.state = states[index] as MeanEState;
    this.#alarm.restore(alarm, nowMs);
  }

  #logs(): readonly number[] {
    return this.#rates.map(({ detector, state }) => detector.read(state).statistic * Math.LN10);
  }
}

function normalRate(reference: FeatureReference): number {
  const known = violations.reduce((sum, violation) => sum + violationCount(reference, violation), 0);
  return rateUpperBound(Math.min(reference.rows, known + (reference.kind === "numeric" ? 2 : 0)), reference.rows, confidence);
}

function ratio({ byCell }: Rate, violation: Violation, counts: ArrayLike<number>): number {
  let [broken, rows] = [0, 0];
  for (const [cell, one] of byCell.entries()) {
    rows += counts[cell] as number;
    if (one === violation) broken += counts[cell] as number;
  }
  return rows === 0 ? 0 : broken / rows;
}

/** `range 0 % to 12 %`, of what rose most, from the reference to the latest values. */
function worst(rate: Rate): string {
  const latest = rate.column.recentCounts();
  const risen = violations.map((violation) => ({ violation, before: ratio(rate, violation, rate.column.reference.counts), now: ratio(rate, violation, latest) }));
  const { violation, before, now } = risen.sort((a, b) => b.now - b.before - (a.now - a.before))[0] as (typeof risen)[number];
  return `${violation} ${percent(before)} to ${percent(now)}`;
}
