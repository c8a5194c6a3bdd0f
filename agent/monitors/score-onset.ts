/**
 * When did the scores change? By where they lie among the reference's cells, and by how far they lie from the middle of these: a
 * model that has become less sure may keep its mean. The onset is of whichever shows a change more.
 */
import type { Onset } from "../judgement.ts";
import { OnsetMemory, type OnsetSnapshot } from "./onset.ts";

export interface ScoreOnsetSnapshot {
  readonly place: OnsetSnapshot;
  readonly spread: OnsetSnapshot;
}

export class ScoreOnset {
  readonly #cells: number;
  readonly #place = new OnsetMemory();
  readonly #spread = new OnsetMemory();

  constructor(cells: number) {
    this.#cells = cells;
  }

  push(cell: number, atWallMs: number): void {
    const place = (cell + 0.5) / this.#cells;
    this.#place.push(place, atWallMs);
    this.#spread.push(Math.abs(2 * place - 1), atWallMs);
  }

  found(): Onset | undefined {
    const [more] = [this.#place.change(), this.#spread.change()].filter((one) => one !== undefined).sort((a, b) => b.ratio - a.ratio);
    return more && { earliestWallMs: more.earliestWallMs, latestWallMs: more.latestWallMs };
  }

  snapshot(): ScoreOnsetSnapshot {
    return { place: this.#place.snapshot(), spread: this.#spread.snapshot() };
  }

  restore({ place, spread }: ScoreOnsetSnapshot): void {
    this.#place.restore(place);
    this.#spread.restore(spread);
  }
}
