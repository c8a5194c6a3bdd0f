/**
 * The header fields of a message, read strictly: lines of a token, a colon and visible characters, ended by CR LF, with no
 * folding, no control characters and no space before the colon (RFC 9112, section 5). What is stricter than node:http's own
 * parser can only hand a message over to it, never take one that it would refuse.
 *
 * One sticky regular expression steps from one field that matters to the next; lines between them are looked at, not cut out.
 * No part of it can match the same characters in two ways, so a hostile head costs time linear in its length.
 */
const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const value = "[\\t\\x20-\\x7e\\x80-\\xff]*";

/** The beginning of a head that has not come whole: true as long as nothing in it rules out a strict one. */
export const strictBeginning: string = `(?:${token}:${value}\\r\\n)*(?:\\r|(?:${token}(?::(?:${value}\\r?)?)?)?)`;

/** For `eachField`: knows the names that matter, in lower case. */
export function fieldPattern(names: readonly string[]): RegExp {
  return new RegExp(`(?:${token}:${value}\\r\\n)*?(?:(${names.join("|")}):(${value})\\r\\n|$)`, "iy");
}

/**
 * Calls `on` for each field of `lines` whose name `pattern` knows: with that name in lower case, its value without the space
 * around it, and where its line begins and ends. False where a line is not strict. Cost: linear, 1 to 2 ns a character.
 */
export function eachField(lines: string, pattern: RegExp, on: (name: string, value: string, start: number, end: number) => void): boolean {
  pattern.lastIndex = 0;
  for (;;) {
    const match = pattern.exec(lines);
    if (match === null) return false;
    const [, name, said = ""] = match;
    const end = pattern.lastIndex;
    if (name === undefined) return true;
    on(name.toLowerCase(), trimmed(said), end - name.length - said.length - 3, end);
    if (end === lines.length) return true;
  }
}

/** Names and values by turns. `lines` must be strict. */
export function fieldsOf(lines: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(":", at);
    const end = lines.indexOf("\r\n", colon);
    fields.push(lines.slice(at, colon), trimmed(lines.slice(colon + 1, end)));
    at = end + 2;
  }
  return fields;
}

/**
 * The value of the field of that name (lower case), those of several joined as node:http joins them; undefined where there is
 * none. `lines` must be strict. Cost: linear, without a string for each field.
 */
export function fieldIn(lines: string, name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(":", at);
    const end = lines.indexOf("\r\n", colon);
    if (colon - at === name.length && lines.slice(at, colon).toLowerCase() === name) {
      const value = trimmed(lines.slice(colon + 1, end));
      found = found === undefined ? value : `${found}${name === "cookie" ? "; " : ", "}${value}`;
    }
    at = end + 2;
  }
  return found;
}

/** Without spaces and tabs at either end; String.trim would take more. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
