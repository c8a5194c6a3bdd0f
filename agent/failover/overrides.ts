/**
 * Overrides at failover's door: who asks for one, whether it can be, what a person should know all the same, and what the audit
 * is told of its life: set, released, and ended in whichever way. What follows from one is standing.ts's.
 */
import { randomUUID } from "node:crypto";
import type { AuditEntry } from "../audit.ts";
import { primaryName } from "../backend.ts";
import type { OverrideAsked } from "../override.ts";
import type { Principal } from "../principal.ts";
import type { End, Standing } from "./standing.ts";
import type { FailoverState } from "./state.ts";

export interface Ladder {
  /** Names of all rungs, in order. */
  readonly all: readonly string[];
  /** Why a rung might not answer; undefined where nothing speaks against it. */
  readonly doubt: (rung: string) => string | undefined;
  /** Who answers now. */
  readonly answering: string;
}

/** The override as it will stand; or why it can not, in a sentence. */
export function standingOf({ action, rung, owner, reason, ttlMs }: OverrideAsked, { all, answering }: Ladder, nowMs: number, wallMs: number): Standing | string {
  if (action === "pin" && (rung === undefined || (rung !== primaryName && !all.includes(rung)))) {
    const there = [primaryName, ...all].join(", ");
    return rung === undefined ? `name what to pin: ${there}` : `there is no rung "${rung}"; there are ${there}`;
  }
  const backend = action === "drain" || (action === "hold" && answering === "none") ? primaryName : action === "hold" ? answering : (rung as string);
  return { id: randomUUID(), action, rung: backend, owner, reason, atWallMs: wallMs, untilWallMs: wallMs + ttlMs, untilMs: nowMs + ttlMs };
}

/** What is allowed and yet may not be what was meant: a sentence each. */
export function warningsOn({ action, rung }: Standing, { circuit, cause }: FailoverState, { all, doubt }: Ladder): readonly string[] {
  if (action === "drain") return all.length === 0 ? ["there is no rung: while the primary is drained no inference is answered"] : all.every((name) => doubt(name) !== undefined) ? ["no rung could answer now"] : [];
  if (rung === primaryName) {
    return circuit.state === "closed" ? [] : [`the primary is failing (${cause.evidence}): it is tried first all the same, and the ladder answers what it does not`];
  }
  const why = doubt(rung);
  return why === undefined ? [] : [`${rung} may not answer: ${why}; the others answer what it does not`];
}

export function setEntry({ id, action, rung, owner, reason, atWallMs, untilWallMs }: Standing, { name, role }: Principal, replaced: Standing | undefined, warnings: readonly string[]): AuditEntry {
  const detail = { owner, rung, until: new Date(untilWallMs).toISOString(), ...(replaced !== undefined && { replaces: replaced.id }), ...(warnings.length > 0 && { warnings }) };
  return { atWallMs, who: name, role, action: `override.${action}`, subject: id, reason, result: "done", detail };
}

export function refusedEntry({ action, owner, reason }: OverrideAsked, { name, role }: Principal, atWallMs: number, why: string): AuditEntry {
  return { atWallMs, who: name, role, action: `override.${action}`, reason, result: "refused", detail: { owner, why } };
}

export function releasedEntry({ id, owner }: Standing, { name, role }: Principal, atWallMs: number, reason: string | undefined): AuditEntry {
  return { atWallMs, who: name, role, action: "override.release", subject: id, reason, result: "done", detail: { owner } };
}

/** Of each one once, in its owner's name. */
export function endedEntry({ id, action, rung, owner, reason }: Standing, end: End, atWallMs: number): AuditEntry {
  return { atWallMs, who: owner, role: "act", action: `override.${action}`, subject: id, reason, result: "ended", detail: { owner, rung, why: end } };
}
