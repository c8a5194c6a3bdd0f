/**
 * Header fields on their way through, as names and values by turns, in the order and case in which they came. Fields that
 * are meant for one connection only (RFC 9110, section 7.6.1) stay behind, with all that `Connection` names.
 *
 * `Host` stays the client's, as Envoy and HAProxy do: behind the gateway the server sees what it saw without it. `Expect` is
 * answered by the gateway. No `Via` and no `X-Forwarded-For` are added.
 */
import type { Reason } from "../backend.ts";

const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"]);
/** Naming these in `Connection` would change what the message is. */
const untouchable = new Set(["host", "content-length"]);

/** The fields that go on, without those in `dropped` (lower case). */
export function endToEnd(fields: readonly string[], dropped?: ReadonlySet<string>): string[] {
  const named = namedByConnection(fields);
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    if (hopByHop.has(name) || named?.has(name) === true || dropped?.has(name) === true) continue;
    kept.push(fields[i] as string, fields[i + 1] as string);
  }
  return kept;
}

function namedByConnection(fields: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if ((fields[i] as string).toLowerCase() !== "connection") continue;
    for (const token of (fields[i + 1] as string).toLowerCase().split(",")) {
      const name = token.trim();
      if (!untouchable.has(name)) (named ??= new Set()).add(name);
    }
  }
  return named;
}

/** Who answered an inference and why: what the gateway adds to the answer. */
export interface Provenance {
  readonly rung: string;
  readonly reason: Reason;
  readonly version: string | undefined;
  readonly inferenceId: string;
}

/** A server that sends these itself is another Pilotfish behind this one; the client hears of the nearest. */
export const provenanceNames: ReadonlySet<string> = new Set([
  "pilotfish-rung",
  "pilotfish-reason",
  "pilotfish-model-version",
  "pilotfish-inference-id",
  "pilotfish-confidence",
  "pilotfish-repaired",
]);

export function provenanceFields({ rung, reason, version, inferenceId }: Provenance): string[] {
  const fields = ["pilotfish-rung", rung, "pilotfish-reason", reason, "pilotfish-inference-id", inferenceId];
  return isSaneVersion(version) ? [...fields, "pilotfish-model-version", version] : fields;
}

/** A version may come from a path, so it may hold anything. */
export function isSaneVersion(version: string | undefined): version is string {
  return version !== undefined && /^[\x21-\x7e]{1,128}$/.test(version);
}

/** Of the first field of that name (lower case). */
export function fieldValue(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if ((fields[i] as string).toLowerCase() === name) return fields[i + 1];
  return undefined;
}
