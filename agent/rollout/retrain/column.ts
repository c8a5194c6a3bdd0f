/**
 * One column of so many rows: what kind each value is, and its number; texts are numbers of a dictionary. 9 bytes a value, and
 * each different text once.
 */
import type { Value } from "../../protocols/protocol.ts";

const kinds = { absent: 0, number: 1, text: 2, no: 3, yes: 4 } as const;

/** What kinds of values a column has seen, as bits that can be put together. */
export const seen = { number: 1, text: 2, boolean: 4 } as const;

export class Column {
  readonly #kinds: Uint8Array;
  readonly #numbers: Float64Array;
  readonly #texts: string[] = [];
  /** Only while rows are added. */
  #codes: Map<string, number> | undefined = new Map();
  #bytes: number;
  #seen = 0;

  constructor(rows: number) {
    this.#kinds = new Uint8Array(rows);
    this.#numbers = new Float64Array(rows);
    this.#bytes = rows * bytesPerValue;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get seen(): number {
    return this.#seen;
  }

  set(row: number, value: Value): void {
    if (typeof value === "number") {
      this.#kinds[row] = kinds.number;
      this.#numbers[row] = value;
      this.#seen |= seen.number;
    } else if (typeof value === "string") {
      this.#kinds[row] = kinds.text;
      this.#numbers[row] = this.#code(value);
      this.#seen |= seen.text;
    } else if (value === null) {
      this.#kinds[row] = kinds.absent;
    } else {
      this.#kinds[row] = value ? kinds.yes : kinds.no;
      this.#seen |= seen.boolean;
    }
  }

  /** null also where nothing was set. */
  get(row: number): Value {
    switch (this.#kinds[row] as (typeof kinds)[keyof typeof kinds] | undefined) {
      case kinds.number:
        return this.#numbers[row] as number;
      case kinds.text:
        return this.#texts[this.#numbers[row] as number] as string;
      case kinds.no:
        return false;
      case kinds.yes:
        return true;
      case kinds.absent:
      case undefined:
        return null;
    }
  }

  /** Few more values will come. What helps to add them goes. */
  seal(): void {
    this.#bytes -= (this.#codes?.size ?? 0) * bytesPerCode;
    this.#codes = undefined;
  }

  #code(text: string): number {
    const known = this.#codes?.get(text);
    if (known !== undefined) return known;
    const code = this.#texts.push(text) - 1;
    this.#bytes += textBytes(text);
    if (this.#codes !== undefined) {
      this.#codes.set(text, code);
      this.#bytes += bytesPerCode;
    }
    return code;
  }
}

export const bytesPerValue = 9;
/** An entry of a map. */
const bytesPerCode = 40;

/** About what a text takes: its head, a place in a list, and its characters, two bytes each at worst. */
export function textBytes(text: string): number {
  return 24 + 2 * text.length;
}
