/**
 * True answers that arrive late, as they are posted: one object, or an array of up to 1000.
 *
 * `{"inference_id": "...", "actual": 1}`, or `"actuals": [1, 0, ...]` with one value for each row of that inference's batch.
 */
import * as z from "zod";
import type { ActualObservation } from "../observation.ts";
import { mistakesOf, type Mistake } from "./problem.ts";

/** What can come true of one row. */
export const actualValue = z.union([z.number(), z.string().max(1_000), z.boolean()], { error: "expected a number, a text or a boolean" });

const actual = z
  .strictObject({
    inference_id: z.string().min(1).max(200),
    actual: actualValue.optional(),
    actuals: z.array(actualValue).min(1).max(10_000).optional(),
  })
  .refine((row) => (row.actual === undefined) !== (row.actuals === undefined), { message: "expected either actual or actuals" });

const batch = z.array(actual).min(1).max(1_000);

export type ActualsRead =
  | { readonly ok: true; readonly actuals: readonly ActualObservation[] }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] };

/** All or nothing: with one mistake in a batch none of it is taken. Cost: linear in the values. */
export function readActuals(body: unknown, atWallMs: number): ActualsRead {
  const read = Array.isArray(body) ? batch.safeParse(body) : actual.transform((row) => [row]).safeParse(body);
  if (!read.success) return { ok: false, mistakes: mistakesOf(read.error) };
  const actuals = read.data.map((row): ActualObservation => {
    const values = row.actuals ?? [row.actual as number | string | boolean];
    return { kind: "actual", inferenceId: row.inference_id, values, atWallMs };
  });
  return { ok: true, actuals };
}
