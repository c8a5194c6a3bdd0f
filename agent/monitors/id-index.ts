/**
 * Finds the place of an id among as many places as there may be, with 15 bytes for each and without keeping the id: 64 bits of
 * its SHA-256 stand for it, in chains as in any hash table.
 *
 * Two ids of the same 64 bits are taken for one: the later of two answers would not be remembered, and its actual be joined to the
 * earlier. Among 100,000 ids there is such a pair with a chance of 3e-10 (n² / 2 / 2^64), and nobody can make one at will.
 */
import { hash } from "node:crypto";

/** 64 bits that stand for an id. */
export interface IdHash {
  readonly high: number;
  readonly low: number;
}

export function hashOf(id: string): IdHash {
  const digest = hash("sha256", id, "hex");
  return { high: Number.parseInt(digest.slice(0, 8), 16), low: Number.parseInt(digest.slice(8, 16), 16) };
}

export class IdIndex {
  readonly highs: Uint32Array;
  readonly lows: Uint32Array;
  /** The first place of each chain, and after each place the next one; places are counted from 1, and 0 ends a chain. */
  readonly #heads: Uint32Array;
  readonly #nexts: Uint32Array;

  /** @param places from 0 to one less. */
  constructor(places: number) {
    this.highs = new Uint32Array(places);
    this.lows = new Uint32Array(places);
    this.#heads = new Uint32Array(2 ** Math.floor(Math.log2(places)));
    this.#nexts = new Uint32Array(places);
  }

  find({ high, low }: IdHash): number | undefined {
    for (let place = this.#heads[this.#chainOf(low)] as number; place !== 0; place = this.#nexts[place - 1] as number) {
      if (this.highs[place - 1] === high && this.lows[place - 1] === low) return place - 1;
    }
    return undefined;
  }

  /** The place must be free. */
  put(place: number, { high, low }: IdHash): void {
    const chain = this.#chainOf(low);
    this.highs[place] = high;
    this.lows[place] = low;
    this.#nexts[place] = this.#heads[chain] as number;
    this.#heads[chain] = place + 1;
  }

  remove(place: number): void {
    const chain = this.#chainOf(this.lows[place] as number);
    const next = this.#nexts[place] as number;
    let before = this.#heads[chain] as number;
    if (before === place + 1) {
      this.#heads[chain] = next;
      return;
    }
    while (this.#nexts[before - 1] !== place + 1) before = this.#nexts[before - 1] as number;
    this.#nexts[before - 1] = next;
  }

  #chainOf(low: number): number {
    return low % this.#heads.length;
  }
}
