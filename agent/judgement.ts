/** A monitor's verdict told to failover: one detector on one stream came to another opinion. */
import type { Verdict } from "../detectors/detector.ts";

export interface Share {
  readonly name: string;
  /** Of the evidence, 0 to 1. */
  readonly share: number;
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
  readonly atWallMs: number;
}
