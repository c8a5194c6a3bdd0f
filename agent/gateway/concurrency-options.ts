/** The options of the limit on requests at once. Apart from the limit, since threads that move bytes load no schemas. */
import * as z from "zod";
import { duration } from "../units.ts";

const share = () => z.number().gt(0).max(1);

export const concurrencyOptions = z
  .strictObject({
    /** False: only `gateway.active` bounds requests. */
    adaptive: z.boolean().default(false),
    /** Never fewer. */
    min: z.int().min(1).max(100_000).default(4),
    max: z.int().min(1).max(100_000).default(1_000),
    /** Until latencies are known. */
    initial: z.int().min(1).max(100_000).default(20),
    /** Median latency at the limit over that at half of it. */
    tolerance: z.number().min(1.1).max(1.9).default(1.5),
    /** The time between two dips. */
    relearn: duration(1_000).prefault("30s"),
    /** How much of the limit requests of a class may fill; `critical` ones may fill all of it. */
    shares: z.strictObject({ default: share().default(0.9), sheddable: share().default(0.75) }).prefault({}),
  })
  .refine(({ min, max }) => min <= max, { error: "min is above max", path: ["min"] });
export type ConcurrencyOptions = z.output<typeof concurrencyOptions>;
