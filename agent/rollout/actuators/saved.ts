/** What was kept of pending actuations, read again: whoever wrote it may have been an older Pilotfish, or half a one. */
import * as z from "zod";
import { actions } from "./actuation.ts";
import type { SavedTask } from "./task.ts";

const text = z.string().max(65_536);

const savedTask = z.object({
  actuator: text,
  actuation: z.object({
    id: text,
    rollout: text,
    action: z.enum(actions),
    model: text,
    candidate: z.object({ url: text.optional(), version: text.optional(), onnx: text.optional() }),
    candidateVersion: text.optional(),
    primaryVersion: text.optional(),
    weight: z.number().min(0).max(1),
    reason: text,
    evidence: text,
    atWallMs: z.number(),
  }),
  attempts: z.int().min(0),
  lateLeftMs: z.number().min(0).optional(),
  last: z.object({ result: z.enum(["unconfirmed", "failed"]), detail: text, again: z.boolean() }).optional(),
});

/** Those that can be read, in their order; at most 1,000. */
export function parseSaved(kept: unknown): readonly SavedTask[] {
  if (!Array.isArray(kept)) return [];
  return kept.slice(0, 1_000).flatMap((one): SavedTask[] => {
    const { success, data } = savedTask.safeParse(one);
    return success ? [data] : [];
  });
}
