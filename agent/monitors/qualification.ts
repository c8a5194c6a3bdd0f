/**
 * Would the rungs answer well if they were needed? Hears what they answered to copies of inferences that the primary has
 * answered, and later what came true, and says of each what it is worth and whether it may be asked (rung-record.ts).
 *
 * Bounded: as many rungs as a ladder may have, a few hundred figures of each, and the predictions that wait for actuals.
 */
import { instruments } from "../../exporters/instruments.ts";
import { primaryName } from "../backend.ts";
import type { RungPrice } from "../judgement.ts";
import type { ActualObservation, CopyObservation, Point } from "../observation.ts";
import { cameTrue, compareAnswers, type Reading } from "../protocols/compare-answers.ts";
import type { Protocol, Value } from "../protocols/protocol.ts";
import { PairedActuals, type PairedActualsSnapshot, type Settled } from "./paired-actuals.ts";
import type { QualificationOptions } from "./qualification-options.ts";
import { RecentMean, type RecentMeanSnapshot } from "./recent-mean.ts";
import { RungRecord, type RungRecordSnapshot } from "./rung-record.ts";

export interface QualificationSetup {
  readonly options: QualificationOptions;
  /** How the model's answers are read; whether they are free text, their protocol tells. */
  readonly reading: Omit<Reading, "freeText" | "tolerance">;
  /** How long predictions wait for their actuals. Milliseconds. */
  readonly ttl: number;
}

export interface QualificationSnapshot {
  readonly rungs: readonly (readonly [string, RungRecordSnapshot])[];
  readonly primaryAccuracy: RecentMeanSnapshot;
  readonly waiting: PairedActualsSnapshot;
}

/** Rows of predictions that wait for their actuals. */
const buffer = 20_000;
/** A ladder has no more; those of a ladder that was replaced go, the one that was heard of longest ago first. */
const rungsMax = 64;

export class Qualification {
  readonly #setup: QualificationSetup;
  readonly #records = new Map<string, RungRecord>();
  readonly #actuals: PairedActuals;
  readonly #primaryAccuracy = new RecentMean();
  /** Another number when there is something new to keep. */
  revision = 0;

  constructor(setup: QualificationSetup) {
    this.#setup = setup;
    this.#actuals = new PairedActuals({ buffer, ttl: setup.ttl });
  }

  /** Cost: both answers decoded once. Outcomes that are no fault and no answer (`cancelled`) must not come here. */
  copy({ inferenceId, rung, key, outcome, primary, answer, durationMs, atWallMs }: CopyObservation, protocol: Protocol): void {
    this.revision += 1;
    const record = this.#recordOf(rung, key);
    if (outcome !== "ok") return record.asked(false, durationMs, undefined, undefined);
    const reading = this.#readingOf(protocol.name);
    const { agreement, difference, said } = compareAnswers(protocol.decodeResponse(primary), protocol.decodeResponse(answer), reading);
    record.asked(true, durationMs, agreement, difference);
    if (said !== undefined) this.#settle(this.#actuals.answered(inferenceId, rung, said, atWallMs));
  }

  actual(observation: ActualObservation, nowMs: number): void {
    this.#settle(this.#actuals.actual(observation, nowMs));
  }

  /** What each rung is worth, in the order in which they were first heard of. */
  tick(nowMs: number, wallMs: number): readonly RungPrice[] {
    this.#actuals.tick(nowMs, wallMs);
    return [...this.#records.values()].map((record) => {
      record.tick(nowMs);
      return record.price();
    });
  }

  points(prices: readonly RungPrice[]): readonly Point[] {
    const accuracy = this.#primaryAccuracy.mean();
    const points: Point[] = accuracy === undefined ? [] : [{ instrument: instruments.rungAccuracy, labels: { rung: primaryName }, value: accuracy }];
    for (const price of prices) {
      const labels = { rung: price.rung };
      points.push({ instrument: instruments.rungEligible, labels, value: price.standing === "ineligible" ? 0 : 1 });
      for (const [instrument, value] of [[instruments.rungAgreement, price.agreement], [instruments.rungAccuracy, price.accuracy], [instruments.rungCoverage, price.coverage]] as const) {
        if (value !== undefined) points.push({ instrument, labels, value });
      }
    }
    return points;
  }

  snapshot(nowMs: number): QualificationSnapshot {
    return {
      rungs: [...this.#records].map(([rung, record]) => [rung, record.snapshot(nowMs)]),
      primaryAccuracy: this.#primaryAccuracy.snapshot(),
      waiting: this.#actuals.snapshot(),
    };
  }

  restore({ rungs, primaryAccuracy, waiting }: QualificationSnapshot, nowMs: number): void {
    for (const [rung, saved] of rungs) this.#recordOf(rung, saved.key).restore(saved, nowMs);
    this.#primaryAccuracy.restore(primaryAccuracy);
    this.#actuals.restore(waiting);
  }

  #recordOf(rung: string, key: string): RungRecord {
    const known = this.#records.get(rung);
    if (known?.key === key) return known;
    if (known !== undefined) this.#actuals.forget(rung);
    const { agreement, accuracyLoss, answers, dwell, rungs } = this.#setup.options;
    const own = Object.hasOwn(rungs, rung) ? rungs[rung] : undefined;
    const record = new RungRecord(rung, key, { agreement: own?.agreement ?? agreement, accuracyLoss: own?.accuracyLoss ?? accuracyLoss, answers, dwell });
    this.#records.delete(rung);
    this.#records.set(rung, record);
    if (this.#records.size > rungsMax) this.#records.delete(this.#records.keys().next().value as string);
    return record;
  }

  #readingOf(protocol: string): Reading {
    return { ...this.#setup.reading, freeText: protocol === "openai", tolerance: this.#setup.options.tolerance };
  }

  #settle(settled: readonly Settled[]): void {
    // Texts are only compared with texts that came true, whatever the protocol.
    const reading = this.#readingOf("");
    const ratio = (said: readonly Value[], actuals: readonly Value[]) => actuals.filter((actual, row) => cameTrue(said[row] ?? null, actual, reading)).length / actuals.length;
    for (const { rung, rungSaid, primarySaid, actuals, first } of settled) {
      this.revision += 1;
      const primary = ratio(primarySaid, actuals);
      this.#records.get(rung)?.cameTrue(ratio(rungSaid, actuals), primary);
      if (first) this.#primaryAccuracy.push(primary);
    }
  }
}
