/** What follows from the state: the status people are told, the route the gateway reads, and what a change asks to be done. */
import { primaryName, type Reason, type Route } from "../backend.ts";
import type { Cause, Status } from "../../exporters/signal.ts";
import { causeUnder, routeUnder, statusUnder } from "./standing.ts";
import { noCause, type FailoverPolicy, type FailoverState } from "./state.ts";

export function statusOf(state: FailoverState, policy: FailoverPolicy): Status {
  const decided = state.override && statusUnder(state.override);
  if (state.draining) return "draining";
  if (decided !== undefined) return decided;
  if (state.circuit.state === "open") return "failed";
  if (state.circuit.state === "half-open") return "probation";
  if (state.drift !== undefined) return isKeptByDrift(state, policy) ? "isolated" : "degraded";
  if (state.circuit.failures >= 2 || Object.values(state.probes).some((probe) => probe.verdict === "fail")) return "suspect";
  return state.heard ? "healthy" : "unknown";
}

/** Drift keeps requests from the primary. */
function isKeptByDrift({ drift, driftVerdict }: FailoverState, { onDrift }: FailoverPolicy): boolean {
  return drift !== undefined && (onDrift === "failover" || (onDrift === "approve" && driftVerdict === "do"));
}

/** Why things are as they are. */
export function causeOf(state: FailoverState): Cause {
  const { override, circuit } = state;
  if (override !== undefined && statusUnder(override) !== undefined) return causeUnder(override);
  if (circuit.state !== "closed") return state.cause;
  return state.drift ?? Object.values(state.probes).find(({ verdict }) => verdict === "fail")?.cause ?? (override === undefined ? noCause : causeUnder(override));
}

/** `rungs`: the names of the rungs that could answer, in order. */
export function routeOf(state: FailoverState, policy: FailoverPolicy, rungs: readonly string[]): Route {
  if (state.override !== undefined) return routeUnder(state.override, rungs);
  const fallback = rungs[0] ?? "none";
  if (state.circuit.state === "open") return { primary: "blocked", reason: blockedBy(state.cause), rung: fallback };
  if (state.circuit.state === "half-open") return { primary: "trial", reason: blockedBy(state.cause), rung: fallback };
  if (isKeptByDrift(state, policy)) return { primary: "blocked", reason: "drift", rung: fallback };
  return { primary: "flows", reason: "normal", rung: primaryName };
}

function blockedBy(cause: Cause): Reason {
  if (cause.code === "stalled") return "stalled";
  return cause.detector === "http" || cause.detector === "inference" ? "unready" : "circuit-open";
}

/** Did nothing happen but one more attempt being counted? Then nothing follows, and that is nearly always so. */
export function onlyCounted(before: FailoverState, after: FailoverState): boolean {
  const [from, to] = [before.circuit, after.circuit];
  if (from.state !== "closed" || to.state !== "closed" || from.failures !== to.failures || from.trips !== to.trips) return false;
  return before.heard === after.heard && before.probes === after.probes && before.drift === after.drift && before.driftVerdict === after.driftVerdict && before.override === after.override && before.draining === after.draining;
}

/**
 * Should requests that wait at the primary be called back? Only when it hangs: after a crash their connections break by
 * themselves, and a server that answers with errors may still answer these.
 */
export function callsBack(before: FailoverState, after: FailoverState): boolean {
  const opened = after.circuit.state === "open" && before.circuit.state !== "open";
  return opened && (after.cause.code === "stalled" || after.cause.code === "timeout");
}
