/**
 * When a primary counts as slow, so that a rung is asked beside it: after a time that is given, or after the 0.95 quantile of
 * the latencies of late. Source of the idea and of the quantile: J. Dean and L. A. Barroso, The Tail at Scale, CACM 56 (2013).
 *
 * A request that a hedge has called back counts as one of at least so long, else each hedge would make the next come sooner.
 * What hedges cost is bounded by the budget that they share with second attempts. Cost: a sort of 128 numbers every 16 requests.
 */
import { Latest } from "./latest.ts";

export type HedgeAfter = number | "p95";

/** What became of a hedge. `refused`: the budget was spent. `lost`: the primary was first. */
export type HedgeResult = "won" | "lost" | "failed" | "refused";

const latestCount = 128;
const quantile = 0.95;
/** Fewer latencies say nothing of a tail. */
const leastCount = 20;
const renewedEvery = 16;

export class Hedging {
  readonly #after: HedgeAfter;
  readonly #latestMs = new Latest(latestCount);
  #count = 0;
  #p95Ms: number | undefined;

  constructor(after: HedgeAfter) {
    this.#after = after;
  }

  /** undefined while too little is known. */
  get delayMs(): number | undefined {
    return this.#after === "p95" ? this.#p95Ms : this.#after;
  }

  /** The primary took so long, or was called back after so long. */
  took(ms: number): void {
    if (this.#after !== "p95") return;
    this.#latestMs.push(ms);
    this.#count += 1;
    if (this.#count < leastCount || (this.#p95Ms !== undefined && this.#count % renewedEvery !== 0)) return;
    this.#p95Ms = Math.max(1, this.#latestMs.quantile(quantile) as number);
  }
}
