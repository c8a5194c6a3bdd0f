/**
 * What a change detector is: `start / step / read` over bounded, serialisable state. It never resets itself and never reads
 * a clock; its owner starts it anew after an alarm.
 */
export type Verdict = "warmup" | "stable" | "warning" | "drift";

export interface Reading {
  readonly verdict: Verdict;
  /** In the detector's own unit; drift where it passes the threshold. */
  readonly statistic: number;
  readonly threshold: number;
}

export interface Detector<State> {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  start(): State;
  /** Consumes `state`; typed arrays inside may be changed in place. Throws a RangeError for a value outside its domain. */
  step(state: State, value: number): State;
  read(state: State): Reading;
}
