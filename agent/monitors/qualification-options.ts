/** What a config may say about how rungs are tried before they are needed. Apart from who uses it, as the monitors' options are. */
import * as z from "zod";
import { bytes, duration } from "../units.ts";

const share = () => z.number().min(0).max(1);
/** A rung's name, as the ladder has it. */
const rungName = z.string().min(1).max(63);

export const qualificationOptions = z.strictObject({
  /** Share of the inferences that the primary answered of which copies go to the rungs, by inference id; 0: none. */
  ratio: share().default(0.01),
  /** Copies a rung is asked in a second at most; one at a time at that. */
  perSecond: z.number().positive().max(1_000).default(2),
  /** No copies are made of longer bodies, of request or answer. */
  bodyMax: bytes().default(65_536),
  /** Share of its answers in which a rung must agree with the primary. */
  agreement: share().default(0.9),
  /** How much less often than the primary a rung may be right, where actuals come. */
  accuracyLoss: share().default(0.05),
  tolerance: z
    .strictObject({
      /** Scores that differ by no more are the same. */
      score: share().default(0.1),
      /** Numbers that differ by no more, as a ratio of the larger one, are the same. */
      number: share().default(0.05),
    })
    .prefault({}),
  /** Answers that are compared before a rung is judged. */
  answers: z.int().min(1).max(100_000).default(20),
  /** The least time for which a rung that is not eligible is not asked. */
  dwell: duration().prefault("5m"),
  /** Is a rung that would answer badly passed over, or is it only told? */
  enforce: z.boolean().default(true),
  /** What is another for a rung of that name. */
  rungs: z
    .record(
      rungName,
      z.strictObject({
        /** Is it asked with copies at all? */
        copies: z.boolean().optional(),
        agreement: share().optional(),
        accuracyLoss: share().optional(),
        enforce: z.boolean().optional(),
      }),
    )
    .default({}),
});
export type QualificationOptions = z.infer<typeof qualificationOptions>;
