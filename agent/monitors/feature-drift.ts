/**
 * Have the requests, or the model's score, drifted from the reference? Each column gathers evidence by itself; the mean of
 * all of it is what alarms, so the budget of false alarms is the model's and not each feature's, and the columns that hold
 * the evidence are the culprits. After an alarm these gather anew, and a drift that lasts alarms again; the others go on, so
 * that what moved less is named in its turn. When the alarm is over, all begin anew.
 *
 * Features count from all requests, whoever answered them: it is the clients' traffic that drifts. The score counts from the
 * primary's answers only.
 */
import { combineEvidence } from "../../detectors/guarantee/evidence.ts";
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Judgement, Share } from "../judgement.ts";
import type { Point } from "../observation.ts";
import type { FalseAlarmBudget } from "../units.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { ColumnMonitor, type ColumnSnapshot } from "./column-monitor.ts";
import { alarmThreshold, observeRows, rowRateStart, type RowRate } from "./row-rate.ts";
import { list, percent } from "./words.ts";

export interface FeatureDriftOptions {
  readonly model: string;
  readonly falseAlarms: FalseAlarmBudget;
  /** Rows. */
  readonly window: number;
  /** Milliseconds. */
  readonly clear: number;
}

export interface FeatureDriftSnapshot {
  readonly columns: readonly ColumnSnapshot[];
  readonly rate: RowRate;
  readonly alarm: AlarmSnapshot | undefined;
  readonly met: boolean;
  readonly unlooked: number;
}

/** Rows without an alarm that end one; a lasting drift is found again within far fewer. */
const clearRows = 500;
/** Rows after which the evidence is looked at, if a tick does not come first: looking costs as much as a row. */
const lookRows = 16;
/** Fewer rows are far from any reference by chance alone: no distance is told rather than a great one. */
const distanceRowsMin = 100;
const culpritsMax = 10;
const toldMax = 4;
/** The mean of the evidence is carried by its largest; a column is named beside it from this share on. */
const shareMin = 0.01;
/** Or where its own evidence would be a chance of at most one in 100,000 a row, though another's is greater by far. */
const ownLog10Min = 5;

export class FeatureDrift {
  readonly #options: FeatureDriftOptions;
  readonly #features: readonly ColumnMonitor[];
  readonly #score: ColumnMonitor | undefined;
  /** The features, then the score. */
  readonly #columns: readonly ColumnMonitor[];
  readonly #alarm: Alarm;
  #rate = rowRateStart;
  #rowsSinceTick = 0;
  /** Rows since the evidence was looked at. */
  #unlooked = 0;
  #tickMs: number | undefined;
  #threshold: number;
  /** True once a request had one of the features. */
  #met = false;
  /** Named since the alarm was raised, with the evidence (decimal logarithm) that each had gathered before it began anew. */
  readonly #named = new Map<ColumnMonitor, number>();

