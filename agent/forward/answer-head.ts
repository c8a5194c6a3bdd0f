/**
 * The head of an answer as nearly all servers give it: HTTP/1.1, a final status with a body, strict field lines and exactly one
 * Content-Length. Anything else is for a full parser (answer-parser.ts). Source of the framing rules: RFC 9112, section 6.
 */
import type { Head } from "./attempt.ts";
import { eachField, fieldPattern, fieldsOf } from "./field-lines.ts";

const statusLine = /HTTP\/1\.1 ([2-5]\d\d) ([\t\x20-\x7e]*)\r\n/y;
const sayable = /^[\t\x20-\x7e]*$/;
const bodyless: ReadonlySet<number> = new Set([204, 304]);

/** How long after an answer its connection is left alone for another request. Undici's figures: 4 s, or 2 s less than told. */
const idleMs = 4_000;
const idleMarginMs = 2_000;
const idleMaxMs = 600_000;

export interface PlainHead extends Head {
  readonly length: number;
  /** How long the connection may be idle and still be used again; 0: it ends with this answer. */
  readonly reuseMs: number;
}

/**
 * Reads heads. Fields named in `withheld` (lower case) are not the reader's to pass on: where one is there, `lines` is not.
 * The reader takes the text of a head up to its empty line, in Latin-1, and gives undefined for what is not plain.
 */
export function answerHeadReader(withheld: readonly string[]): (text: string) => PlainHead | undefined {
  const known = new Set(withheld);
  const pattern = fieldPattern(["content-length", "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te", "proxy-connection", ...withheld]);

  return (text) => {
    statusLine.lastIndex = 0;
    const [, digits, statusText] = statusLine.exec(text) ?? [];
    const status = Number(digits);
    if (digits === undefined || bodyless.has(status)) return undefined;
    const all = text.slice(statusLine.lastIndex);

    let plain = true;
    let passable = true;
    let length: number | undefined;
    let reuseMs = idleMs;
    let lines = "";
    let from = 0;
    const strict = eachField(all, pattern, (name, value, start, end) => {
      if (name === "content-length") {
        if (length !== undefined || !/^\d{1,15}$/.test(value)) plain = false;
        length = Number(value);
      } else if (known.has(name)) {
        passable = false;
      } else if (name === "connection" || name === "keep-alive") {
        lines += all.slice(from, start);
        from = end;
        if (name === "keep-alive") reuseMs = Math.min(reuseMs === 0 ? 0 : idleMaxMs, hintMs(value));
        else if (/^close$/i.test(value)) reuseMs = 0;
        else if (!/^keep-alive$/i.test(value)) plain = false;
      } else {
        plain = false;
      }
    });
    if (!strict || !plain || length === undefined) return undefined;
    return new Read(status, statusText as string, length, reuseMs, all, passable ? lines + all.slice(from) : undefined);
  };
}

/**
 * The words behind a status as they may go on; "" for the usual ones. A full parser lets control characters through, and not
 * all take other bytes than ASCII for the same: such words mean nothing to anybody (RFC 9112, section 4).
 */
export function statusWords(words: string): string {
  return sayable.test(words) ? words : "";
}

class Read implements PlainHead {
  readonly status: number;
  readonly statusText: string;
  readonly length: number;
  readonly reuseMs: number;
  readonly lines: string | undefined;
  readonly #all: string;

  constructor(status: number, statusText: string, length: number, reuseMs: number, all: string, lines: string | undefined) {
    this.status = status;
    this.statusText = statusText;
    this.length = length;
    this.reuseMs = reuseMs;
    this.lines = lines;
    this.#all = all;
  }

  /** Cut apart only where somebody looks. */
  get headers(): readonly string[] {
    return fieldsOf(this.#all);
  }
}

/** `timeout=5, max=100` in seconds, as servers give it. */
function hintMs(value: string): number {
  const [, seconds] = /\btimeout=(\d{1,6})\b/.exec(value) ?? [];
  return seconds === undefined ? idleMs : Math.max(0, Number(seconds) * 1_000 - idleMarginMs);
}
