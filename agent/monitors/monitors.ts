/**
 * The monitors of one model: hears what was seen of its traffic and says what became of it, as judgements, series and notes
 * for people. Runs in the analysis thread; the same code on one thread in tests.
 *
 * | stream | from | by | is |
 * |---|---|---|---|
 * | features | requests, and the score of the primary's answers | conformal e-detectors under one budget of false alarms | a page |
 * | violations | requests, and the score of the primary's answers | e-detectors on rates | a warning |
 * | mistakes, error-rate | predictions joined with their actuals | ADWIN; an e-detector against the reference | a page |
 * | calibration | scores joined with their actuals | an e-detector | a warning |
 * | estimated-performance | the primary's answers | the band of the reference's chunks | a warning |
 * | failures | exchanges that the primary failed | ADWIN | a warning |
 * | latency | the primary's answers | Page-Hinkley | a warning |
 *
 * Pages are the verdict `drift`, warnings the verdict `warning`: a failing or slow primary is what circuits and probes act
 * on within seconds, the statistics only tell.
 */
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import { isFailure, primaryName, type Outcome, type Reason } from "../backend.ts";
import { isDerived } from "../featuriser/derived.ts";
import type { Featuriser } from "../featuriser/featuriser.ts";
import { knowsNone } from "../featuriser/origin.ts";
import type { FeaturesQuestion, FeaturesView } from "../feature-view.ts";
import type { Judgement, RungPrice } from "../judgement.ts";
import type { ActualObservation, CopyObservation, HeardExchange, Point, SampleObservation } from "../observation.ts";
import type { Decoded, Protocol } from "../protocols/protocol.ts";
import type { PlainOptions } from "../protocols/plain-options.ts";
import { protocolNamed, protocols, type ProtocolName } from "../protocols/protocols.ts";
import { DetectableChanges } from "./detectable-changes.ts";
import { FeatureDrift, type FeatureDriftSnapshot } from "./feature-drift.ts";
import { FeaturisedRows, type HeardRows } from "./featurised-rows.ts";
import { LatencyMonitor, type LatencySnapshot } from "./latency-monitor.ts";
import { Learning, type LearningSnapshot } from "./learning.ts";
import { LivePerformance, type PerformanceJudgesSnapshot, type PerformanceRowsSnapshot } from "./live-performance.ts";
import type { MonitorsOptions } from "./options.ts";
import type { QualificationOptions } from "./qualification-options.ts";
import { OnsetMemory, type OnsetSnapshot } from "./onset.ts";
import { Qualification, type QualificationSetup, type QualificationSnapshot } from "./qualification.ts";
import { RateMonitor, type RateSnapshot } from "./rate-monitor.ts";
import { referenceDigest } from "./reference-file.ts";
import { alarmThreshold, rowRateStart } from "./row-rate.ts";
import { scoreColumns, type ScoreColumns } from "../protocols/score-columns.ts";
import { list } from "./words.ts";

export interface MonitorsDeps {
  readonly model: string;
  /** `learn`: from traffic. `none`: the one that was given can not be used, so features and score are not watched. */
  readonly reference: Reference | "learn" | "none";
  /** Of the protocol `plain`: where things stand in its bodies. */
  readonly plain?: PlainOptions | undefined;
  /** Without them rungs are not judged. */
  readonly qualification?: QualificationOptions | undefined;
  /** Loads the featuriser that the options name; without it that stays off. */
  readonly openFeaturiser?: (() => Promise<Featuriser>) | undefined;
  /** Hears what was read of each of the model's samples, whoever answered. */
  readonly sampled?: ((sample: SampleObservation, request: Decoded, answer: Decoded) => void) | undefined;
}

export interface Told {
  readonly judgements: readonly Judgement[];
  /** Everything that is so now; counters since the monitors were made. */
  readonly points: readonly Point[];
  /** Sentences for people, each said once. */
  readonly notes: readonly string[];
  /** What each rung that was asked with copies is worth. */
  readonly prices: readonly RungPrice[];
}

/** A part of the state, kept for a restart on its own. */
export interface Part {
  readonly name: string;
  /** One after the other is kept under this name: there is nothing to say of what belongs to another. */
  readonly isReplaced?: boolean;
  /** Another number when there is something new to keep. */
  revision(): number;
  /** Structured-clonable. Shares memory with the monitors: copy or write it down before they hear more. */
  snapshot(nowMs: number): unknown;
  /** Takes over what a snapshot held. `foreign`: of another reference, other options or another version; nothing was changed. */
  restore(saved: unknown, nowMs: number): "restored" | "foreign";
}

