/**
 * `/v1/overrides`: a person's decision over the route, with owner, reason and an end. One is in force at a time, so what is posted
 * replaces the one before; a retry of a post does no harm.
 */
import * as z from "zod";
import { overrideActions, overrideTtlMaxMs, type Override, type OverrideAnswer, type OverrideAsked } from "../override.ts";
import type { Principal } from "../principal.ts";
import { duration } from "../units.ts";
import { route, type Route } from "./route.ts";

export interface OverrideRoutesDeps {
  readonly current: () => Override | undefined;
  /** In force when it returns. */
  readonly decide: (asked: OverrideAsked, principal: Principal) => OverrideAnswer;
  /** undefined where none is in force. */
  readonly release: (principal: Principal, reason: string | undefined) => Override | undefined;
}

/** One line of text for people, shown as it is and never read as anything else. */
const line = (max: number) => z.string().trim().min(1).max(max).regex(/^[ -~\u00a0-\uffff]*$/, "expected one line without control characters");

const asked = z
  .strictObject({
    action: z.enum(overrideActions),
    /** Of a pin: `primary`, or a rung's name. */
    rung: z.string().min(1).max(200).optional(),
    reason: line(500),
    ttl: duration(1_000).prefault("1h"),
    /** Whoever is asked about it later; without it the one who asks. */
    owner: line(200).optional(),
  })
  .refine(({ action, rung }) => (action === "pin") === (rung !== undefined), { path: ["rung"], error: "expected with pin, and with nothing else" })
  .refine(({ ttl }) => ttl <= overrideTtlMaxMs, { path: ["ttl"], error: "expected at most 24h: an override ends by itself, and nobody remembers an older one" });

const shown = z.object({
  id: z.string(),
  action: z.enum(overrideActions),
  rung: z.string(),
  owner: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
  until: z.iso.datetime(),
});

const released = z.strictObject({ reason: line(500).optional() });

export function overrideRoutes({ current, decide, release }: OverrideRoutesDeps): readonly Route[] {
  return [
    route({
      method: "GET",
      path: "/v1/overrides",
      name: "override.list",
      role: "read",
      summary: "The override in force, if there is one.",
      answers: { 200: { description: "At most one.", schema: z.object({ overrides: z.array(shown) }) } },
      handle() {
        const override = current();
        return { status: 200, body: { overrides: override === undefined ? [] : [overrideShown(override)] } };
      },
    }),
    route({
      method: "POST",
      path: "/v1/overrides",
      name: "override.set",
      role: "act",
      audits: "itself",
      summary: "Pin a backend, hold the route as it is, or drain the primary.",
      body: asked,
      answers: { 201: { description: "In force. Warnings are for the person who asked.", schema: z.object({ override: shown, warnings: z.array(z.string()) }) } },
      handle({ principal, body: { action, rung, reason, ttl, owner } }) {
        const answer = decide({ action, rung, reason, ttlMs: ttl, owner: owner ?? principal.name }, principal);
        if (!answer.ok) return { status: 400, problem: answer.detail, errors: [{ pointer: "#/rung", detail: answer.detail }] };
        return { status: 201, body: { override: overrideShown(answer.override), warnings: answer.warnings } };
      },
    }),
    route({
      method: "DELETE",
      path: "/v1/overrides/{id}",
      name: "override.release",
      role: "act",
      audits: "itself",
      summary: "End an override before its time; `current` names the one in force.",
      query: released,
      answers: { 200: { description: "It has ended.", schema: z.object({ override: shown }) } },
      handle({ principal, params: { id }, query: { reason } }) {
        const override = current();
        if (override === undefined) return { status: 404, problem: "no override is in force" };
        if (id !== override.id && id !== "current") return { status: 404, problem: `the override ${id} is not in force any more; ${override.id} is` };
        release(principal, reason);
        return { status: 200, body: { override: overrideShown(override) } };
      },
    }),
  ];
}

/** As the world sees it. */
export function overrideShown({ id, action, rung, owner, reason, atWallMs, untilWallMs }: Override): z.infer<typeof shown> {
  return { id, action, rung, owner, reason, at: new Date(atWallMs).toISOString(), until: new Date(untilWallMs).toISOString() };
}
