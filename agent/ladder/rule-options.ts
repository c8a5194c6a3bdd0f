/** What rules look like in a config or a file. Apart from their compiler, which is loaded (9 MB) only where there are rules. */
import * as z from "zod";
import { scalar } from "./options.ts";

const expressionMax = 10_000;
const expression = z.string().min(1).max(expressionMax);
const cell = z.union([scalar, z.strictObject({ cel: expression })], { error: "expected a value, or {cel: expression}" });

export const ruleOptions = z.strictObject({
  /** A condition; `true` for a rule that always holds. */
  when: z.union([expression, z.boolean()], { error: "expected a condition, such as AGE < 18" }),
  /** For each output its value, or its values where a row has several. */
  outputs: z.record(z.string().min(1), z.union([cell, z.array(cell).min(1).max(1_000)], { error: "expected a value, {cel: expression}, or a list of these" }), { error: "expected each output's name with its value" }),
});
export const rulesMax = 1_000;
export type RuleOptions = z.output<typeof ruleOptions>;

export const featureTypes = ["number", "integer", "text", "boolean"] as const;
export type FeatureType = (typeof featureTypes)[number];
export interface Feature {
  readonly name: string;
  readonly type: FeatureType;
}

/** A value of an output, or the expression that computes it. */
export type CellOptions = z.output<typeof cell>;