export interface Monitors {
  /** Never throws, whatever the bodies hold. Cost: the bodies parsed once, and about half a microsecond for each value. */
  hear(observation: SampleObservation | CopyObservation | HeardExchange | ActualObservation, nowMs: number, wallMs: number): void;
  /** Kept when what was heard has been through the featuriser; undefined where nothing waits for one. */
  drained(): Promise<void> | undefined;
  /** To be called about each second. */
  tick(nowMs: number, wallMs: number): Told;
  /** The features as people look at them. Cost: O(cells), some milliseconds for a thousand features. */
  features(question: FeaturesQuestion): FeaturesView;
  /** Hears what still waits for the featuriser, without it. Nothing may be heard after. */
  close(): void;
  /** How the model's answers are read; whether they are free text, their protocol tells. */
  readonly reading: QualificationSetup["reading"];
  /** `detectors` are some hundred kilobytes at most; `actuals` and `rungs`, with the answers that wait for their actuals, some megabytes. */
  readonly parts: { readonly detectors: Part; readonly actuals: Part; readonly rungs?: Part };
}

export function monitors(options: MonitorsOptions, deps: MonitorsDeps): Monitors {
  return new ModelMonitors(options, deps);
}

interface DetectorsSnapshot {
  readonly key: string;
  readonly learnt: Reference | undefined;
  readonly learning: LearningSnapshot | undefined;
  readonly drift: FeatureDriftSnapshot | undefined;
  readonly failures: RateSnapshot;
  readonly failuresByMinute: OnsetSnapshot;
  readonly performance: PerformanceJudgesSnapshot;
  readonly latency: LatencySnapshot;
}

interface RungsSnapshot {
  readonly key: string;
  readonly rungs: QualificationSnapshot;
}

interface AnswersSnapshot {
  readonly key: string;
  readonly rows: PerformanceRowsSnapshot;
}

/** Samples without any of the reference's features after which that is said. */
const strangersMax = 100;

class ModelMonitors implements Monitors {
  readonly parts: Monitors["parts"];
  readonly reading: Monitors["reading"];
  readonly #options: MonitorsOptions;
  readonly #plain: PlainOptions | undefined;
  readonly #sampled: MonitorsDeps["sampled"];
  readonly #model: string;
  #drift: FeatureDrift | undefined;
  /** What rows are compared with. */
  #watched: Reference | undefined;
  #featurised: FeaturisedRows | undefined;
  #learning: Learning | undefined;
  #learnt: Reference | undefined;
  /** Of the score that is watched like a feature. */
  #scoreName: string | undefined;
  readonly #scores: ScoreColumns;
  #detectable: DetectableChanges | undefined;

  readonly #failures: RateMonitor;
  readonly #failuresByMinute = new OnsetMemory();
  readonly #latency: LatencyMonitor;
  readonly #performance: LivePerformance;
  readonly #qualification: Qualification | undefined;

  readonly #rows = new Map<string, number>();
  #strangers = 0;
  #revision = 0;
  #judgements: Judgement[] = [];
  #notes: string[] = [];
  readonly #noted = new Set<string>();

