/** The part of `/v1/state` that commands show; the rest may grow. */
import * as z from "zod";

const price = z.object({ standing: z.string(), message: z.string(), seconds: z.object({ median: z.number().nullable() }) });

export const stateShown = z.object({
  version: z.string(),
  instance: z.string().optional(),
  model: z.object({ name: z.string(), version: z.string().nullable() }),
  server: z.object({ url: z.string() }),
  status: z.string(),
  rung: z.string(),
  reason: z.string(),
  since: z.string(),
  cause: z.object({ detector: z.string(), code: z.string(), evidence: z.string() }),
  override: z.object({ action: z.string(), rung: z.string(), owner: z.string(), reason: z.string(), until: z.string() }).nullish(),
  ladder: z.array(z.object({ name: z.string(), kind: z.string().optional(), price: price.nullish() })).default([]),
  probes: z.record(z.string(), z.object({ verdict: z.string(), detail: z.string() })),
  drift: z.array(z.object({ stream: z.string(), message: z.string() })),
  evidence: z.object({ log10: z.number().nullable(), threshold: z.number().nullable(), features: z.record(z.string(), z.number()) }).optional(),
});
export type StateShown = z.infer<typeof stateShown>;

/** Does the primary answer? */
export function isWell({ status }: Pick<StateShown, "status">): boolean {
  return status === "healthy" || status === "degraded" || status === "suspect";
}
