/**
 * Have the requests, or the model's score, drifted from the reference? Each column gathers evidence by itself; the mean of
 * all of it is what alarms, so the budget of false alarms is the model's and not each feature's, and the columns that hold
 * the evidence are the culprits. After an alarm these gather anew, and a drift that lasts alarms again; the others go on, so
 * that what moved less is named in its turn. When the alarm is over, all begin anew.
 *
 * Features count from all requests, whoever answered them: it is the clients' traffic that drifts. The score counts from the
 * primary's answers only. Where the reference says that rows depend on each other, only every so-manyth enters the evidence;
 * where it says that hours differ, a row is ranked among those of its hour.
 *
 * Before any statistic a person is told the cause, where the data's handling is one: another unit, a constant, nulls.
 */
import { combineEvidence } from "../../detectors/guarantee/evidence.ts";
import { causesOf } from "../../detectors/quality/causes.ts";
import type { Cause } from "../../detectors/quality/cause.ts";
import { blockWindow, type BlockWindow } from "../../detectors/reference/block-window.ts";
import { cellCount, type FeatureReference, type Reference, type Value } from "../../detectors/reference/reference.ts";
import { rowScorer, type RowScorer } from "../../detectors/multivariate/row-reference.ts";
import { seasonOf } from "../../detectors/reference/seasons.ts";
import { instruments } from "../../exporters/instruments.ts";
import { isDerived } from "../featuriser/derived.ts";
import type { FeatureView } from "../feature-view.ts";
import type { Judgement, Share } from "../judgement.ts";
import type { Point } from "../observation.ts";
import type { FalseAlarmBudget } from "../units.ts";
import { Alarm, type AlarmSnapshot } from "./alarm.ts";
import { ColumnMonitor, type ColumnSnapshot } from "./column-monitor.ts";
import { describeFeatures } from "./describe-features.ts";
import { FeatureBins } from "./feature-bins.ts";
import { ScoreOnset, type ScoreOnsetSnapshot } from "./score-onset.ts";
import { recentRows } from "./recent-values.ts";
import { referenceDigest } from "./reference-file.ts";
import { alarmThreshold, observeRows, rowRateStart, type RowRate } from "./row-rate.ts";
import { ViolationsMonitor, type ViolationsSnapshot } from "./violations-monitor.ts";
import { list, percent } from "./words.ts";

export interface FeatureDriftOptions {
  readonly model: string;
  readonly falseAlarms: FalseAlarmBudget;
  /** Rows. */
  readonly window: number;
  /** Milliseconds. */
  readonly clear: number;
  /** Features whose bins are counted; none without it. */
  readonly bins?: number | undefined;
}

export interface FeatureDriftSnapshot {
  readonly columns: readonly ColumnSnapshot[];
  readonly rate: RowRate;
  readonly alarm: AlarmSnapshot | undefined;
  readonly met: boolean;
  readonly unlooked: number;
  readonly skipped: number;
  readonly violations: ViolationsSnapshot;
  readonly scores: ScoreOnsetSnapshot | undefined;
}

/** Rows without an alarm that end one; a lasting drift is found again within far fewer. */
const clearRows = 500;
/** Rows after which the evidence is looked at, if a tick does not come first: looking costs as much as a row. */
const lookRows = 16;
/** Fewer rows are far from any reference by chance alone: no distance is told rather than a great one. */
const distanceRowsMin = 100;
const culpritsMax = 10;
const toldMax = 4;
/** A feature with such a share of the evidence explains why rows are strange as a whole. */
const shareMin = 0.05;
/** A change is often younger than the values that are kept: where all of them show no cause, the latest may. */
const causeRows = [recentRows, 15];

