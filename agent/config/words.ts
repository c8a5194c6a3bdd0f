/**
 * The schema library's findings in the words of this house: what was expected, and what was given instead. They hold where a
 * room says nothing better of its own. Text is quoted only where a number or one of a few words was expected, so that no
 * secret which slipped into the wrong place is printed.
 */
import type { z } from "zod";

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map of options",
  record: "a map of names and values",
  string: "text",
};

/** For `safeParse`'s `error`; undefined where the library's own words will do. For unknown options it gives the known ones. */
export function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `${missing(issue.input)}expected ${kinds[issue.expected] ?? issue.expected}${got(issue.input, issue.expected)}`;
    case "invalid_value":
      return `${missing(issue.input)}expected ${anyOf(issue.values)}${got(issue.input, "word")}`;
    case "invalid_union": {
      if (issue.discriminator === undefined || !("options" in issue)) return undefined;
      const word = (issue.input as Readonly<Record<string, unknown>>)[issue.discriminator];
      return `${missing(word)}expected ${anyOf(issue.options as readonly unknown[])}${got(word, "word")}`;
    }
    case "unrecognized_keys":
      return Object.keys((issue.inst as z.ZodObject).shape).join(" ");
    case "invalid_key":
      return issue.issues[0]?.message;
    case "too_small":
      return tooFew(issue.origin, issue.minimum) ?? `expected ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unit(issue.origin)}${got(issue.input, issue.origin)}`;
    case "too_big":
      return `expected ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unit(issue.origin)}${got(issue.input, issue.origin)}`;
    case "custom":
    case "invalid_element":
    case "invalid_format":
    case "not_multiple_of":
    case undefined:
      return undefined;
  }
}

function missing(input: unknown): string {
  if (input === undefined) return "is missing: ";
  return input === null ? "has no value: " : "";
}

function got(input: unknown, expected: string): string {
  if (input === undefined) return "";
  if (input === null) return ", or leave it out";
  if (Array.isArray(input)) return expected === "array" ? `, got ${input.length}` : ", got a list";
  if (typeof input === "object") return ", got a map";
  if (typeof input === "string") return gotText(input, expected);
  if (expected === "string") return `, got ${typeof input === "number" ? "a number" : "true or false"}: put it in quotes`;
  return `, got ${String(input as number | boolean)}`;
}

function gotText(text: string, expected: string): string {
  if (expected === "string") return `, got ${text.length}`;
  return ["number", "int", "boolean", "word"].includes(expected) ? `, got ${JSON.stringify(text.slice(0, 40))}` : ", got text";
}

function tooFew(origin: string, minimum: number | bigint): string | undefined {
  return Number(minimum) === 1 && (origin === "string" || origin === "array") ? "must not be empty" : undefined;
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

function anyOf(words: readonly unknown[]): string {
  const quoted = words.map((word) => JSON.stringify(word));
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
