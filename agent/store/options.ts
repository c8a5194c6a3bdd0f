/**
 * What a config may say about the store. Apart from the store itself, because the thread that runs it must not load the
 * schema library (13 MB resident).
 */
import * as z from "zod";

export const storeOptions = z.strictObject({
  /** The state file; its folder is made where it is missing. Without it, state is kept in memory and lost at a restart. */
  path: z.string().min(1).optional(),
  /** The audit keeps so many events, the latest. */
  eventsMax: z.int().min(1).max(1_000_000).default(10_000),
  /** Recordings of incidents kept beside the state file, the latest; each up to 2 MB. */
  recordingsMax: z.int().min(1).max(1_000).default(20),
});
export type StoreOptions = z.infer<typeof storeOptions>;
