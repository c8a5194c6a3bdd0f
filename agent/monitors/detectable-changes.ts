/**
 * What the alarms can not see: the smallest change of each column that is found within a window's rows, told in one sentence
 * once the reference is known and as a series from then on. It follows from the budget and from how much traffic there
 * is, so it is worked out anew when the threshold has moved. Each column takes some milliseconds, so it is a few a tick.
 */
import { detectableChange, type DetectableChange } from "../../detectors/guarantee/detectable-change.ts";
import type { FeatureReference, Reference } from "../../detectors/reference/reference.ts";
import { instruments } from "../../exporters/instruments.ts";
import type { Point } from "../observation.ts";
import { list, percent } from "./words.ts";

export interface DetectableChangesOptions {
  readonly model: string;
  /** Rows within which a change is to be found. */
  readonly within: number;
}

const columnsPerTick = 3;
/** Decimal logarithms that the threshold may move before all is worked out anew: a factor of two. */
const moveMin = 0.3;
const worstMax = 3;

export class DetectableChanges {
  readonly #options: DetectableChangesOptions;
  readonly #columns: readonly FeatureReference[];
  readonly #horizon: number;
  readonly #found = new Map<string, DetectableChange>();
  /** The next column; all are done where it is past the last. */
  #next = 0;
  #threshold: number | undefined;
  #told = false;

  constructor(reference: Reference, options: DetectableChangesOptions) {
    this.#options = options;
    this.#columns = [...reference.features, ...(reference.score === undefined ? [] : [{ ...reference.score, name: "score" }])];
    // Rows that are passed over prove nothing.
    this.#horizon = Math.max(1, Math.floor(options.within / (reference.thinning ?? 1)));
  }

  /** @param threshold decimal logarithm of A. @returns the sentence, once. */
  tick(threshold: number): string | undefined {
    if (this.#threshold === undefined || Math.abs(threshold - this.#threshold) >= moveMin) {
      this.#threshold = threshold;
      this.#next = 0;
    }
    const settings = { samplesPerFalseAlarm: 10 ** this.#threshold, horizon: this.#horizon, features: this.#columns.length };
    for (const column of this.#columns.slice(this.#next, this.#next + columnsPerTick)) this.#found.set(column.name, detectableChange(column, settings));
    this.#next = Math.min(this.#columns.length, this.#next + columnsPerTick);
    if (this.#told || this.#next < this.#columns.length) return undefined;
    this.#told = true;
    return this.#sentence();
  }

  points(): readonly Point[] {
    const { model } = this.#options;
    return [...this.#found].flatMap(([feature, { unit, smallest }]) =>
      smallest === undefined ? [] : [{ instrument: instruments.detectableChange, labels: { model, feature, unit }, value: smallest }],
    );
  }

  #sentence(): string {
    const all = [...this.#found].map(([name, change]) => ({ name, ...change }));
    const worst = (unit: DetectableChange["unit"]) => all.filter((one) => one.unit === unit && one.smallest !== undefined).sort((a, b) => (b.smallest as number) - (a.smallest as number));
    const means = worst("standard-deviations").map(({ name, smallest }) => `${Number((smallest as number).toPrecision(2))} (${name})`);
    const shares = worst("share").map(({ name, smallest }) => `${percent(smallest as number)} (${name})`);
    const never = all.filter(({ smallest }) => smallest === undefined).map(({ name }) => name);
    const parts = [
      means.length === 0 ? "" : `changes of the mean below ${list(means, worstMax)} standard deviations`,
      shares.length === 0 ? "" : `changes that move less than ${list(shares, worstMax)} of the rows`,
      never.length === 0 ? "" : `some changes of ${list(never, worstMax)}, however large`,
    ];
    return `${this.#options.model}: what may go unseen within ${this.#options.within.toLocaleString("en-GB")} rows: ${parts.filter((part) => part !== "").join("; ")}`;
  }
}
