/** The options of the quarantine. Apart from it, since threads that move bytes load no schemas. */
import * as z from "zod";
import { bytes, duration } from "../units.ts";

export const quarantineOptions = z.strictObject({
  enabled: z.boolean().default(true),
  /** Of a longer body only this much enters the fingerprint: half from its beginning, half from its end, and its length. */
  bodyMax: bytes().default(65_536),
  /** Crashes with it in flight that make a suspect guilty. */
  crashes: z.int().min(2).max(10).default(2),
  /** How long a suspect stays one, and how long a guilty one is refused, from its last crash. */
  ttl: duration(1_000).prefault("10m"),
  /** Suspects remembered at once; the oldest are let go. */
  suspects: z.int().min(1).max(10_000).default(256),
});
export type QuarantineOptions = z.output<typeof quarantineOptions>;
