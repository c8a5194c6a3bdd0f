/**
 * The evidence of one rollout: the states of all comparisons under one budget, which weight is in force, and what of the verdict
 * is still waited for. A straggler, dealt under an earlier weight and ended after the first of a later one, is passed over where
 * the comparison begins anew at each weight: on either side alike, so that it is no bias.
 */
import type { Dealt } from "../../detectors/judge/comparison.ts";
import type { PairEvent } from "../../detectors/judge/pairs.ts";
import type { PairedNumbers } from "../../detectors/judge/paired-difference.ts";
import { judge, type Judge, type JudgeReading } from "../../detectors/judge/verdict.ts";
import type { TrialReading } from "../trial.ts";
import type { Compared } from "./trial-comparisons.ts";

export interface EvidenceSnapshot {
  readonly states: Readonly<Record<string, unknown>>;
  readonly heard: readonly (readonly [string, number])[];
  readonly inForce: number;
  readonly earlier: readonly number[];
}

/** Whether the time is up is for others to say. */
export type Found = JudgeReading<string> & { readonly verdict: TrialReading["verdict"] };
type States = ReturnType<Judge<Record<string, Compared>>["start"]>;

/** A rollout has fewer steps. */
const weightsMax = 64;

export class TrialEvidence {
  readonly comparisons: Readonly<Record<string, Compared>>;
  readonly #judge: Judge<Record<string, Compared>>;
  #states: States;
  /** Events by comparison; of those that begin anew at each weight under that in force. */
  readonly #heard = new Map<string, number>();
  #inForce = 0;
  #earlier: number[] = [];
  readonly #harmed = new Set<string>();

  constructor(alpha: number, comparisons: Readonly<Record<string, Compared>>) {
    this.comparisons = comparisons;
    this.#judge = judge({ alpha, comparisons });
    this.#states = this.#judge.start();
  }

  /** Whether it is compared at all. */
  has(name: string): boolean {
    return Object.hasOwn(this.comparisons, name);
  }

  /**
   * An inference of one side. True where it turned the comparison to harm, which is asked at the candidate's: what the primary's
   * do to the verdict the next reading finds. At a weight of 0 or 1 there is nothing to compare.
   */
  live(name: string, event: Required<Dealt>): boolean {
    const compared = this.comparisons[name];
    if (compared === undefined || !(event.weight > 0 && event.weight < 1)) return false;
    if (!compared.late && !this.#isInForce(event.weight)) return false;
    this.#step(name, event);
    return event.candidate && this.#turned(name);
  }

  /** A pair of answers to one request. */
  pair(name: string, event: PairEvent | PairedNumbers | { readonly different: number; readonly group: number }): boolean {
    if (!this.has(name)) return false;
    this.#step(name, event);
    return this.#turned(name);
  }

  /** Cost: about a millisecond a comparison. @param weight the candidate's share now: "not worse" is said of that alone. */
  read(weight: number): Found {
    const silent = new Set(Object.keys(this.comparisons).filter((name) => !this.#isAwaited(name, weight)));
    const reading = this.#judge.read(this.#states, false, silent);
    this.#harmed.clear();
    for (const name of reading.harmed) this.#harmed.add(name);
    const isOfThisWeight = weight === 0 || weight === 1 || weight === this.#inForce;
    const { verdict } = reading;
    return { ...reading, verdict: verdict === "inconclusive" || (verdict === "not-worse" && !isOfThisWeight) ? "continue" : verdict };
  }

  heard(name: string): number {
    return this.#heard.get(name) ?? 0;
  }

  /** Shares memory: to be written down before more is heard. */
  snapshot(): EvidenceSnapshot {
    return { states: this.#states, heard: [...this.#heard], inForce: this.#inForce, earlier: this.#earlier };
  }

  restore({ states, heard, inForce, earlier }: EvidenceSnapshot): void {
    this.#states = states as States;
    for (const [name, events] of heard) this.#heard.set(name, events);
    this.#inForce = inForce;
    this.#earlier = [...earlier];
    for (const name of Object.keys(this.comparisons)) if (this.#judge.isHarmed(this.#states, name)) this.#harmed.add(name);
  }

  #step(name: string, event: object): void {
    this.#judge.step(this.#states, name, event);
    this.#heard.set(name, this.heard(name) + 1);
  }

  /** Harm since it was asked last. */
  #turned(name: string): boolean {
    const [was, is] = [this.#harmed.has(name), this.#judge.isHarmed(this.#states, name)];
    if (is) this.#harmed.add(name);
    else this.#harmed.delete(name);
    return is && !was;
  }

  #isInForce(weight: number): boolean {
    if (weight === this.#inForce) return true;
    if (this.#earlier.includes(weight)) return false;
    if (this.#inForce !== 0) this.#earlier.push(this.#inForce);
    if (this.#earlier.length > weightsMax) this.#earlier.shift();
    this.#inForce = weight;
    for (const [name, { of, late }] of Object.entries(this.comparisons)) if (of === "live" && !late) this.#heard.delete(name);
    return true;
  }

  /** Traffic that is dealt has to show its errors, and copies theirs as long as there is nothing else; the others once they have events. */
  #isAwaited(name: string, weight: number): boolean {
    const { of, required } = this.comparisons[name] as Compared;
    if (this.heard(name) > 0) return true;
    if (weight === 0) return of === "copies" && (required || name === "shadow_errors");
    return weight < 1 && of === "live" && (required || name === "errors");
  }
}
