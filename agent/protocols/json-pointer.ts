/** JSON pointers: `/customer/0/age` names a place in a document. Source: RFC 6901. */
import { isRecord } from "./json.ts";

export type Pointer = readonly string[];

/** Lists that a pointer makes have no higher index than this. */
const indexMax = 1_000;

/** "" is the whole document. undefined where the text is no pointer, or leads to an index above 1,000. */
export function parsePointer(text: string): Pointer | undefined {
  if (text === "") return [];
  if (!/^(?:\/(?:[^/~]|~[01])*)+$/.test(text)) return undefined;
  const tokens = text.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return tokens.some((token) => isIndex(token) && Number(token) > indexMax) ? undefined : tokens;
}

/** What stands there; undefined where nothing does. */
export function at(document: unknown, pointer: Pointer): unknown {
  let value = document;
  for (const token of pointer) {
    if (Array.isArray(value)) value = isIndex(token) ? (value as unknown[])[Number(token)] : undefined;
    else if (isRecord(value)) value = Object.hasOwn(value, token) ? value[token] : undefined;
    else return undefined;
  }
  return value;
}

/**
 * The document with `value` at that place. What has to be made on the way is a list where the pointer has a number, else an
 * object; a list is filled up with null. What can not hold the place, such as a number, is replaced.
 */
export function withAt(document: unknown, pointer: Pointer, value: unknown): unknown {
  const [token, ...rest] = pointer;
  if (token === undefined) return value;
  if (isIndex(token) && !isRecord(document)) {
    const list: unknown[] = Array.isArray(document) ? [...(document as unknown[])] : [];
    while (list.length < Number(token)) list.push(null);
    list[Number(token)] = withAt(list[Number(token)], rest, value);
    return list;
  }
  const object = isRecord(document) ? document : {};
  const inner = Object.hasOwn(object, token) ? object[token] : undefined;
  return Object.fromEntries([...Object.entries(object), [token, withAt(inner, rest, value)]]);
}

function isIndex(token: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(token);
}
