/** What a config may say of the versions that serve (`rollout.versions`). */
import * as z from "zod";
import { duration } from "../../units.ts";

export const versionsOptions = z.strictObject({
  /** How long a version holds its objectives, with traffic, before it is known to be good. */
  dwell: duration(1_000).prefault("1h"),
  /** Answers of its own that it must have given in that time. */
  inferences: z.int().min(1).max(1_000_000_000).default(100),
  /** How far from a change of version a loss may begin, as well as that is known, and be called the version's. */
  window: duration(1_000).prefault("30m"),
  /** How often the server is asked what it serves. */
  describe: duration(1_000).prefault("1m"),
});
export type VersionsOptions = z.output<typeof versionsOptions>;
