/**
 * True answers that arrive late, as they are posted: one object, or an array of up to 1000.
 *
 * `{"inference_id": "...", "actual": 1}`, or `"actuals": [1, 0, ...]` with one value for each row of that inference's batch. `at` may
 * say when it came true; what has not come true yet is no actual.
 */
import * as z from "zod";
import type { Clock } from "../clock.ts";
import type { ActualObservation } from "../observation.ts";
import { route, type Route } from "./route.ts";

/** What can come true of one row. */
export const actualValue = z.union([z.number(), z.string().max(1_000), z.boolean()], { error: "expected a number, a text or a boolean" });

const actual = z
  .strictObject({
    inference_id: z.string().min(1).max(200),
    actual: actualValue.optional(),
    actuals: z.array(actualValue).min(1).max(10_000).optional(),
    /** When it came true; without it, now. */
    at: z.iso.datetime({ offset: true }).optional(),
  })
  .refine((row) => (row.actual === undefined) !== (row.actuals === undefined), { message: "expected either actual or actuals" });

/** Clocks of two machines differ by less. */
const skewMs = 60_000;

/** What is wrong with a batch is told for its elements, with a single one for its members. */
const oneOrMany = z.union([z.array(actual).min(1).max(1_000), actual]);

export interface ActualsDeps {
  readonly clock: Clock;
  /** Takes an actual; whether its inference is known is found out later, elsewhere. */
  readonly actual: (observation: ActualObservation) => void;
}

export function actualsRoutes(deps: ActualsDeps): readonly Route[] {
  return [
    route({
      method: "POST",
      path: "/v1/actuals",
      name: "actuals.post",
      role: "act",
      summary: "The true answers of inferences, one or a batch; all or nothing: with one mistake in a batch none of it is taken.",
      body: oneOrMany,
      audits: "refusals",
      examples: { body: [{ inference_id: "0198c7b2-7f6e-7d5a-a2a0-1f6f0c3d9b11", actual: 1 }], answer: { accepted: 1 } },
      answers: { 202: { description: "Taken; the series `pilotfish_actuals_total` says what became of them.", schema: z.object({ accepted: z.int() }) } },
      handle({ body }) {
        const rows = Array.isArray(body) ? body : [body];
        const nowWallMs = deps.clock.wallMs();
        const times = rows.map(({ at }) => (at === undefined ? nowWallMs : Date.parse(at)));
        const errors = times.flatMap((atWallMs, i) => (atWallMs > nowWallMs + skewMs ? [{ pointer: Array.isArray(body) ? `#/${i}/at` : "#/at", detail: "expected no time in the future: it has not come true yet" }] : []));
        if (errors.length > 0) return { status: 400, problem: "nothing was taken: what was sent has mistakes", errors };
        for (const [i, row] of rows.entries()) {
          const values = row.actuals ?? [row.actual as number | string | boolean];
          deps.actual({ kind: "actual", inferenceId: row.inference_id, values, atWallMs: times[i] as number });
        }
        return { status: 202, body: { accepted: rows.length } };
      },
    }),
  ];
}
