/**
 * `/v1/rollout` and `/v1/versions`: a candidate is tried beside the primary, and a person starts it, sends it on or takes it away.
 * One rollout runs at a time, so a retry of a start is refused and does no harm. What is done the room tells the audit.
 */
import * as z from "zod";
import { rolloutModes, type RolloutChanged, type RolloutControls } from "../rollout-view.ts";
import { route, type Answer, type Route } from "./route.ts";
import { rolloutSchema, rolloutShown, versionsSchema, versionsShown } from "./rollout-shown.ts";

export interface RolloutRoutesDeps {
  readonly rollouts: RolloutControls;
}

/** One line of text, shown as it is. */
const line = (max: number) => z.string().trim().min(1).max(max).regex(/^[ -~\u00a0-\uffff]*$/, "expected one line without control characters");

const url = z
  .string()
  .max(2_000)
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "expected an http or https URL")
  .refine((text) => (URL.parse(text)?.username ?? "") === "" && (URL.parse(text)?.password ?? "") === "", "a URL with a password in it ends in logs and is refused");

const asked = z.strictObject({
  candidate: z
    .strictObject({ url: url.optional(), version: line(200).optional(), onnx: line(4_096).optional().describe("Path of a file on the sidecar's own disk.") })
    .refine((given) => Object.values(given).some((one) => one !== undefined), "expected one of url, version and onnx")
    .optional()
    .describe("Without it the one that the config names."),
  mode: z.enum(rolloutModes).optional(),
  reason: line(500).optional(),
});

const decided = z.strictObject({ reason: line(500).optional() });

const changed = z.object({ rollout: rolloutSchema });

const refusals = { unfit: 422, conflict: 409, unknown: 404 } as const;

function answered(outcome: RolloutChanged, status: 200 | 201): Answer {
  if (outcome.ok) return { status, body: { rollout: rolloutShown(outcome.rollout) } };
  const { why, detail, problems = [] } = outcome;
  return { status: refusals[why], problem: detail, ...(problems.length > 0 && { errors: problems.map((problem) => ({ pointer: "#", detail: problem })) }) };
}

export function rolloutRoutes({ rollouts }: RolloutRoutesDeps): readonly Route[] {
  const decision = (word: "promote" | "abort", summary: string, description: string): Route =>
    route({
      method: "POST",
      path: `/v1/rollout/${word}`,
      name: `rollout.${word}`,
      role: "act",
      audits: "itself",
      mayMiss: true,
      summary,
      body: decided,
      examples: { body: { reason: "checked by hand" } },
      answers: { 200: { description, schema: changed } },
      handle: ({ principal, body: { reason } }) => answered(rollouts[word](principal, reason), 200),
    });
  return [
    route({
      method: "GET",
      path: "/v1/rollout",
      name: "rollout.read",
      role: "read",
      summary: "The rollout that runs, or the last that ran: where it stands, and what the judge finds.",
      answers: { 200: { description: "null where there was none.", schema: z.object({ rollout: rolloutSchema.nullable() }) } },
      handle() {
        const current = rollouts.current();
        return { status: 200, body: { rollout: current === undefined ? null : rolloutShown(current) } };
      },
    }),
    route({
      method: "POST",
      path: "/v1/rollout",
      name: "rollout.start",
      role: "act",
      audits: "itself",
      summary: "Try a candidate beside the primary.",
      body: asked,
      examples: { body: { candidate: { version: "2" }, mode: "shadow-then-canary", reason: "trained on the new month" } },
      answers: { 201: { description: "It has begun. A candidate that can not be tried is a 422 with each reason; a 409 while another one runs.", schema: changed } },
      handle: async ({ principal, body }) => answered(await rollouts.start(body, principal), 201),
    }),
    decision("promote", "The next step, or all of the traffic where there is none, whatever the judge says.", "It has gone on."),
    decision("abort", "Take the traffic off the candidate at once, also after it was promoted.", "The candidate gets nothing any more."),
    route({
      method: "GET",
      path: "/v1/versions",
      name: "version.list",
      role: "read",
      summary: "Which version serves, what served before, and the last one that is known to be good.",
      answers: { 200: { description: "As far as it is known.", schema: versionsSchema } },
      handle: () => ({ status: 200, body: versionsShown(rollouts.versions()) }),
    }),
  ];
}