export class FeatureDrift {
  readonly #options: FeatureDriftOptions;
  readonly #features: readonly ColumnMonitor[];
  /** For each feature whether a featuriser makes it. */
  readonly #isDerived: readonly boolean[];
  readonly #score: ColumnMonitor | undefined;
  readonly #scoreOnset: ScoreOnset | undefined;
  readonly #scorer: RowScorer | undefined;
  /** The row that is heard now. */
  readonly #row: Value[] = [];
  /** How strange a row is as a whole, by each measure of the reference's. */
  readonly #rowMeasures: readonly ColumnMonitor[];
  /** The features, the score, the measures of whole rows. */
  readonly #columns: readonly ColumnMonitor[];
  readonly #violations: ViolationsMonitor;
  readonly #bins: FeatureBins;
  readonly #season: Reference["season"];
  /** Every so-manyth row is taken into the evidence. */
  readonly #thinning: number;
  readonly #alarm: Alarm;
  #rate = rowRateStart;
  #rowsSinceTick = 0;
  /** Rows since the evidence was looked at. */
  #unlooked = 0;
  /** Rows since one was taken into the evidence. */
  #skipped = 0;
  #tickMs: number | undefined;
  #threshold: number;
  /** True once a request had one of the features. */
  #met = false;
  /** Named since the alarm was raised, with the evidence (decimal logarithm) that each had gathered before it began anew. */
  readonly #named = new Map<ColumnMonitor, number>();

  constructor(reference: Reference, options: FeatureDriftOptions, judge: (judgement: Judgement) => void) {
    this.#options = options;
    const windows = new Map<number, BlockWindow>();
    const windowOf = (feature: FeatureReference): BlockWindow => {
      const cells = cellCount(feature);
      const window = windows.get(cells) ?? blockWindow(cells, options.window);
      windows.set(cells, window);
      return window;
    };
    this.#features = reference.features.map((feature, index) => new ColumnMonitor(feature.name, feature, windowOf(feature), index + 1));
    this.#isDerived = reference.features.map(({ name }) => isDerived(name));
    this.#score = reference.score && new ColumnMonitor("score", reference.score, windowOf(reference.score), 0);
    this.#scoreOnset = reference.score && new ScoreOnset(cellCount(reference.score));
    this.#scorer = reference.wholeRows && rowScorer(reference.wholeRows);
    this.#rowMeasures = (reference.wholeRows?.measures ?? []).map((measure, index) => new ColumnMonitor(`row.${measure.name}`, measure, windowOf(measure), -1 - index));
    this.#columns = [...this.#features, ...(this.#score === undefined ? [] : [this.#score]), ...this.#rowMeasures];
    const { model, bins = 0 } = options;
    const isCounted = (column: ColumnMonitor, index: number) => index < Math.min(bins, this.#features.length) || (bins > 0 && column === this.#score);
    this.#bins = new FeatureBins(this.#columns, isCounted, { model, digest: referenceDigest(reference) });
    this.#season = reference.season;
    this.#thinning = reference.thinning ?? 1;
    this.#alarm = new Alarm({ clearMs: options.clear, clearSamples: clearRows }, (judgement) => {
      if (judgement.verdict === "stable") this.#beginAnew();
      judge(judgement);
    });
    const samplesPerFalseAlarm = alarmThreshold(options.falseAlarms, this.#rate);
    this.#threshold = Math.log10(samplesPerFalseAlarm);
    this.#violations = new ViolationsMonitor(this.#columns, { model: options.model, clear: options.clear, samplesPerFalseAlarm }, judge);
  }

