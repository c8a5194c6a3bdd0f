/**
 * A rung's validity domain: the requests that it was made for. A small model that was trained on grown-ups, or rules that
 * were written for one country, say nothing of others; outside its domain a rung is passed over.
 *
 * The domain is given by feature, as a range or as the list of its values, or it is the range of the reference. A missing
 * value lies outside unless the domain says otherwise, since few models know what to do with one. Pure.
 */
import * as z from "zod";
import type { Column, Value } from "../protocols/protocol.ts";

const domainOptions = z
  .strictObject({
    /** Both included. */
    min: z.number().optional(),
    max: z.number().optional(),
    /** The values that there may be. */
    values: z.array(z.union([z.number(), z.string(), z.boolean()])).min(1).max(10_000).optional(),
    /** May the value be missing? */
    missing: z.boolean().default(false),
  })
  .refine(({ values, min, max }) => values === undefined || (min === undefined && max === undefined), "give a range or a list of values, not both")
  .refine(({ min = -Infinity, max = Infinity }) => min <= max, "the range is empty: min lies above max");

export const validityOptions = z.union([z.literal("reference"), z.record(z.string().min(1), domainOptions)], {
  error: 'expected "reference", or for each feature its domain, such as {AGE: {min: 16, max: 99}}',
});
export type Validity = z.output<typeof validityOptions>;
type Domain = z.output<typeof domainOptions>;

/** Where the reference's range is left, in a sentence; undefined where it is not. */
export type InRange = (columns: readonly Column[], rows: number) => string | undefined;

/** Why these rows lie outside; undefined where they do not. Cost: linear in the values of the features that are named. */
export function outside(validity: Validity, columns: readonly Column[], rows: number, inRange: InRange): string | undefined {
  if (validity === "reference") return inRange(columns, rows);
  const byName = new Map(columns.map(({ name, values }) => [name, values]));
  for (const [name, domain] of Object.entries(validity)) {
    const values = byName.get(name);
    if (values === undefined) {
      if (domain.missing) continue;
      return `the request has no feature ${name}`;
    }
    const known = domain.values === undefined ? undefined : new Set<Value>(domain.values);
    const row = values.findIndex((value) => !lies(value, domain, known));
    if (row >= 0) return `${name} is ${words(values[row] as Value)} in row ${row}, outside ${said(domain)}`;
  }
  return undefined;
}

function lies(value: Value, { min = -Infinity, max = Infinity, missing, values }: Domain, known: ReadonlySet<Value> | undefined): boolean {
  if (value === null) return missing;
  if (values !== undefined) return known?.has(value) === true;
  if (min === -Infinity && max === Infinity) return true;
  return typeof value === "number" && value >= min && value <= max;
}

function words(value: Value): string {
  return value === null ? "missing" : JSON.stringify(value).slice(0, 40);
}

function said({ min, max, values }: Domain): string {
  if (values !== undefined) return `its ${values.length} known values`;
  if (min === undefined) return max === undefined ? "what may not be missing" : `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}
