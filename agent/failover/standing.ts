/**
 * What follows from a person's override while it stands: the route, the status and its cause. (What subscribers are told to do:
 * directives.ts.) Pure. The circuit goes on learning beneath it, from probes and from what is tried, and so is right when it ends.
 *
 * A pin is an order of preference and no ban: what the pinned backend fails to answer, the ladder answers, and after that the
 * primary, since a rung that breaks while it is pinned must not take a sound server's predictions with it. Whoever wants the
 * primary left alone drains it: then it is asked for no inference, even where nobody else answers.
 */
import type { Cause, Status } from "../../exporters/signal.ts";
import { primaryName, type Route } from "../backend.ts";
import type { Override } from "../override.ts";

/** An override in force. */
export interface Standing extends Override {
  /** When it ends, in the clock's monotonic milliseconds. */
  readonly untilMs: number;
}

/** How one came to its end. `gone`: the rung that it named is no more. */
export type End = "ended" | "released" | "replaced" | "gone";

/** `rungs`: the names of those that could answer, in order. */
export function routeUnder({ action, rung }: Override, rungs: readonly string[]): Route {
  if (action === "drain") return { primary: "drained", reason: "override", rung: rungs[0] ?? "none" };
  return { primary: rung === primaryName ? "flows" : "blocked", reason: "override", rung };
}

/** undefined where the primary answers: then it is what the circuit knows. */
export function statusUnder({ action, rung }: Override): Status | undefined {
  if (action === "drain") return "draining";
  return rung === primaryName ? undefined : "isolated";
}

export function causeUnder({ action, rung, owner, reason, untilWallMs }: Override): Cause {
  const did = action === "pin" ? `pinned ${rung}` : action === "hold" ? `held the route at ${rung}` : "drained the primary";
  return { detector: "operator", code: action, evidence: `${owner} ${did} until ${new Date(untilWallMs).toISOString()}: ${reason}` };
}

/** Why things change once it is over. */
export function causeAfter({ action, owner }: Override, end: End): Cause {
  const how = { ended: "its time is over", released: "it was released", replaced: "another one took its place", gone: "the rung that it named is no more" };
  return { detector: "operator", code: end, evidence: `the ${action} of ${owner} has ended: ${how[end]}` };
}
