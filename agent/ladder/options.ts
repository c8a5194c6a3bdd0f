/** What the options of all rungs have in common, and the guards that every kind may be given. */
import * as z from "zod";
import { duration } from "../units.ts";
import { validityOptions } from "./validity.ts";

/** A rung's name is a label, a header and a word for people. */
export const rungName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected 1 to 63 letters, digits, _ . or -, the first a letter or digit");

/** It is sent in a header. */
export const modelVersion = z.string().regex(/^[\x21-\x7e]{1,128}$/, "expected 1 to 128 visible ASCII characters, no space");

export type Scalar = number | string | boolean;
export const scalar = z.union([z.number(), z.string(), z.boolean()], { error: "expected a number, text, true or false" });

/** The names of the columns of a single matrix, in their order. */
export const featureNames = z.array(z.string().min(1)).min(1);

/** Where a server is; a path in it goes before every path that is asked. */
export const serverUrl = z.url({ protocol: /^https?$/, error: 'expected a model server\'s URL, such as "http://10.0.0.7:8080"' });

/** The requests that a rung was made for. */
export const validity = validityOptions.optional();

const circuitOptions = z.strictObject({
  /** Failures in a row after which it is skipped. */
  failures: z.int().min(1).max(1_000).default(5),
  /** For how long, the first time; twice as long each further time. */
  wait: duration().default(5_000),
  waitMax: duration().default(60_000),
});

/** @param places questions at once (`active`), and that may wait for one of these places (`waiting`); `timeoutMs` for one answer. */
export const guardOptions = ({ active, waiting, timeoutMs }: { readonly active: number; readonly waiting: number; readonly timeoutMs: number }) => ({
  validity,
  timeout: duration().default(timeoutMs),
  circuit: circuitOptions.prefault({}),
  bulkhead: z
    .strictObject({
      active: z.int().min(1).max(65_536).default(active),
      waiting: z.int().min(0).max(65_536).default(waiting),
    })
    .prefault({}),
});

/**
 * For rungs that answer at once, on the thread that asks: there is nothing in them to choose, and what bounds them is how many
 * requests the gateway serves. All of those may be called back from a hung server in one moment.
 */
export const instantGuards = {
  timeout: 1_000,
  circuit: circuitOptions.parse({}),
  bulkhead: { active: 65_536, waiting: 0 },
};
