/**
 * What differs from one house to another in the generated dashboard and rules. Whoever wants other values generates their
 * own copy (`node grafana/generate.ts --options FILE --out FOLDER`); the copies in grafana/ have the defaults.
 */
import { z } from "zod";
import { duration } from "../agent/units.ts";
import { instruments } from "../exporters/instruments.ts";

const bounds = instruments.requestDuration.buckets ?? [];

export const dashboardsOptions = z.strictObject({
  /** Where docs/runbooks is published; an alert's page is `<runbooks>/<alert's name>.md`. */
  runbooks: z.url().transform((url) => url.replace(/\/+$/, "")).default("https://example.com/pilotfish/docs/runbooks"),
  /** The name of Prometheus's scrape job for Pilotfish. */
  job: z.string().min(1).default("pilotfish"),
  /** Share of requests to be answered over 30 days. */
  objective: z.number().gt(0).lt(1).default(0.999),
  /** Requests within an hour (a day for the slow burn) below which the error budget calls nobody: one failure in three says little. */
  minimumRequests: z.int().positive().default(100),
  /** An answer that takes longer is slow. On a bucket's bound, for only there is the share of slow answers known exactly. */
  slow: duration()
    .refine((ms) => bounds.includes(ms / 1000), { error: `must be one of the buckets' bounds: ${bounds.map((s) => `${s}s`).join(", ")}` })
    .prefault("1s"),
});

export type DashboardsOptions = z.output<typeof dashboardsOptions>;
