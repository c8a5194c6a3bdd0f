/**
 * What a client receives, cut into answers as strictly as RFC 9112 has it: exactly one framing, or the end of a connection that
 * was announced; no line that is none, nothing between two answers. A fault is what a lenient client might take for another answer than a strict one.
 */

export interface ReceivedAnswer {
  readonly status: number;
  /** Head and body, the body unchunked. */
  readonly text: string;
}

export interface Received {
  /** Final ones that are whole. */
  readonly answers: readonly ReceivedAnswer[];
  /** The beginning of one that is not. */
  readonly rest: string;
  readonly fault: string | undefined;
}

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const wholeHead = new RegExp(`^HTTP/1\\.1 (\\d{3}) [\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n((?:${token}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*)\\r\\n`);

/** @param text in Latin-1, from the connection's first byte. Answers to HEAD are not told from others. */
export function answersIn(text: string): Received {
  const answers: ReceivedAnswer[] = [];
  let rest = text;
  while (rest !== "") {
    const match = wholeHead.exec(rest);
    if (match === null) {
      const broken = rest.includes("\r\n\r\n") || !("HTTP/1.1 ".startsWith(rest.slice(0, 9)) || rest.startsWith("HTTP/1.1 "));
      return { answers, rest, fault: broken ? "no answer in HTTP" : undefined };
    }
    const [head, digits, lines = ""] = match;
    const status = Number(digits);
    const body = bodyOf(status, lines.toLowerCase(), rest.slice(head.length));
    if (body === "more") return { answers, rest, fault: undefined };
    if ("fault" in body) return { answers, rest, fault: body.fault };
    if (status >= 200) answers.push({ status, text: head + body.text });
    else if (status === 101) return { answers, rest, fault: "the protocol was switched" };
    rest = rest.slice(head.length + body.length);
  }
  return { answers, rest, fault: undefined };
}

type Body = { readonly text: string; readonly length: number } | { readonly fault: string } | "more";

function bodyOf(status: number, lines: string, after: string): Body {
  const lengths = lines.match(/^content-length:.*$/gm) ?? [];
  const codings = lines.match(/^transfer-encoding:.*$/gm) ?? [];
  if (lengths.length + codings.length > 1) return { fault: "two framings" };
  if (status < 200 || status === 204 || status === 304) return codings.length > 0 ? { fault: "chunks where there is no body" } : { text: "", length: 0 };
  if (codings.length > 0) return /^transfer-encoding: *chunked\r?$/.test(codings[0] as string) ? unchunked(after) : { fault: "an unknown coding" };
  if (lengths.length === 0 && /^connection: *close\r?$/m.test(lines)) return { text: after, length: after.length };
  const [, digits] = /^content-length:[ \t]*(\d+)[ \t]*\r?$/.exec(lengths[0] ?? "") ?? [];
  if (digits === undefined) return { fault: lengths.length === 0 ? "no framing" : "no length" };
  const length = Number(digits);
  return after.length < length ? "more" : { text: after.slice(0, length), length };
}

function unchunked(after: string): Body {
  let text = "";
  for (let at = 0; ; ) {
    const line = after.slice(at, at + 20);
    const [whole, size = ""] = /^([0-9a-f]{1,8})\r\n/.exec(line) ?? [];
    if (whole === undefined) return /^[0-9a-f]{0,8}\r?$/.test(line) ? "more" : { fault: "no chunk" };
    at += whole.length;
    const length = Number.parseInt(size, 16);
    if (length > 0) {
      if (after.length < at + length + 2) return "more";
      if (after.slice(at + length, at + length + 2) !== "\r\n") return { fault: "no end of a chunk" };
      text += after.slice(at, at + length);
      at += length + 2;
      continue;
    }
    const [trailers] = new RegExp(`^(?:${token}:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n)*\\r\\n`).exec(after.slice(at)) ?? [];
    return trailers === undefined ? "more" : { text, length: at + trailers.length };
  }
}
