/**
 * What every comparison of a candidate with the primary answers: how strong the evidence is that the candidate is worse, by
 * how much it seems to be, and within what that lies. Verdicts are made of these in one place, verdict.ts.
 */
import type { Interval } from "../guarantee/interval.ts";

export interface Comparison<Event, State> {
  /** What it promises, in one sentence for a person. */
  readonly guarantee: string;
  start(): State;
  /** Consumes `state`; typed arrays inside may be changed in place. Throws a RangeError for an event outside its domain. */
  step(state: State, event: Event): State;
  /**
   * Natural logarithm of an e-value: while the candidate is not worse it is ever log(1/alpha) with probability alpha at most.
   *
   * @param enough where the evidence is below this, any number below it will do: what is cheap to know is answered.
   */
  logEvidence(state: State, enough?: number): number;
  /** By how much the candidate is worse, in the comparison's own unit; below 0 where it is better, undefined while unknown. */
  effect(state: State): number | undefined;
  /** Where the effect lies, at all times together with probability 1 - alpha; infinite ends where nothing is known. */
  interval(state: State, alpha: number): Interval;
  /** What the evidence rests on (errors, pairs that differ), and as how many independent ones they were judged (grouping.ts). */
  seen(state: State): Seen;
  /** What each side is by itself, where the effect is made of that; in the events' unit, or a ratio of them. */
  sides?(state: State): { readonly candidate: number; readonly primary: number } | undefined;
}

export interface Seen {
  readonly events: number;
  readonly effective: number;
}

/** Where an event of live traffic went, and by what chance. */
export interface Dealt {
  /** Went to the candidate, else to the primary. */
  readonly candidate: boolean;
  /** The candidate's share of the traffic when it was dealt, 0 to 1. */
  readonly weight: number;
  /** What it belongs together with: a hash of the user's key, or the second. Asked for where events are grouped. */
  readonly group?: number;
}
