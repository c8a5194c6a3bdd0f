/**
 * JSON that is read to be written again with a little changed: numbers keep the digits they came with, which `JSON.parse` alone
 * takes from integers beyond 2^53 and from `1.0`. Source: ECMAScript, JSON.parse source text access (stage 4, 2025).
 */
import { isRecord, withoutNonFinite } from "./json.ts";

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const json = JSON as unknown as { parse(text: string, reviver: Reviver): unknown; rawJSON(text: string): unknown; isRawJSON(value: unknown): boolean };

/** A key of an object or an index of a list. */
export type Step = string | number;

export interface Faithful {
  readonly document: unknown;
  /** The document can be written again: undefined where something in it would be lost. */
  written(): string | undefined;
}

/** NaN and the infinities are read as null, and are lost unless something else is put in their place. undefined for what is no JSON. */
export function parseFaithfully(text: string): Faithful | undefined {
  const strict = parse(text);
  const document = strict === undefined ? parse(withoutNonFinite(text)) : strict;
  return document === undefined ? undefined : { document, written: () => (strict === undefined && holdsNull(document) ? undefined : JSON.stringify(document)) };
}

function parse(text: string): unknown {
  try {
    return json.parse(text, (_key, value, { source }) => (typeof value === "number" && source !== undefined && String(value) !== source ? json.rawJSON(source) : value));
  } catch {
    return undefined;
  }
}

function holdsNull(value: unknown): boolean {
  if (value === null || typeof value !== "object" || json.isRawJSON(value)) return value === null;
  return Object.values(value).some(holdsNull);
}

/** An object as its sender wrote it, and no number that kept its digits. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !json.isRawJSON(value);
}

/** Changes what stands there. What has to be on the way must be there: false where it is not, and nothing is changed. */
export function put(document: unknown, steps: readonly Step[], value: unknown): boolean {
  let holder = document;
  for (const step of steps.slice(0, -1)) holder = inner(holder, step);
  const last = steps.at(-1);
  if (typeof last === "number" && Array.isArray(holder) && last < holder.length) (holder as unknown[])[last] = value;
  else if (typeof last === "string" && isObject(holder)) Object.defineProperty(holder, last, { value, writable: true, enumerable: true, configurable: true });
  else return false;
  return true;
}

/** What stands under a key or an index of its own; undefined where nothing does. */
export function inner(value: unknown, step: Step): unknown {
  if (typeof step === "number") return Array.isArray(value) ? (value as unknown[])[step] : undefined;
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
}

/** `inputs[0].data[7]`; keys that are no names are quoted. */
export function inWords(steps: readonly Step[]): string {
  return steps.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Where the value of that index, row-major, stands in lists of lists that are all of one length; [] where `data` is no list. */
export function leafSteps(data: unknown, index: number): Step[] {
  const sizes: number[] = [];
  for (let item = data; Array.isArray(item) && sizes.length < 32; item = item[0] as unknown) sizes.push(item.length);
  const steps: Step[] = [];
  let left = index;
  for (let at = sizes.length - 1; at >= 0; at -= 1) {
    // Of lists that are not all of one length the outermost says how far.
    const size = at === 0 ? Infinity : Math.max(1, sizes[at] as number);
    steps.unshift(size === Infinity ? left : left % size);
    left = Math.floor(left / size);
  }
  return steps;
}
