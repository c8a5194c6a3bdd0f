/** The reviews as they are kept for the next run: those that are open, those that ended last, and the number of the next. */
import * as z from "zod";
import { reviewKinds, reviewStates, type Review } from "../review.ts";

const actuals = z.array(z.union([z.number(), z.string(), z.boolean()]));

const savedReview = z.object({
  id: z.string(),
  kind: z.enum(reviewKinds),
  state: z.enum(reviewStates),
  decision: z.string().optional(),
  inferenceId: z.string().optional(),
  rows: z.array(z.number()).optional(),
  question: z.string(),
  evidence: z.string(),
  atWallMs: z.number(),
  deadlineWallMs: z.number().optional(),
  default: z.enum(["do", "do-not"]).optional(),
  ended: z.object({ who: z.string(), atWallMs: z.number(), verdict: z.enum(["do", "do-not", "skip"]).optional(), actuals: actuals.optional(), reason: z.string().optional() }).optional(),
});

const savedReviews = z.object({ version: z.literal(1), next: z.int().min(1), reviews: z.array(savedReview) });
export type SavedReviews = { readonly version: 1; readonly next: number; readonly reviews: readonly Review[] };

/** undefined where nothing was kept, or something that this version does not know. */
export function restore(saved: unknown): SavedReviews | undefined {
  return savedReviews.safeParse(saved).data;
}
