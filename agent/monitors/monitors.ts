/**
 * The monitors of one model: hears what was seen of its traffic and says what became of it, as judgements, series and notes
 * for people. Runs in the analysis thread; the same code on one thread in tests.
 *
 * | stream | from | by | is |
 * |---|---|---|---|
 * | features | requests, and the score of the primary's answers | conformal e-detectors under one budget of false alarms | a page |
 * | mistakes | predictions joined with their actuals | ADWIN | a page |
 * | failures | exchanges that the primary failed | ADWIN | a warning |
 * | latency | the primary's answers | Page-Hinkley | a warning |
 *
 * Pages are the verdict `drift`, warnings the verdict `warning`: a failing or slow primary is what circuits and probes act
 * on within seconds, the statistics only tell.
 */
import type { Reference, Value } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import { isFailure, primaryName, type Outcome, type Reason } from "../backend.ts";
import type { Judgement } from "../judgement.ts";
import type { ActualObservation, ExchangeObservation, Point, SampleObservation } from "../observation.ts";
import type { Decoded, Protocol } from "../protocols/protocol.ts";
import { protocols } from "../protocols/protocols.ts";
import { Actuals, type ActualsSnapshot, type Answer, type Joined } from "./actuals.ts";
import { FeatureDrift, type FeatureDriftSnapshot } from "./feature-drift.ts";
import { LatencyMonitor, type LatencySnapshot } from "./latency-monitor.ts";
import { Learning, type LearningSnapshot } from "./learning.ts";
import type { MonitorsOptions } from "./options.ts";
import { PerformanceWindow, type PerformanceState } from "./performance-window.ts";
import { RateMonitor, type RateSnapshot } from "./rate-monitor.ts";
import { referenceDigest } from "./reference-file.ts";
import { list } from "./words.ts";

export interface MonitorsDeps {
  readonly model: string;
  /** `learn`: from traffic. `none`: the one that was given can not be used, so features and score are not watched. */
  readonly reference: Reference | "learn" | "none";
}

export interface Told {
  readonly judgements: readonly Judgement[];
  /** Everything that is so now; counters since the monitors were made. */
  readonly points: readonly Point[];
  /** Sentences for people, each said once. */
  readonly notes: readonly string[];
}

/** A part of the state, kept for a restart on its own. */
export interface Part {
  readonly name: string;
  /** Another number when there is something new to keep. */
  revision(): number;
  /** Structured-clonable. Shares memory with the monitors: copy or write it down before they hear more. */
  snapshot(nowMs: number): unknown;
  /** Takes over what a snapshot held. `foreign`: of another reference, other options or another version; nothing was changed. */
  restore(saved: unknown, nowMs: number): "restored" | "foreign";
}

export interface Monitors {
  /** Never throws, whatever the bodies hold. Cost: the bodies parsed once, and about half a microsecond for each value. */
  hear(observation: SampleObservation | ExchangeObservation | ActualObservation, nowMs: number, wallMs: number): void;
  /** To be called about each second. */
  tick(nowMs: number, wallMs: number): Told;
  /** `detectors` are some hundred kilobytes at most; `actuals`, the answers that wait for theirs, some megabytes. */
  readonly parts: { readonly detectors: Part; readonly actuals: Part };
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
  readonly mistakes: RateSnapshot;
  readonly latency: LatencySnapshot;
}

interface AnswersSnapshot {
  readonly key: string;
  readonly actuals: ActualsSnapshot;
  readonly performance: PerformanceState;
}

/** Samples without any of the reference's features after which that is said. */
const strangersMax = 100;

class ModelMonitors implements Monitors {
  readonly parts: Monitors["parts"];
  readonly #options: MonitorsOptions;
  readonly #model: string;
  #drift: FeatureDrift | undefined;
  #learning: Learning | undefined;
  #learnt: Reference | undefined;
  #scoreName: string | undefined;

  readonly #failures: RateMonitor;
  readonly #mistakes: RateMonitor;
  readonly #latency: LatencyMonitor;
  readonly #actuals: Actuals;
  readonly #performance: PerformanceWindow;

  readonly #rows = new Map<string, number>();
  #metrics: ReadonlyMap<string, number> | undefined;
  #strangers = 0;
  #revision = 0;
  #judgements: Judgement[] = [];
  #notes: string[] = [];
  readonly #noted = new Set<string>();