  constructor(reference: Reference, options: FeatureDriftOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    this.#features = reference.features.map((feature, index) => new ColumnMonitor(feature.name, feature, options.window, index + 1));
    this.#score = reference.score && new ColumnMonitor("score", reference.score, options.window, 0);
    this.#columns = this.#score === undefined ? this.#features : [...this.#features, this.#score];
    this.#alarm = new Alarm({ clearMs: options.clear, clearSamples: clearRows }, (judgement) => {
      if (judgement.verdict === "stable") this.#beginAnew();
      judge(judgement);
    });
    this.#threshold = Math.log10(alarmThreshold(options.falseAlarms, this.#rate));
  }

  /**
   * A batch of rows. A feature that the request lacks counts as null.
   *
   * @param scores one for each row; undefined where the primary did not answer.
   * @returns false while no request had any of the features: then the reference is of something else, and nothing is judged.
   */
  hear(columns: ReadonlyMap<string, readonly Value[]>, rows: number, scores: readonly Value[] | undefined, nowMs: number, wallMs: number): boolean {
    const values = this.#features.map(({ name }) => columns.get(name));
    this.#met ||= values.some((column) => column !== undefined);
    if (!this.#met) return false;
    for (let row = 0; row < rows; row += 1) {
      for (const [index, feature] of this.#features.entries()) feature.push(values[index]?.[row] ?? null);
      if (scores !== undefined) this.#score?.push(scores[row] ?? null);
      this.#alarm.sampled();
      this.#unlooked += 1;
      if (this.#unlooked >= lookRows) this.#look(nowMs, wallMs);
    }
    this.#rowsSinceTick += rows;
    return true;
  }

  tick(nowMs: number, wallMs: number): readonly Point[] {
    if (this.#tickMs !== undefined) this.#rate = observeRows(this.#rate, this.#rowsSinceTick, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
    this.#rowsSinceTick = 0;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, this.#rate));
    if (this.#unlooked > 0) this.#look(nowMs, wallMs);
    const all = combineEvidence(this.#logs()).log10;
    this.#alarm.tick(all, nowMs, wallMs);
    return this.#met ? this.#points(all) : [];
  }

  snapshot(nowMs: number): FeatureDriftSnapshot {
    return {
      columns: this.#columns.map((column) => column.snapshot()),
      rate: this.#rate,
      alarm: this.#alarm.snapshot(nowMs),
      met: this.#met,
      unlooked: this.#unlooked,
    };
  }

  restore({ columns, rate, alarm, met, unlooked }: FeatureDriftSnapshot, nowMs: number): void {
    for (const [index, column] of this.#columns.entries()) column.restore(columns[index] as ColumnSnapshot);
    this.#rate = rate;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, rate));
    this.#met = met;
    this.#unlooked = unlooked;
    this.#alarm.restore(alarm, nowMs);
  }

  #logs(): readonly number[] {
    return this.#columns.map((column) => column.logEvidence());
  }

  #look(nowMs: number, wallMs: number): void {
    this.#unlooked = 0;
    const { log10, shares } = combineEvidence(this.#logs());
    if (log10 < this.#threshold) return;
    const carriers = this.#columns.filter((column, index) => (shares[index] as number) >= shareMin);
    for (const column of this.#columns) {
      if (!this.#named.has(column) && (carriers.includes(column) || own(column) >= ownLog10Min)) this.#named.set(column, 0);
    }
    this.#alarm.raise(this.#judgement(log10, wallMs), nowMs);
    for (const column of carriers) {
      this.#named.set(column, (this.#named.get(column) ?? 0) + own(column));
      column.restart();
    }
  }

  #beginAnew(): void {
    this.#named.clear();
    for (const column of this.#columns) column.restart();
  }

  #judgement(log10: number, wallMs: number): Judgement {
    const { model } = this.#options;
    const moved = [...this.#named].map(([column, before]) => ({ column, evidence: before + Math.max(0, own(column)) })).sort((a, b) => b.evidence - a.evidence);
    const all = moved.reduce((sum, { evidence }) => sum + evidence, 0);
    const culprits: readonly Share[] = moved.slice(0, culpritsMax).map(({ column, evidence }) => ({ name: column.name, share: evidence / all }));
    const told = moved.map(({ column, evidence }) => `${column.name} (${percent(evidence / all)} of the evidence; ${column.describe()})`);
    return {
      model,
      stream: "features",
      detector: "conformal-e-detector",
      verdict: "drift",
      statistic: log10,
      threshold: this.#threshold,
      culprits,
      message: `${model} drifted: ${list(told, toldMax)}`,
      atWallMs: wallMs,
    };
  }

  #points(all: number): readonly Point[] {
    const { model } = this.#options;
    const points: Point[] = [
      { instrument: instruments.driftThreshold, labels: { model }, value: this.#threshold },
      { instrument: instruments.driftEvidence, labels: { model, feature: "all" }, value: all },
      { instrument: instruments.windowSamples, labels: { model }, value: Math.max(...this.#columns.map((column) => column.rows())) },
    ];
    for (const column of this.#columns) {
      const feature = column.name;
      if (column.rows() === 0) continue;
      points.push({ instrument: instruments.driftEvidence, labels: { model, feature }, value: own(column) });
      if (column.rows() < distanceRowsMin) continue;
      const { psi, jensenShannon } = column.distances();
      points.push({ instrument: instruments.driftDistance, labels: { model, feature, measure: "psi" }, value: psi });
      points.push({ instrument: instruments.driftDistance, labels: { model, feature, measure: "jensen_shannon" }, value: jensenShannon });
    }
    return points;
  }
}

/** The decimal logarithm of a column's evidence. */
function own(column: ColumnMonitor): number {
  return column.logEvidence() / Math.LN10;
}
