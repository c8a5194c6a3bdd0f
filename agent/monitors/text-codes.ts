/**
 * A number for each text that is in use, so that columns can hold texts that come again and again, such as the names of classes.
 * A text that is used no more makes room for another.
 */
export class TextCodes {
  /** By code; empty where a code is free. */
  readonly texts: string[] = [];
  readonly #codes = new Map<string, number>();
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** Different texts in use. */
  get size(): number {
    return this.#codes.size;
  }

  /** Its code, used once more. */
  take(text: string): number {
    const code = this.#codes.get(text) ?? this.#new(text);
    this.#uses[code] = (this.#uses[code] as number) + 1;
    return code;
  }

  /** It is used once less. */
  giveBack(code: number): void {
    const left = (this.#uses[code] as number) - 1;
    this.#uses[code] = left;
    if (left > 0) return;
    this.#codes.delete(this.texts[code] as string);
    this.texts[code] = "";
    this.#free.push(code);
  }

  #new(text: string): number {
    const code = this.#free.pop() ?? this.texts.length;
    this.texts[code] = text;
    this.#uses[code] = 0;
    this.#codes.set(text, code);
    return code;
  }
}