  /**
   * A batch of rows. A feature that the request lacks counts as null, but a featuriser's column that is not there is left out.
   *
   * @param scores one for each row; undefined where the primary did not answer.
   * @returns false while no request had any of the features: then the reference is of something else, and nothing is judged.
   */
  hear(columns: ReadonlyMap<string, readonly Value[]>, rows: number, scores: readonly Value[] | undefined, nowMs: number, wallMs: number): boolean {
    const values = this.#features.map(({ name }) => columns.get(name));
    this.#met ||= values.some((column) => column !== undefined);
    if (!this.#met) return false;
    const heard = [...values.keys()].filter((index) => values[index] !== undefined || this.#isDerived[index] === false);
    const firstMeasure = this.#columns.length - this.#rowMeasures.length;
    const season = this.#season === undefined ? 0 : seasonOf(this.#season, wallMs);
    for (let row = 0; row < rows; row += 1) {
      this.#skipped += 1;
      const taken = this.#skipped >= this.#thinning;
      if (taken) this.#skipped = 0;
      const now = this.#row;
      for (let index = 0; index < values.length; index += 1) now[index] = values[index]?.[row];
      for (let at = 0; at < heard.length; at += 1) {
        const index = heard[at] as number;
        this.#push(index, now[index] ?? null, season, taken);
      }
      if (scores !== undefined && this.#score !== undefined) this.#scoreOnset?.push(this.#push(this.#features.length, scores[row] ?? null, season, taken), wallMs);
      const strangeness = this.#scorer?.score(now);
      for (let measure = 0; measure < this.#rowMeasures.length; measure += 1) this.#push(firstMeasure + measure, strangeness?.[measure], season, taken);
      this.#alarm.sampled();
      this.#violations.sampled();
      this.#unlooked += 1;
      if (this.#unlooked >= lookRows) this.#look(nowMs, wallMs);
    }
    this.#rowsSinceTick += rows;
    return true;
  }

  /** @returns the cell that the value fell into. */
  #push(index: number, value: Value, season: number, taken: boolean): number {
    const cell = (this.#columns[index] as ColumnMonitor).push(value, season, taken);
    this.#violations.push(index, cell);
    this.#bins.push(index, cell);
    return cell;
  }

  tick(nowMs: number, wallMs: number): readonly Point[] {
    if (this.#tickMs !== undefined) this.#rate = observeRows(this.#rate, this.#rowsSinceTick, nowMs - this.#tickMs);
    this.#tickMs = nowMs;
    this.#rowsSinceTick = 0;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, this.#rate));
    if (this.#unlooked > 0) this.#look(nowMs, wallMs);
    const all = combineEvidence(this.#logs()).log10;
    this.#alarm.tick(all, nowMs, wallMs);
    this.#violations.tick(nowMs, wallMs);
    return this.#met ? [...this.#points(all), ...this.#violations.points(), ...this.#bins.points()] : [];
  }

  /** What people look at, the most evidence first. Cost: O(cells), and the causes of all features. */
  describe(histograms: ReadonlySet<string>): { readonly threshold: number; readonly evidence: number; readonly window: number; readonly features: readonly FeatureView[] } {
    const violations = new Map<string, Record<string, number>>();
    for (const { labels, value } of this.#violations.points()) {
      const feature = labels["feature"] as string;
      violations.set(feature, { ...violations.get(feature), [labels["violation"] as string]: value });
    }
    return {
      threshold: this.#threshold,
      evidence: Math.max(0, combineEvidence(this.#logs()).log10),
      window: Math.max(...this.#columns.map((column) => column.rows())),
      features: describeFeatures(this.#columns, { named: this.#named, causes: this.#causes(), violations, distanceRowsMin, histograms }),
    };
  }

  snapshot(nowMs: number): FeatureDriftSnapshot {
    return {
      columns: this.#columns.map((column) => column.snapshot()),
      rate: this.#rate,
      alarm: this.#alarm.snapshot(nowMs),
      met: this.#met,
      unlooked: this.#unlooked,
      skipped: this.#skipped,
      violations: this.#violations.snapshot(nowMs),
      scores: this.#scoreOnset?.snapshot(),
    };
  }

  restore({ columns, rate, alarm, met, unlooked, skipped, violations, scores }: FeatureDriftSnapshot, nowMs: number): void {
    for (const [index, column] of this.#columns.entries()) column.restore(columns[index] as ColumnSnapshot);
    this.#rate = rate;
    this.#threshold = Math.log10(alarmThreshold(this.#options.falseAlarms, rate));
    this.#met = met;
    this.#unlooked = unlooked;
    this.#skipped = skipped;
    this.#alarm.restore(alarm, nowMs);
    this.#violations.restore(violations, nowMs);
    if (scores !== undefined) this.#scoreOnset?.restore(scores);
  }

  #logs(): readonly number[] {
    return this.#columns.map((column) => column.logEvidence());
  }

  #look(nowMs: number, wallMs: number): void {
    this.#unlooked = 0;
    this.#violations.look(this.#threshold, nowMs, wallMs);
    const { log10, shares } = combineEvidence(this.#logs());
    if (log10 < this.#threshold) return;
    // The largest has carried the alarm. Beside it a column is named whose own evidence would have been one, so that what
    // never comes back (a year, a version) does not hide all that follows. Not by its share: pots grow by one a row anyway.
    const isMeasure = (column: ColumnMonitor) => this.#rowMeasures.includes(column);
    const explained = this.#columns.some((column, index) => !isMeasure(column) && (this.#named.has(column) || (shares[index] as number) >= shareMin));
    const eligible = this.#columns.filter((column) => !(explained && isMeasure(column)));
    const largest = eligible.reduce((most, column) => (own(column) > own(most) ? column : most));
    const carriers = eligible.filter((column) => column === largest || own(column) >= this.#threshold + Math.log10(this.#columns.length));
    // A feature that moves makes whole rows strange as well: that is no news, and begins anew with it.
    if (explained) for (const measure of this.#rowMeasures) measure.restart();
    for (const column of carriers) if (!this.#named.has(column)) this.#named.set(column, 0);
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
    const causes = this.#causes();
    const told = moved.map(({ column, evidence }) => {
      const cause = causes.get(column);
      return cause === undefined ? `${column.name} (${percent(evidence / all)} of the evidence; ${column.describe()})` : `${column.name}: ${cause.message} (${percent(evidence / all)} of the evidence)`;
    });
    return {
      model,
      stream: "features",
      detector: "conformal-e-detector",
      verdict: "drift",
      statistic: log10,
      threshold: this.#threshold,
      culprits,
      message: `${model} drifted: ${list(told, toldMax)}`,
      onset: moved[0]?.column === this.#score ? this.#scoreOnset?.found() : undefined,
      atWallMs: wallMs,
    };
  }

  /** What the latest values tell of the data's handling; all features are looked at, since two may be swapped. A score is the model's. */
  #causes(): ReadonlyMap<ColumnMonitor, Cause> {
    const found = new Map<ColumnMonitor, Cause>();
    const recent = this.#features.map((column) => ({ column, values: column.recent() }));
    for (const rows of causeRows) {
      const causes = causesOf(recent.map(({ column, values }) => ({ reference: { ...column.reference, name: column.name }, values: values.slice(-rows) })));
      for (const cause of causes) {
        const column = this.#features.find(({ name }) => name === cause.feature) as ColumnMonitor;
        if (!found.has(column)) found.set(column, cause);
      }
    }
    return found;
  }

  #points(all: number): readonly Point[] {
    const { model } = this.#options;
    const points: Point[] = [
      { instrument: instruments.driftThreshold, labels: { model }, value: this.#threshold },
      { instrument: instruments.driftEvidence, labels: { model, feature: "all" }, value: Math.max(0, all) },
      { instrument: instruments.windowSamples, labels: { model }, value: Math.max(...this.#columns.map((column) => column.rows())) },
    ];
    for (const column of this.#columns) {
      const feature = column.name;
      if (column.rows() === 0) continue;
      // What has just begun anew has no evidence, whose logarithm no number can say.
      points.push({ instrument: instruments.driftEvidence, labels: { model, feature }, value: Math.max(0, own(column)) });
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
