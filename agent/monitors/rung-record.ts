/**
 * What is known of one rung by the copies that it was asked: how often it answers, how soon, how often it agrees with the
 * primary and how often it is right; and whether it may be asked in earnest.
 *
 * What comes true counts before agreement, which only stands in for it: a rung that is right as often as the primary is
 * eligible however often they differ, and one that is wrong more often is not however well they agree. What was found by
 * actuals lapses when none have come for long, and when agreement falls, for then the rung has changed since.
 *
 * Figures are of the latest answers; the verdict is by evidence (rung-standing.ts), and a rung comes back only after a dwell.
 */
import type { RungPrice } from "../judgement.ts";
import { RecentMean, type RecentMeanSnapshot } from "./recent-mean.ts";
import { RungStanding, type RungStandingSnapshot } from "./rung-standing.ts";
import { percent } from "./words.ts";

export interface RungRecordOptions {
  /** Least share of answers in which it must agree. */
  readonly agreement: number;
  /** How much less often than the primary it may be right. */
  readonly accuracyLoss: number;
  /** Answers before it is judged. */
  readonly answers: number;
  /** Milliseconds. */
  readonly dwell: number;
}

export interface RungRecordSnapshot {
  readonly key: string;
  readonly agreement: RungStandingSnapshot;
  readonly accuracy: RungStandingSnapshot;
  readonly copies: number;
  readonly means: Readonly<Record<MeanName, RecentMeanSnapshot>>;
  /** Milliseconds since it has not been eligible; undefined while it is. */
  readonly outForMs: number | undefined;
  readonly withoutActuals: number;
}

const meanNames = ["agreement", "coverage", "difference", "accuracy", "primaryAccuracy", "durationMs"] as const;
type MeanName = (typeof meanNames)[number];

/** Copies without an actual after which what actuals had shown no longer counts. */
const actualsLapse = 1_000;

export class RungRecord {
  readonly key: string;
  readonly #rung: string;
  readonly #options: RungRecordOptions;
  readonly #agreement: RungStanding;
  readonly #accuracy: RungStanding;
  #means: Record<MeanName, RecentMean>;
  #copies = 0;
  #withoutActuals = 0;
  #outSinceMs: number | undefined;

  constructor(rung: string, key: string, options: RungRecordOptions) {
    this.#rung = rung;
    this.key = key;
    this.#options = options;
    this.#agreement = new RungStanding(1 - options.agreement, options.answers);
    // By how much more often it is wrong, from -1 to 1, moved to 0 to 1.
    this.#accuracy = new RungStanding((1 + options.accuracyLoss) / 2, options.answers);
    this.#means = Object.fromEntries(meanNames.map((name) => [name, new RecentMean()])) as Record<MeanName, RecentMean>;
  }

  /** A copy was answered, or not. `agreement` and `difference` are undefined where there is nothing to compare. */
  asked(answered: boolean, durationMs: number, agreement: number | undefined, difference: number | undefined): void {
    const means = this.#means;
    this.#copies += 1;
    this.#withoutActuals += 1;
    means.coverage.push(answered ? 1 : 0);
    if (answered) means.durationMs.push(durationMs);
    if (difference !== undefined) means.difference.push(difference);
    if (this.#withoutActuals > actualsLapse && this.#accuracy.standing !== "unknown") this.#accuracy.forget();
    if (agreement === undefined) return;
    means.agreement.push(agreement);
    if (this.#agreement.push(1 - agreement) && this.#agreement.standing === "bad" && this.#accuracy.standing === "good") this.#accuracy.forget();
  }

  /** An actual came: the shares of the inference's rows in which the rung and the primary were right. */
  cameTrue(rung: number, primary: number): void {
    this.#withoutActuals = 0;
    this.#means.accuracy.push(rung);
    this.#means.primaryAccuracy.push(primary);
    this.#accuracy.push((1 + primary - rung) / 2);
  }

  tick(nowMs: number): void {
    if (this.#outSinceMs === undefined) {
      if (this.#isBad()) this.#outSinceMs = nowMs;
      return;
    }
    // That evidence has lapsed is no evidence for it.
    if (this.#isGood() && nowMs - this.#outSinceMs >= this.#options.dwell) this.#outSinceMs = undefined;
  }

  price(): RungPrice {
    const { agreement, coverage, difference, accuracy, primaryAccuracy, durationMs } = this.#means;
    return {
      rung: this.#rung,
      key: this.key,
      standing: this.#outSinceMs !== undefined ? "ineligible" : this.#isGood() ? "qualified" : "unproven",
      message: this.#message(),
      copies: this.#copies,
      compared: this.#agreement.count,
      agreement: agreement.mean(),
      coverage: coverage.mean(),
      difference: difference.mean(),
      accuracy: accuracy.mean(),
      primaryAccuracy: primaryAccuracy.mean(),
      medianMs: durationMs.quantile(0.5),
      slowMs: durationMs.quantile(0.95),
    };
  }

  snapshot(nowMs: number): RungRecordSnapshot {
    return {
      key: this.key,
      agreement: this.#agreement.snapshot(),
      accuracy: this.#accuracy.snapshot(),
      copies: this.#copies,
      means: Object.fromEntries(meanNames.map((name) => [name, this.#means[name].snapshot()])) as Record<MeanName, RecentMeanSnapshot>,
      outForMs: this.#outSinceMs === undefined ? undefined : nowMs - this.#outSinceMs,
      withoutActuals: this.#withoutActuals,
    };
  }

  restore({ agreement, accuracy, copies, means, outForMs, withoutActuals }: RungRecordSnapshot, nowMs: number): void {
    this.#agreement.restore(agreement);
    this.#accuracy.restore(accuracy);
    this.#copies = copies;
    for (const name of meanNames) this.#means[name].restore(means[name]);
    this.#outSinceMs = outForMs === undefined ? undefined : nowMs - outForMs;
    this.#withoutActuals = withoutActuals;
  }

  #isBad(): boolean {
    return this.#accuracy.standing === "bad" || (this.#accuracy.standing === "unknown" && this.#agreement.standing === "bad");
  }

  #isGood(): boolean {
    return this.#accuracy.standing === "good" || (this.#accuracy.standing === "unknown" && this.#agreement.standing === "good");
  }

  #message(): string {
    const { agreement, accuracyLoss } = this.#options;
    const { agreement: agreed, accuracy, primaryAccuracy } = this.#means;
    const right = `is right in ${percent(accuracy.mean() ?? 0)} of ${accuracy.length} answers whose actuals came, the primary in ${percent(primaryAccuracy.mean() ?? 0)} (at most ${percent(accuracyLoss)} less asked)`;
    const same = `agrees with the primary in ${percent(agreed.mean() ?? 0)} of ${agreed.length} answers (at least ${percent(agreement)} asked)`;
    if (this.#accuracy.standing !== "unknown" || agreed.length === 0) return accuracy.length === 0 ? "no answer of it could be compared yet" : right;
    return same;
  }
}
