/** What a config may say about the input contract and about confidence. Apart from who uses it, since threads that do load no schemas. */
import * as z from "zod";

export const contractOptions = z.strictObject({
  validation: z.enum(["off", "observe", "reject", "repair", "fallback"]).default("off"),
  /** How far a number may lie outside of the reference's range, as a share of the range. */
  tolerance: z.number().min(0).max(100).default(0.1),
  /** Values looked at in one request; the rest are counted as not looked at. */
  values: z.int().min(1).max(10_000_000).default(100_000),
});
export type ContractOptions = z.output<typeof contractOptions>;

const accuracyText = /^\s*(0?\.\d+|1(?:\.0+)?|0)\s+accuracy\s*$/;

const accept = z
  .union([z.number().min(0).max(1), z.string().regex(accuracyText)], { error: 'expected a confidence from 0 to 1, such as 0.8, or an accuracy, such as "0.95 accuracy"' })
  .transform((said) => (typeof said === "number" ? ({ confidence: said } as const) : ({ accuracy: Number(accuracyText.exec(said)?.[1]) } as const)));

export const confidenceOptions = z.strictObject({
  /** From this confidence on answers are given: a constant, or what makes the answers given so right. None: all are. */
  accept: accept.optional(),
  /** What becomes of the others. */
  below: z.enum(["next-rung", "review", "flag"]).default("flag"),
});
export type ConfidenceOptions = z.output<typeof confidenceOptions>;
