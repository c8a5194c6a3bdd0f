/**
 * Looks into a body of JSON without reading it: where its first value ends, and what text a key of its outermost object holds.
 * A long string is passed over with a search for its quotation mark, so that an image in base64 costs next to nothing.
 */

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/** Bytes that may still be looked at one by one. */
interface Budget {
  bytes: number;
}

/** Where the object or list that `body` begins with ends: the offset behind its last bracket; undefined where it does not end. */
export function jsonEnd(body: Buffer): number | undefined {
  const budget = { bytes: Infinity };
  let depth = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === quote) at = stringEnd(body, at, budget) - 1;
    else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth <= 0) return at + 1;
    }
  }
  return undefined;
}

/**
 * The text under `key` in the outermost object; undefined where it is no text or an empty one, is longer than `maxBytes`, or
 * does not come before `bytesMax` bytes were looked at one by one.
 */
export function topLevelText(body: Buffer, key: string, { bytesMax, maxBytes }: { readonly bytesMax: number; readonly maxBytes: number }): string | undefined {
  const wanted = Buffer.from(JSON.stringify(key));
  const budget = { bytes: bytesMax };
  let depth = 0;
  let isWanted = false;
  for (let at = 0; at < body.length && budget.bytes > 0; at += 1, budget.bytes -= 1) {
    const byte = body[at];
    if (byte === quote) {
      const end = stringEnd(body, at, budget);
      if (isWanted) return end - at > maxBytes + 2 ? undefined : unquoted(body.toString("utf8", at, end));
      isWanted = depth === 1 && end - at === wanted.length && body.compare(wanted, 0, wanted.length, at, end) === 0 && nextByte(body, end) === colon;
      at = end - 1;
    } else if (byte === openBrace || byte === openBracket) {
      if (isWanted) return undefined;
      depth += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth <= 0) return undefined;
    } else if (byte === comma) {
      isWanted = false; // It held a number, or nothing.
    }
  }
  return undefined;
}

/** Bytes of a string that are looked at one by one before a search, which costs as much as some dozens of them. */
const nearBytes = 64;

/** Behind the closing quotation mark of the string that begins at `start`; the body's end where it has none within the budget. */
function stringEnd(body: Buffer, start: number, budget: Budget): number {
  let at = start + 1;
  while (at < body.length && budget.bytes > 0) {
    const near = Math.min(body.length, at + nearBytes);
    budget.bytes -= nearBytes;
    for (; at < near; at += 1) {
      const byte = body[at];
      if (byte === quote) return at + 1;
      if (byte === backslash) at += 1;
    }
    const found = body.indexOf(quote, at);
    if (found < 0) break;
    let escapes = 0;
    while (found - escapes > at && body[found - escapes - 1] === backslash) escapes += 1;
    budget.bytes -= escapes;
    if (escapes % 2 === 0) return found + 1;
    at = found + 1;
  }
  return body.length;
}

function nextByte(body: Buffer, from: number): number | undefined {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at += 1;
  return body[at];
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch {
    return undefined;
  }
}