  constructor(options: MonitorsOptions, { model, reference, plain, qualification, openFeaturiser, sampled }: MonitorsDeps) {
    this.#options = options;
    this.#sampled = sampled;
    this.#plain = plain;
    this.#model = model;
    const { clear, latency, actuals, falseAlarms, problem } = options;
    const judge = this.#judge;
    this.#failures = new RateMonitor({ model, clear, stream: "failures", verdict: "warning", riseMin: 0.005, what: "the share of requests that the primary fails", onset: () => this.#failuresByMinute.rise() }, judge);
    this.#latency = new LatencyMonitor({ model, clear, ...latency }, judge);

    const usable = typeof reference === "string" || reference.model === model ? reference : "none";
    const known = typeof usable === "string" ? undefined : usable;
    const score = options.score ?? known?.columns?.score ?? known?.score?.name;
    this.#scores = scoreColumns(score);
    if (this.#scores.classes === undefined) this.#scoreName = score;
    this.#performance = new LivePerformance({ model, clear, falseAlarms, problem, score, actuals }, known, judge);
    if (this.#performance.trouble !== undefined) this.#note(this.#performance.trouble);
    if (usable !== reference) this.#note(`drift of features is not watched: the reference is of the model "${(reference as Reference).model}", not of "${model}"`);
    const reading = (this.reading = { prediction: options.prediction, scores: this.#scores, regression: (known?.estimator?.problem ?? problem) === "regression" });
    this.#qualification = qualification && new Qualification({ options: qualification, reading, ttl: actuals.ttl });
    if (usable === "learn") this.#learning = new Learning(options.learn, this.#scoreName);
    else if (usable !== "none") this.#watch(usable);
    if (usable !== "none") this.#featurise(openFeaturiser);
    const origin = typeof usable === "string" ? usable : referenceDigest(usable);
    this.parts = {
      detectors: this.#detectorsPart(JSON.stringify([3, model, origin, options.window, options.problem, actuals.window, options.score, options.features, options.learn, options.featuriser])),
      actuals: this.#actualsPart(JSON.stringify([3, model, actuals.window, options.prediction, score, this.#performance.shape])),
      ...(this.#qualification === undefined ? {} : { rungs: this.#rungsPart(this.#qualification, JSON.stringify([1, model, reading, qualification])) }),
    };
  }

  hear(observation: SampleObservation | CopyObservation | HeardExchange | ActualObservation, nowMs: number, wallMs: number): void {
    this.#revision += 1;
    switch (observation.kind) {
      case "sample":
        return this.#hearSample(observation, nowMs, wallMs);
      case "copy":
        return this.#hearCopy(observation);
      case "exchange":
        return this.#hearExchange(observation, nowMs, wallMs);
      case "actual":
        this.#qualification?.actual(observation, nowMs);
        return this.#performance.actual(observation, nowMs, wallMs);
    }
  }

  tick(nowMs: number, wallMs: number): Told {
    this.#failures.tick(nowMs, wallMs);
    this.#latency.tick(nowMs, wallMs);
    const performance = this.#performance.tick(nowMs, wallMs);
    const drift = this.#drift?.tick(nowMs, wallMs) ?? [];
    const detectable = this.#detectableChanges(drift);
    const prices = this.#qualification?.tick(nowMs, wallMs) ?? [];
    const points = [...drift, ...detectable, ...this.#points(), ...performance, ...(this.#qualification?.points(prices) ?? [])];
    const told: Told = { judgements: this.#judgements, points, notes: this.#notes, prices };
    this.#judgements = [];
    this.#notes = [];
    return told;
  }

  drained(): Promise<void> | undefined {
    return this.#featurised?.drained();
  }

  features({ histograms }: FeaturesQuestion): FeaturesView {
    const described = this.#drift?.describe(new Set(histograms));
    if (described !== undefined) return { model: this.#model, status: "watching", ...described };
    return { model: this.#model, status: this.#learning === undefined ? "off" : "learning", threshold: undefined, evidence: undefined, window: 0, features: [] };
  }

  close(): void {
    this.#featurised?.stop();
  }

  readonly #judge = (judgement: Judgement): void => {
    this.#judgements.push(judgement);
  };

  #note(text: string): void {
    if (!this.#noted.has(text)) this.#notes.push(text);
    this.#noted.add(text);
  }

  #watch(reference: Reference): void {
    const { falseAlarms, window, clear, bins } = this.#options;
    this.#watched = reference;
    this.#detectable = new DetectableChanges(reference, { model: this.#model, within: window });
    this.#drift = new FeatureDrift(reference, { model: this.#model, falseAlarms, window, clear, bins }, this.#judge);
  }

  // ---- what is heard ----

  #hearExchange({ model, inference, rung, reason, outcome, attempts, durationMs }: HeardExchange, nowMs: number, wallMs: number): void {
    if (!inference || model !== this.#model) return;
    const byPrimary = rung === primaryName;
    // Where a rung answered, the reason tells what the primary did with the request, if it was asked at all.
    const failed = byPrimary || reason === "no-rung" ? attempts > 0 && isServersFault(outcome) : isServersFault(reason);
    if (failed || (byPrimary && outcome === "ok")) {
      this.#failuresByMinute.push(failed ? 1 : 0, wallMs);
      this.#failures.push(failed ? 1 : 0, nowMs, wallMs);
    }
    if (byPrimary && outcome === "ok") this.#latency.push(durationMs, nowMs, wallMs);
  }

  #protocol(name: string): Protocol | undefined {
    return Object.hasOwn(protocols, name) ? protocolNamed(name as ProtocolName, this.#plain) : undefined;
  }

  #hearCopy(copy: CopyObservation): void {
    const protocol = this.#protocol(copy.protocol);
    if (protocol === undefined) return this.#count("unknown-protocol", 1);
    this.#qualification?.copy(copy, protocol);
  }

  #hearSample(sample: SampleObservation, nowMs: number, wallMs: number): void {
    const protocol = this.#protocol(sample.protocol);
    if (sample.model !== this.#model) return this.#count("other-model", 1);
    if (protocol === undefined) return this.#count("unknown-protocol", 1);

    const byPrimary = sample.rung === primaryName;
    const answer = byPrimary ? protocol.decodeResponse(sample.response) : undefined;
    if (answer?.ok === false) this.#count(`answer-${answer.reason}`, 1);
    const scores = this.#answerColumn(answer, this.#scoreName);
    const request = protocol.decodeRequest(sample.request, this.#options.features);
    this.#sampled?.(sample, request, answer ?? protocol.decodeResponse(sample.response));
    const columns = new Map(request.ok ? request.columns.map(({ name, values }) => [name, values]) : []);
    if (!byPrimary) this.#performance.answeredByRung(sample.inferenceId, sample.atWallMs);
    else if (answer?.ok === true) {
      const predictions = this.#answerColumn(answer, this.#options.prediction);
      const performanceScores = this.#scores.columns.map((name) => this.#answerColumn(answer, name));
      const features = request.ok && request.rows === answer.rows ? columns : new Map<string, readonly Value[]>();
      this.#performance.answered(sample.inferenceId, { rows: answer.rows, predictions, scores: performanceScores, features }, sample.atWallMs, nowMs, wallMs);
    }

    if (!request.ok) return this.#count(`request-${request.reason}`, 1);
    if (answer?.ok === true && answer.rows !== request.rows) this.#count("answer-rows", 1);
    // Which season it was tells the sample's own time.
    const heard: HeardRows = { rows: request.rows, columns, scores: scores?.length === request.rows ? scores : undefined, nowMs, wallMs: sample.atWallMs };
    if (this.#featurised === undefined) this.#hearRows(heard);
    else this.#featurised.hear(heard);
  }

  /** At once, or later where a featuriser had to look at them first. */
  #hearRows({ rows, columns: byName, scores, nowMs, wallMs }: HeardRows): void {
    this.#revision += 1;
    if (this.#learning !== undefined) {
      this.#learning.hear(byName, rows, scores, wallMs);
      this.#count("analysed", rows);
      return this.#learn(this.#learning);
    }
    if (this.#drift === undefined) return this.#count("no-reference", rows);
    if (this.#drift.hear(byName, rows, scores, nowMs, wallMs)) return this.#count("analysed", rows);
    this.#count("no-feature", rows);
    this.#strangers += 1;
    if (this.#strangers < strangersMax) return;
    this.#note(`drift of features is not watched: no request has any feature of the reference; the requests have ${list([...byName.keys()], 5)}`);
  }

  #featurise(open: MonitorsDeps["openFeaturiser"]): void {
    const known = this.#watched;
    if (this.#options.featuriser === undefined || open === undefined) {
      if (known?.features.some(({ name }) => isDerived(name)) === true) this.#note("the reference has columns of a featuriser, and none is on: they are not watched");
      return;
    }
    const why = known && knowsNone(known);
    if (why !== undefined) return this.#note(`the featuriser is off: ${why}`);
    this.#featurised = new FeaturisedRows({
      open,
      reference: () => this.#watched,
      hear: (heard) => this.#hearRows(heard),
      off: () => {
        if (this.#learning !== undefined) this.#learning = new Learning(this.#options.learn, this.#scoreName);
      },
      note: (text) => this.#note(text),
    });
  }

  #learn(learning: Learning): void {
    try {
      this.#learnt = learning.reference(this.#model);
    } catch (error) {
      this.#learning = undefined;
      this.#featurised?.stop();
      return this.#note(`drift of features is not watched: no reference could be learnt from traffic (${error instanceof Error ? error.message : String(error)})`);
    }
    if (this.#learnt === undefined) return;
    this.#learning = undefined;
    this.#learnt = this.#featurised?.sign(this.#learnt) ?? this.#learnt;
    this.#watch(this.#learnt);
    if (this.#learnt.featuriser === undefined) this.#featurised?.stop("it made no number of any row that was learnt from");
    const score = this.#learnt.score === undefined ? "" : " and the score";
    this.#note(`learnt what is normal from ${this.#learnt.rows} rows of traffic: ${this.#learnt.features.length} features${score}; drift is watched against that from now on`);
  }

  /** undefined where there is no answer, or none with that column. */
  #answerColumn(answer: Decoded | undefined, name: string | undefined): readonly Value[] | undefined {
    if (answer?.ok !== true || name === undefined) return undefined;
    const column = answer.columns.find((one) => one.name === name);
    if (column === undefined) this.#note(`the answers have no column "${name}"; they have ${list(answer.columns.map((one) => one.name), 5)}`);
    return column?.values;
  }

  #count(result: string, rows: number): void {
    this.#rows.set(result, (this.#rows.get(result) ?? 0) + rows);
  }

  // ---- what is told ----

  #points(): readonly Point[] {
    const model = this.#model;
    return [
      ...[...this.#rows].map(([result, value]): Point => ({ instrument: instruments.analysed, labels: { model, result }, value })),
      ...(this.#featurised?.points(model) ?? []),
    ];
  }

  /** The budget's threshold as the drift has it, as soon as it is known. */
  #detectableChanges(drift: readonly Point[]): readonly Point[] {
    const { falseAlarms, window } = this.#options;
    if (this.#watched === undefined || this.#detectable === undefined) return [];
    const threshold = drift.find(({ instrument }) => instrument === instruments.driftThreshold)?.value ?? Math.log10(alarmThreshold(falseAlarms, rowRateStart));
    const sentence = this.#detectable.tick(threshold);
    if (sentence !== undefined) this.#note([sentence, this.#performance.unseen(window) ?? []].flat().join("; "));
    return this.#detectable.points();
  }

  // ---- what is kept ----

  #detectorsPart(key: string): Part {
    return {
      name: "monitors/detectors",
      revision: () => this.#revision,
      snapshot: (nowMs): DetectorsSnapshot => ({
        key,
        learnt: this.#learnt,
        learning: this.#learning?.snapshot(),
        drift: this.#drift?.snapshot(nowMs),
        failures: this.#failures.snapshot(nowMs),
        failuresByMinute: this.#failuresByMinute.snapshot(),
        performance: this.#performance.judges(nowMs),
        latency: this.#latency.snapshot(nowMs),
      }),
      restore: (saved, nowMs) => {
        if (!isKept<DetectorsSnapshot>(saved, key)) return "foreign";
        if (saved.learnt !== undefined) {
          this.#learnt = saved.learnt;
          this.#learning = undefined;
          this.#watch(saved.learnt);
        }
        if (saved.learning !== undefined) this.#learning?.restore(saved.learning);
        if (saved.drift !== undefined) this.#drift?.restore(saved.drift, nowMs);
        this.#failuresByMinute.restore(saved.failuresByMinute);
        this.#failures.restore(saved.failures, nowMs);
        this.#performance.restoreJudges(saved.performance, nowMs);
        this.#latency.restore(saved.latency, nowMs);
        return "restored";
      },
    };
  }

  #rungsPart(qualification: Qualification, key: string): Part {
    return {
      name: "monitors/rungs",
      revision: () => qualification.revision,
      snapshot: (nowMs): RungsSnapshot => ({ key, rungs: qualification.snapshot(nowMs) }),
      restore: (saved, nowMs) => {
        if (!isKept<RungsSnapshot>(saved, key)) return "foreign";
        qualification.restore(saved.rungs, nowMs);
        return "restored";
      },
    };
  }

  #actualsPart(key: string): Part {
    return {
      name: "monitors/actuals",
      revision: () => this.#revision,
      snapshot: (): AnswersSnapshot => ({ key, rows: this.#performance.rows() }),
      restore: (saved) => {
        if (!isKept<AnswersSnapshot>(saved, key)) return "foreign";
        this.#performance.restoreRows(saved.rows);
        return "restored";
      },
    };
  }
}

function isKept<Snapshot extends { readonly key: string }>(saved: unknown, key: string): saved is Snapshot {
  return typeof saved === "object" && saved !== null && "key" in saved && saved.key === key;
}

/** Did the server fail, rather than the request or the client? Overload counts: whoever asked got no answer. */
function isServersFault(what: Outcome | Reason): boolean {
  // Reasons that are no outcomes are no failures of this exchange either.
  return what === "overloaded" || isFailure(what as Outcome);
}