  constructor(options: MonitorsOptions, { model, reference }: MonitorsDeps) {
    this.#options = options;
    this.#model = model;
    this.#scoreName = options.score;
    const { clear, latency, actuals } = options;
    const judge = this.#judge;
    this.#failures = new RateMonitor({ model, clear, stream: "failures", verdict: "warning", riseMin: 0.005, what: "the share of requests that the primary fails" }, judge);
    this.#mistakes = new RateMonitor({ model, clear, stream: "mistakes", verdict: "drift", riseMin: 0.01, what: "the share of wrong predictions" }, judge);
    this.#latency = new LatencyMonitor({ model, clear, ...latency }, judge);
    this.#performance = new PerformanceWindow(actuals.window);
    this.#actuals = new Actuals(actuals);

    const usable = typeof reference === "string" || reference.model === model ? reference : "none";
    if (usable !== reference) this.#note(`drift of features is not watched: the reference is of the model "${(reference as Reference).model}", not of "${model}"`);
    if (usable === "learn") this.#learning = new Learning(options.learn, options.score);
    else if (usable !== "none") this.#watch(usable);
    const origin = typeof usable === "string" ? usable : referenceDigest(usable);
    this.parts = {
      detectors: this.#detectorsPart(JSON.stringify([1, model, origin, options.window, options.score, options.features, options.learn])),
      actuals: this.#actualsPart(JSON.stringify([1, model, actuals.window, options.score, options.prediction])),
    };
  }

  hear(observation: SampleObservation | ExchangeObservation | ActualObservation, nowMs: number, wallMs: number): void {
    this.#revision += 1;
    switch (observation.kind) {
      case "sample":
        return this.#hearSample(observation, nowMs, wallMs);
      case "exchange":
        return this.#hearExchange(observation, nowMs, wallMs);
      case "actual":
        return this.#score(this.#actuals.actual(observation, nowMs), nowMs, wallMs);
    }
  }

  tick(nowMs: number, wallMs: number): Told {
    this.#failures.tick(nowMs, wallMs);
    this.#mistakes.tick(nowMs, wallMs);
    this.#latency.tick(nowMs, wallMs);
    this.#actuals.tick(nowMs, wallMs);
    const drift = this.#drift?.tick(nowMs, wallMs) ?? [];
    const told: Told = { judgements: this.#judgements, points: [...drift, ...this.#points()], notes: this.#notes };
    this.#judgements = [];
    this.#notes = [];
    return told;
  }

  readonly #judge = (judgement: Judgement): void => {
    this.#judgements.push(judgement);
  };

  #note(text: string): void {
    if (!this.#noted.has(text)) this.#notes.push(text);
    this.#noted.add(text);
  }

