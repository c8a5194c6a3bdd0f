/** What a config may say about who takes the larger decisions: Pilotfish by itself, a person, or nobody. */
import * as z from "zod";
import { duration } from "../units.ts";

export const decisionKinds = ["failoverOnDrift", "rollback", "promotion", "retrain"] as const;
export type DecisionKind = (typeof decisionKinds)[number];

export const decisionModes = ["automatic", "approve", "notify"] as const;
/** automatic: done, and told; approve: a person is asked; notify: told, and not done. */
export type DecisionMode = (typeof decisionModes)[number];

const mode = z.enum(decisionModes);
/** How long a person has, and what is done without an answer. */
const patience = {
  deadline: duration(1_000).prefault("30m"),
  default: z.enum(["do", "do-not"]).default("do-not"),
};

export const decisionsOptions = z.strictObject({
  /** Without a mode it is what `failover.onDrift` says: `failover` is automatic, `page` is notify. */
  failoverOnDrift: z.strictObject({ mode: mode.optional(), ...patience }).prefault({}),
  rollback: z.strictObject({ mode: mode.default("automatic"), ...patience }).prefault({}),
  promotion: z.strictObject({ mode: mode.default("approve"), ...patience }).prefault({}),
  retrain: z.strictObject({ mode: mode.default("notify"), ...patience }).prefault({}),
});
export type DecisionsOptions = z.output<typeof decisionsOptions>;

/** The mode of a failover on drift, whichever of the two options says it. */
export function modeOnDrift({ failoverOnDrift }: DecisionsOptions, onDrift: "page" | "failover"): DecisionMode {
  return failoverOnDrift.mode ?? (onDrift === "failover" ? "automatic" : "notify");
}

/** The same in failover's words. */
export const onDriftWords = { automatic: "failover", approve: "approve", notify: "page" } as const satisfies Record<DecisionMode, string>;
