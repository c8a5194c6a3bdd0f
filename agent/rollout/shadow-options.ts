/** How copies go to a candidate: how many of the inferences, and what bounds them. */
import * as z from "zod";
import { bytes, duration } from "../units.ts";

export const shadowOptions = z.strictObject({
  /** Share of inferences that are copied, 0 to 1. */
  ratio: z.number().min(0).max(1).default(0.1),
  /** So many a second at most. */
  perSecond: z.number().min(0.1).max(10_000).default(20),
  /** So many under way at once. */
  atOnce: z.int().min(1).max(256).default(4),
  /** Larger bodies are not copied. */
  bodyMax: bytes().prefault("1MiB"),
  timeout: duration().prefault("10s"),
});
export type ShadowOptions = z.output<typeof shadowOptions>;