  #watch(reference: Reference): void {
    const { falseAlarms, window, clear } = this.#options;
    this.#scoreName ??= reference.score?.name;
    this.#drift = new FeatureDrift(reference, { model: this.#model, falseAlarms, window, clear }, this.#judge);
  }

  // ---- what is heard ----

  #hearExchange({ model, inference, rung, reason, outcome, attempts, durationMs }: ExchangeObservation, nowMs: number, wallMs: number): void {
    if (!inference || model !== this.#model) return;
    const byPrimary = rung === primaryName;
    // Where a rung answered, the reason tells what the primary did with the request, if it was asked at all.
    const failed = byPrimary || reason === "no-rung" ? attempts > 0 && isServersFault(outcome) : isServersFault(reason);
    if (failed || (byPrimary && outcome === "ok")) this.#failures.push(failed ? 1 : 0, nowMs, wallMs);
    if (byPrimary && outcome === "ok") this.#latency.push(durationMs, nowMs, wallMs);
  }

  #hearSample(sample: SampleObservation, nowMs: number, wallMs: number): void {
    const protocol = (protocols as Readonly<Record<string, Protocol | undefined>>)[sample.protocol];
    if (sample.model !== this.#model) return this.#count("other-model", 1);
    if (protocol === undefined) return this.#count("unknown-protocol", 1);

    const byPrimary = sample.rung === primaryName;
    const answer = byPrimary ? protocol.decodeResponse(sample.response) : undefined;
    if (answer?.ok === false) this.#count(`answer-${answer.reason}`, 1);
    const scores = this.#answerColumn(answer, this.#scoreName);
    const predictions = this.#answerColumn(answer, this.#options.prediction);
    if (!byPrimary) this.#actuals.answered(sample.inferenceId, undefined, sample.atWallMs);
    else if (answer?.ok === true) {
      const answers = answersOf(answer.rows, predictions, scores);
      this.#score(this.#actuals.answered(sample.inferenceId, answers, sample.atWallMs), nowMs, wallMs);
    }

    const request = protocol.decodeRequest(sample.request, this.#options.features);
    if (!request.ok) return this.#count(`request-${request.reason}`, 1);
    if (answer?.ok === true && answer.rows !== request.rows) this.#count("answer-rows", 1);
    this.#hearRows(request, scores?.length === request.rows ? scores : undefined, nowMs, wallMs);
  }

  #hearRows({ rows, columns }: Extract<Decoded, { ok: true }>, scores: readonly Value[] | undefined, nowMs: number, wallMs: number): void {
    const byName = new Map(columns.map(({ name, values }) => [name, values]));
    if (this.#learning !== undefined) {
      this.#learning.hear(byName, rows, scores);
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

  #learn(learning: Learning): void {
    try {
      this.#learnt = learning.reference(this.#model);
    } catch (error) {
      this.#learning = undefined;
      return this.#note(`drift of features is not watched: no reference could be learnt from traffic (${error instanceof Error ? error.message : String(error)})`);
    }
    if (this.#learnt === undefined) return;
    this.#learning = undefined;
    this.#watch(this.#learnt);
    const score = this.#learnt.score === undefined ? "" : " and the score";
    this.#note(`learnt what is normal from ${this.#learnt.rows} rows of traffic: ${this.#learnt.features.length} features${score}; drift is watched against that from now on`);
  }

  /** Joined answers count for performance and for the mistakes. */
  #score(joined: readonly Joined[], nowMs: number, wallMs: number): void {
    for (const { answer, actual } of joined) {
      const correct = this.#performance.push(answer, actual);
      if (correct !== undefined) this.#mistakes.push(correct ? 0 : 1, nowMs, wallMs);
      this.#metrics = undefined;
    }
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
    this.#metrics ??= this.#performance.metrics();
    return [
      ...[...this.#rows].map(([result, value]): Point => ({ instrument: instruments.analysed, labels: { model, result }, value })),
      ...Object.entries(this.#actuals.counts).map(([result, value]): Point => ({ instrument: instruments.actuals, labels: { model, result }, value })),
      ...[...this.#metrics].map(([metric, value]): Point => ({ instrument: instruments.performance, labels: { model, metric }, value })),
    ];
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
        mistakes: this.#mistakes.snapshot(nowMs),
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
        this.#failures.restore(saved.failures, nowMs);
        this.#mistakes.restore(saved.mistakes, nowMs);
        this.#latency.restore(saved.latency, nowMs);
        return "restored";
      },
    };
  }

  #actualsPart(key: string): Part {
    return {
      name: "monitors/actuals",
      revision: () => this.#revision,
      snapshot: (): AnswersSnapshot => ({ key, actuals: this.#actuals.snapshot(), performance: this.#performance.state }),
      restore: (saved) => {
        if (!isKept<AnswersSnapshot>(saved, key)) return "foreign";
        this.#actuals.restore(saved.actuals);
        this.#performance.state = saved.performance;
        return "restored";
      },
    };
  }
}

function isKept<Snapshot extends { readonly key: string }>(saved: unknown, key: string): saved is Snapshot {
  return typeof saved === "object" && saved !== null && "key" in saved && saved.key === key;
}

/** What the model said of each row; columns that are not there give rows that say nothing. */
function answersOf(rows: number, predictions: readonly Value[] | undefined, scores: readonly Value[] | undefined): readonly Answer[] {
  return Array.from({ length: rows }, (_, row): Answer => {
    const score = scores?.[row];
    return { prediction: predictions?.[row], score: typeof score === "number" ? score : NaN };
  });
}

/** Did the server fail, rather than the request or the client? Overload counts: whoever asked got no answer. */
function isServersFault(what: Outcome | Reason): boolean {
  // Reasons that are no outcomes are no failures of this exchange either.
  return what === "overloaded" || isFailure(what as Outcome);
}
