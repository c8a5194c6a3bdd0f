/**
 * Which requests ask the same thing? Those whose bodies are the same JSON, whatever its white space and the order of an
 * object's members, with the same bytes after it (binary tensors). Numbers and texts are compared as they are written, never as
 * they would be read: 9007199254740993 is not 9007199254740992, and to ask the server once too often does no harm.
 *
 * One pass over the bytes; what is no JSON is itself. Pure.
 */

export interface Canonical {
  /** Latin-1, so that a character is a byte. */
  readonly text: string;
  /** The member of the outermost object that was left out: its value, and itself with the comma that parts it from the others. */
  readonly left: { readonly value: Span; readonly member: Span } | undefined;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Deeper is no tensor, and would end the stack. */
const depthMax = 64;

/** @param without the name of a member of the outermost object that does not count. Cost: about 25 ns a byte of a short body. */
export function canonical(body: Buffer, without?: string): Canonical {
  const text = body.toString("latin1");
  const scanner = new Scanner(text, without === undefined ? undefined : JSON.stringify(without));
  const value = scanner.value(0);
  if (value === undefined) return { text, left: undefined };
  const rest = text.slice(scanner.at);
  return { text: /^\s*$/.test(rest) ? value : `${value}\n${rest}`, left: scanner.left };
}

class Scanner {
  at = 0;
  left: Canonical["left"];

  readonly #text: string;
  readonly #without: string | undefined;

  constructor(text: string, without: string | undefined) {
    this.#text = text;
    this.#without = without;
  }

  /** The next value, rewritten; undefined where there is none. */
  value(depth: number): string | undefined {
    this.#space();
    const next = this.#text[this.at];
    if (next === "{") return depth < depthMax ? this.#object(depth + 1) : undefined;
    if (next === "[") return depth < depthMax ? this.#list(depth + 1) : undefined;
    return next === '"' ? this.#quoted() : this.#word();
  }

  #object(depth: number): string | undefined {
    const members: string[] = [];
    let isSorted = true;
    let separator = this.at;
    this.at += 1;
    for (;;) {
      this.#space();
      if (this.#text[separator] === "{" && this.#text[this.at] === "}") break;
      const key = this.#quoted();
      this.#space();
      if (key === undefined || this.#text[this.at] !== ":") return undefined;
      this.at += 1;
      this.#space();
      const start = this.at;
      const value = this.value(depth);
      if (value === undefined) return undefined;
      const end = this.at;
      this.#space();
      const next = this.#text[this.at];
      const isLeftOut = depth === 1 && key === this.#without && this.left === undefined;
      if (isLeftOut) {
        // With the comma before it, or, for the first member, the one after it.
        const isFirst = this.#text[separator] === "{";
        this.left = { value: { start, end }, member: isFirst ? { start: separator + 1, end: next === "," ? this.at + 1 : end } : { start: separator, end } };
      } else {
        const member = `${key}:${value}`;
        isSorted &&= members.length === 0 || (members.at(-1) as string) <= member;
        members.push(member);
      }
      if (next === "}") break;
      if (next !== ",") return undefined;
      separator = this.at;
      this.at += 1;
    }
    this.at += 1;
    return `{${(isSorted ? members : members.sort()).join(",")}}`;
  }

  #list(depth: number): string | undefined {
    const items: string[] = [];
    this.at += 1;
    this.#space();
    if (this.#text[this.at] === "]") {
      this.at += 1;
      return "[]";
    }
    for (;;) {
      const item = this.value(depth);
      if (item === undefined) return undefined;
      items.push(item);
      this.#space();
      const next = this.#text[this.at];
      this.at += 1;
      if (next === "]") return `[${items.join(",")}]`;
      if (next !== ",") return undefined;
    }
  }

  #quoted(): string | undefined {
    const start = this.at;
    if (this.#text.charCodeAt(start) !== 0x22) return undefined;
    for (let end = this.#text.indexOf('"', start + 1); end >= 0; end = this.#text.indexOf('"', end + 1)) {
      let before = end - 1;
      while (this.#text.charCodeAt(before) === 0x5c) before -= 1;
      // After an odd number of backslashes the quotation mark is a part of the text.
      if ((end - before) % 2 === 0) continue;
      this.at = end + 1;
      return this.#text.slice(start, this.at);
    }
    return undefined;
  }

  /** A number, true, false, null, or what Python's clients write for a number that is none. */
  #word(): string | undefined {
    const start = this.at;
    while (isOfWord(this.#text.charCodeAt(this.at))) this.at += 1;
    return this.at === start ? undefined : this.#text.slice(start, this.at);
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }
}

/** Digits, letters, +, - and the point. */
function isOfWord(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x2b || code === 0x2d || code === 0x2e;
}

/** `body` with another value (JSON as text) for this member of its outermost object, or, for undefined, without it. */
export function withMember(body: Buffer, name: string, value: string | undefined): Buffer {
  const { left } = canonical(body, name);
  const put = (start: number, end: number, text: string) => Buffer.concat([body.subarray(0, start), Buffer.from(text, "latin1"), body.subarray(end)]);
  if (left !== undefined) return value === undefined ? put(left.member.start, left.member.end, "") : put(left.value.start, left.value.end, value);
  const open = body.indexOf("{") + 1;
  if (value === undefined || open === 0 || body.toString("latin1", 0, open).trim() !== "{") return body;
  const isEmpty = /^\s*\}/.test(body.toString("latin1", open, open + 64));
  return put(open, open, `${JSON.stringify(name)}:${value}${isEmpty ? "" : ","}`);
}
