/**
 * When did it begin? A detector says when it was sure; this says between which answers the change lies, so that it can be told
 * what began with another version of the model and what was there before.
 *
 * Remembers a stream's values by the minute in which the answers that they are about were given, since actuals come late and in
 * any order: count, sum and sum of squares for each minute that had any, of the latest 720 of them. Where an alarm is raised, a
 * change point of these minutes is the onset (detectors/change/change-point.ts), a minute wider on both sides, because the minute
 * of a change has values of either kind.
 *
 * What is remembered may have changed more than once. The latest changes are found one after the other, each in what follows the
 * one before. Of a loss, the onset is the largest of the last rises in a row: a rise that came in many small steps began with none of
 * them. Where either direction is a change, as of a score, it is the last. Cost: some nanoseconds a value; 35 KB.
 */
import { changePoint, type ChangePoint, type ValueBlock } from "../../detectors/change/change-point.ts";
import type { Onset } from "../judgement.ts";

/** Six numbers for each minute, in the order of time. */
export type OnsetSnapshot = Float64Array;

const minuteMs = 60_000;
const minutesMax = 720;
const changesMax = 16;
/** Of a minute: its number, the first and the last answer's time, count, sum, squares. */
const width = 6;

export class OnsetMemory {
  #minutes: Float64Array = new Float64Array(minutesMax * width);
  #length = 0;

  /** @param atWallMs when the answer was given. */
  push(value: number, atWallMs: number): void {
    const at = this.#place(Math.floor(atWallMs / minuteMs));
    if (at === undefined) return;
    const minutes = this.#minutes;
    minutes[at + 1] = Math.min(minutes[at + 1] as number, atWallMs);
    minutes[at + 2] = Math.max(minutes[at + 2] as number, atWallMs);
    minutes[at + 3]! += 1;
    minutes[at + 4]! += value;
    minutes[at + 5]! += value * value;
  }

  /** Of a rise; undefined where none is to be seen in what is remembered. */
  rise(): Onset | undefined {
    const changes = this.#changes();
    const lastFall = changes.findLastIndex(({ step }) => step <= 0);
    const rises = changes.slice(lastFall + 1);
    return rises.length === 0 ? undefined : this.#between(rises.reduce((largest, one) => (one.step > largest.step ? one : largest)));
  }

  /** Of the last change in either direction, with how much it explains. */
  change(): (Onset & { readonly ratio: number }) | undefined {
    const last = this.#changes().at(-1);
    return last && { ...this.#between(last), ratio: last.ratio };
  }

  snapshot(): OnsetSnapshot {
    return this.#minutes.slice(0, this.#length * width);
  }

  restore(saved: OnsetSnapshot): void {
    this.#minutes.set(saved);
    this.#length = saved.length / width;
  }

  /** In order, with the step from the level before to the one after. */
  #changes(): readonly (ChangePoint & { readonly step: number })[] {
    const blocks: ValueBlock[] = [];
    for (let at = 0; at < this.#length * width; at += width) blocks.push({ count: this.#minutes[at + 3] as number, sum: this.#minutes[at + 4] as number, squares: this.#minutes[at + 5] as number });
    const found: ChangePoint[] = [];
    for (let from = 0; found.length < changesMax; from = (found.at(-1) as ChangePoint).best) {
      const change = changePoint(blocks.slice(from));
      if (change === undefined) break;
      found.push({ ...change, best: from + change.best, earliest: from + change.earliest, latest: from + change.latest });
    }
    return found.map((change, i) => ({ ...change, step: (found[i + 1]?.before ?? change.after) - change.before }));
  }

  #between({ earliest, latest }: ChangePoint): Onset {
    return { earliestWallMs: this.#minutes[(earliest - 1) * width + 1] as number, latestWallMs: this.#minutes[latest * width + 2] as number };
  }

  /** Where the minute stands, which is made where it is new; undefined for one that is older than all, where there are enough. */
  #place(minute: number): number | undefined {
    let index = this.#length;
    while (index > 0 && (this.#minutes[(index - 1) * width] as number) >= minute) index -= 1;
    if (index < this.#length && this.#minutes[index * width] === minute) return index * width;
    if (this.#length === minutesMax) {
      if (index === 0) return undefined;
      this.#minutes.copyWithin(0, width, index * width);
      index -= 1;
    } else {
      this.#minutes.copyWithin((index + 1) * width, index * width, this.#length * width);
      this.#length += 1;
    }
    this.#minutes.set([minute, Infinity, -Infinity, 0, 0, 0], index * width);
    return index * width;
  }
}
