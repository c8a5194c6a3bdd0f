/**
 * What a subscriber has made of the directives: what it applied, what it refused, and so whether one of them still waits for it.
 * A subscriber that did not say it acks is not asked.
 */
import type { NackCode } from "../frames.ts";
import { targetKey } from "../signal.ts";
import type { Level } from "./levels.ts";

export const standings = ["current", "lagging", "refused", "slow"] as const;
/** current: nothing waits for it; lagging: a directive in force is not acked; refused: it was nacked; slow: it does not read. */
export type Standing = (typeof standings)[number];

export interface Nack {
  readonly rev: number;
  readonly code: NackCode;
  readonly detail: string;
  /** The directive that it keeps to instead, by its `rev`. */
  readonly keeping: number | undefined;
}

/** As many as directives may be refused at once by one subscriber; the oldest is forgotten. */
const nacksMax = 100;

export class Applied {
  readonly #revs = new Map<string, number>();
  readonly #nacks = new Map<number, Nack>();

  /** Only targets of directives in force are remembered. */
  ack(applied: Readonly<Record<string, number>>, inForce: readonly Level[]): void {
    const targets = new Set(inForce.map(({ signal }) => targetKey(signal.target)));
    for (const target of this.#revs.keys()) if (!targets.has(target)) this.#revs.delete(target);
    for (const [target, rev] of Object.entries(applied)) if (targets.has(target)) this.#revs.set(target, rev);
  }

  nack(nack: Nack): void {
    this.#nacks.set(nack.rev, nack);
    const [oldest] = this.#nacks.keys();
    if (this.#nacks.size > nacksMax && oldest !== undefined) this.#nacks.delete(oldest);
  }

  /** By target, the `rev` of the newest directive that it has applied. */
  get revs(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#revs);
  }

  nacksOf(inForce: readonly Level[]): readonly Nack[] {
    return inForce.flatMap(({ seq }) => this.#nacks.get(seq) ?? []);
  }

  of({ seq, signal }: Level): "applied" | "refused" | "unacked" {
    if (this.#nacks.has(seq)) return "refused";
    return (this.#revs.get(targetKey(signal.target)) ?? -1) >= seq ? "applied" : "unacked";
  }
}
