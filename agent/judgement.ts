/** A monitor's verdict told to failover: one detector on one stream came to another opinion. */
import type { Verdict } from "../detectors/detector.ts";

export interface Share {
  readonly name: string;
  /** Of the evidence, 0 to 1. */
  readonly share: number;
}

/** Between which answers, by the time at which they were given, a change lies: as well as it can be told. */
export interface Onset {
  readonly earliestWallMs: number;
  readonly latestWallMs: number;
}

export interface Judgement {
  readonly model: string;
  /**
   * `features` (all of them, the score and whole rows under one budget), `violations`, `latency`, `failures`, `mistakes`,
   * `error-rate`, `calibration`, `estimated-performance`.
   */
  readonly stream: string;
  readonly detector: string;
  readonly verdict: Verdict;
  readonly statistic: number;
  readonly threshold: number;
  /** Largest first; empty where the stream has no parts. */
  readonly culprits: readonly Share[];
  /** A sentence for a person: what moved, from what to what. */
  readonly message: string;
  /** When it began, which is before it was found; absent where nobody can tell. Of "features": where the score carries most of it. */
  readonly onset?: Onset | undefined;
  readonly atWallMs: number;
}

/** What a rung would be worth if it were needed now: told each second, as a level. */
export interface RungPrice {
  readonly rung: string;
  /** Which rung it is that bears the name: one with other options has another. */
  readonly key: string;
  /** `unproven`: the evidence does not suffice yet for either; such a rung may be asked. */
  readonly standing: "unproven" | "qualified" | "ineligible";
  /** A sentence for a person: how it was found. */
  readonly message: string;
  /** Copies that it was asked, and those of its answers that could be compared, since it is known. */
  readonly copies: number;
  readonly compared: number;
  /** Of the latest copies: the ratio of rows in which it agrees with the primary, and of copies that it answered at all. Undefined: unknown. */
  readonly agreement: number | undefined;
  readonly coverage: number | undefined;
  /** Mean absolute difference of its scores or numbers from the primary's. */
  readonly difference: number | undefined;
  /** Of the latest rows whose actuals came, the ratio in which it was right, and the primary's of the same rows. */
  readonly accuracy: number | undefined;
  readonly primaryAccuracy: number | undefined;
  /** Of its answers, in milliseconds: half of them came within, and 95 of 100. */
  readonly medianMs: number | undefined;
  readonly slowMs: number | undefined;
}
