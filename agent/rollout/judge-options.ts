/** What the judge of a candidate takes for harm. */
import * as z from "zod";

export const judgeOptions = z.strictObject({
  /** How often a candidate that is no worse may be called harmful, whenever one looks. */
  alpha: z.number().gt(0).max(0.2).default(0.01),
});
export type JudgeOptions = z.output<typeof judgeOptions>;
