/**
 * Is one thing about a rung well, by evidence that may be looked at after every value? Two e-detectors on one stream of values
 * from 0 (good) to 1 (bad): that their mean lies above a limit, and that it lies below. Whichever finds its evidence first
 * gives the standing, and both begin anew, so that a rung which has changed is found as soon as one that was bad from its
 * first answer; a bare ratio would forget neither good nor bad days.
 *
 * To be called bad takes a thousand times more evidence than to be called good again: a rung whose mean is exactly at the
 * limit is falsely called bad once in a million values at most on average, and a bad one falsely good once in a thousand.
 * Both hold whatever the values have to do with each other (detectors/guarantee/mean-e-detector.ts).
 */
import type { Detector } from "../../detectors/detector.ts";
import { meanEDetector, type MeanEState } from "../../detectors/guarantee/mean-e-detector.ts";

/** Values between two false verdicts, on average at least. */
const valuesPerFalse = { bad: 1_000_000, good: 1_000 } as const;

/** A mean can not be shown to lie below 0, so this little is good enough whatever the limit. */
const goodMin = 0.01;

export type Standing = "unknown" | "good" | "bad";

export interface RungStandingSnapshot {
  readonly standing: Standing;
  readonly bad: MeanEState;
  readonly good: MeanEState;
  readonly count: number;
}

export class RungStanding {
  readonly #detectors: { readonly bad: Detector<MeanEState>; readonly good: Detector<MeanEState> };
  readonly #valuesMin: number;
  #state: { bad: MeanEState; good: MeanEState };
  #count = 0;
  standing: Standing = "unknown";

  /** @param limit mean of the values, 0 to 1, that is still well. @param valuesMin no verdict before. */
  constructor(limit: number, valuesMin: number) {
    this.#valuesMin = valuesMin;
    this.#detectors = {
      bad: meanEDetector({ baseline: limit, samplesPerFalseAlarm: valuesPerFalse.bad }),
      good: meanEDetector({ baseline: Math.max(limit, goodMin), samplesPerFalseAlarm: valuesPerFalse.good, direction: "down" }),
    };
    this.#state = this.#start();
  }

  /** Values heard. */
  get count(): number {
    return this.#count;
  }

  /** @param value 0 (good) to 1 (bad). True where the standing has become another. */
  push(value: number): boolean {
    const { bad, good } = this.#detectors;
    this.#count += 1;
    this.#state = { bad: bad.step(this.#state.bad, value), good: good.step(this.#state.good, value) };
    if (this.#count < this.#valuesMin) return false;
    const found = bad.read(this.#state.bad).verdict === "drift" ? "bad" : good.read(this.#state.good).verdict === "drift" ? "good" : undefined;
    if (found === undefined) return false;
    this.#state = this.#start();
    const isNew = found !== this.standing;
    this.standing = found;
    return isNew;
  }

  /** What was found no longer counts; evidence is gathered anew. */
  forget(): void {
    this.standing = "unknown";
    this.#state = this.#start();
  }

  snapshot(): RungStandingSnapshot {
    return { standing: this.standing, ...this.#state, count: this.#count };
  }

  restore({ standing, bad, good, count }: RungStandingSnapshot): void {
    this.standing = standing;
    this.#state = { bad, good };
    this.#count = count;
  }

  #start(): { bad: MeanEState; good: MeanEState } {
    return { bad: this.#detectors.bad.start(), good: this.#detectors.good.start() };
  }
}
