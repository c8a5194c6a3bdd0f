/** What is kept of the room over a restart, checked when it comes back. */
import * as z from "zod";
import { retrainStates, type RetrainRequest } from "../../retrain-view.ts";
import { retrainStreams, type When } from "./when.ts";

const window = z.object({
  location: z.string(), manifest: z.string(), format: z.enum(["jsonl", "parquet"]), rows: z.number(), actuals: z.number(),
  fromWallMs: z.number(), toWallMs: z.number(), versions: z.array(z.string()), reference: z.string().optional(), bytes: z.number(), sha256: z.string(),
});

const request = z.object({
  id: z.string(), model: z.string(), atWallMs: z.number(), who: z.string(),
  why: z.object({
    streams: z.array(z.object({ stream: z.string(), detector: z.string(), sinceWallMs: z.number(), culprits: z.array(z.string()) })),
    reason: z.string().optional(),
  }),
  state: z.enum(retrainStates),
  window: window.optional(),
  problem: z.string().optional(),
  deliveries: z.array(z.object({ target: z.string(), state: z.enum(["waiting", "done", "refused", "given-up"]), attempts: z.int().min(0), detail: z.string() })),
});

const savedRetrain = z.object({
  version: z.literal(1),
  when: z.object({
    firing: z.array(z.object({ stream: z.enum(retrainStreams), detector: z.string(), sinceWallMs: z.number(), culprits: z.array(z.string()), told: z.boolean() })),
    askedWallMs: z.array(z.number()),
  }),
  requests: z.array(request),
});

export interface SavedRetrain {
  readonly version: 1;
  readonly when: When;
  readonly requests: readonly RetrainRequest[];
}

/** undefined where nothing was kept, or something that this version does not know. */
export function restore(saved: unknown): SavedRetrain | undefined {
  return savedRetrain.safeParse(saved).data as SavedRetrain | undefined;
}
