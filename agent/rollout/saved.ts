/**
 * A rollout as it outlives the process. Monotonic times mean nothing to the next one, so they are saved with the moment of saving,
 * and what was held until then counts. The judge's word is not kept: the analysis keeps its evidence, and says it again.
 */
import * as z from "zod";
import { rolloutModes } from "../rollout-view.ts";
import { rolloutPhases } from "../trial.ts";
import { actions } from "./actuators/actuation.ts";
import { rolloutReasons } from "./plan.ts";
import type { Rollout } from "./rollout.ts";

const held = { holdMs: z.number().min(0), timeBoxMs: z.number().min(0) };

const savedRollout = z.object({
  version: z.literal(1),
  savedAtMs: z.number(),
  rollout: z.object({
    id: z.string(),
    model: z.string(),
    candidate: z.object({ url: z.string().optional(), version: z.string().optional(), onnx: z.string().optional() }),
    primaryVersion: z.string().optional(),
    plan: z.object({ mode: z.enum(rolloutModes), steps: z.array(z.object({ weight: z.number().gt(0).max(1), ...held })), shadow: z.object(held) }),
    shadowRatio: z.number().min(0).max(1),
    key: z.object({ header: z.string().optional(), cookie: z.string().optional() }),
    startedBy: z.string(),
    startedAtWallMs: z.number(),
    state: z.object({
      phase: z.enum(rolloutPhases),
      reason: z.enum(rolloutReasons),
      step: z.int().min(-1),
      weight: z.number().min(0).max(1),
      isHarmKept: z.boolean(),
      stepSinceMs: z.number(),
      sinceMs: z.number(),
    }),
    sinceWallMs: z.number(),
    isSettled: z.boolean(),
    actuations: z.array(
      z.object({ id: z.string(), rollout: z.string(), actuator: z.string(), action: z.enum(actions), result: z.enum(["done", "unconfirmed", "failed", "skipped", "under-way"]), attempts: z.number(), detail: z.string(), atWallMs: z.number() }),
    ),
    message: z.string(),
  }),
});
export type SavedRollout = z.infer<typeof savedRollout>;

export function save(rollout: Rollout, nowMs: number): SavedRollout {
  const { id, model, candidate, primaryVersion, plan, shadowRatio, key, startedBy, startedAtWallMs, state, sinceWallMs, isSettled, actuations, message } = rollout;
  return {
    version: 1,
    savedAtMs: nowMs,
    rollout: {
      id, model, shadowRatio, startedBy, startedAtWallMs, sinceWallMs, isSettled, message,
      candidate: { ...candidate },
      plan: { ...plan, steps: [...plan.steps] },
      key: { ...key },
      state: { ...state },
      actuations: [...actuations],
      ...(primaryVersion !== undefined && { primaryVersion }),
    },
  };
}

/** undefined where nothing was saved, or something this version does not know. Times are still those of the process that saved. */
export function restore(saved: unknown): { readonly rollout: Rollout; readonly savedAtMs: number } | undefined {
  const parsed = savedRollout.safeParse(saved);
  if (!parsed.success) return undefined;
  const { rollout, savedAtMs } = parsed.data;
  return { rollout: { ...rollout, primaryVersion: rollout.primaryVersion, reading: undefined }, savedAtMs };
}
