/** What a config may say of samples that arrive from outside. */
import * as z from "zod";
import { bytes, duration } from "../units.ts";

export const intakeOptions = z.strictObject({
  /** How long a request waits for its answer, or an answer for its request. */
  wait: duration(100).prefault("30s"),
  /** So many halves of pairs may wait; beyond that the oldest go. */
  waiting: z.int().min(1).max(1_000_000).default(4_096),
  /** And so much of their bodies. */
  waitingBytes: bytes().prefault("32MiB"),
});
export type IntakeOptions = z.infer<typeof intakeOptions>;
