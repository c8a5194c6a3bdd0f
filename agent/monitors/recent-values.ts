/**
 * The last values of a column as they came, for what is said of a change: numbers in one list, and beside it whatever is
 * none, which in a column of numbers is seldom.
 */
import type { Value } from "../../detectors/reference/reference.ts";

/** About as many as it takes to find a large change. */
export const recentRows = 50;

/** Longer texts are cut: they are kept to be shown. */
const textMax = 64;

export interface RecentValuesSnapshot {
  readonly numbers: readonly number[];
  readonly others: ReadonlyMap<number, Value>;
  readonly next: number;
  readonly length: number;
}

export class RecentValues {
  /** A list of doubles takes a hundred bytes less than a typed array. */
  #numbers: number[] = Array.from({ length: recentRows }, () => 0.5);
  /** By their place in the ring. */
  #others: Map<number, Value> | undefined;
  #next = 0;
  #length = 0;

  push(value: Value): void {
    const at = this.#next;
    if (typeof value === "number") {
      this.#numbers[at] = value;
      this.#others?.delete(at);
    } else {
      this.#others ??= new Map();
      this.#others.set(at, typeof value === "string" && value.length > textMax ? value.slice(0, textMax) : value);
    }
    this.#next = at + 1 === recentRows ? 0 : at + 1;
    if (this.#length < recentRows) this.#length += 1;
  }

  /** Oldest first. */
  values(): readonly Value[] {
    const first = this.#length < recentRows ? 0 : this.#next;
    return Array.from({ length: this.#length }, (_, i) => {
      const at = (first + i) % recentRows;
      return this.#others?.has(at) === true ? this.#others.get(at) : this.#numbers[at];
    });
  }

  snapshot(): RecentValuesSnapshot {
    return { numbers: [...this.#numbers], others: this.#others ?? new Map(), next: this.#next, length: this.#length };
  }

  restore({ numbers, others, next, length }: RecentValuesSnapshot): void {
    this.#numbers = [...numbers];
    this.#others = others.size === 0 ? undefined : new Map(others);
    this.#next = next;
    this.#length = length;
  }
}
