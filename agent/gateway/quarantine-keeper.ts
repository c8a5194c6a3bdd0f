/**
 * Keeps the one state of the quarantine, whoever moves the bytes: hears what the gateways and the probes saw, forgets in time,
 * and has what should outlive a restart saved. Of a suspect the fingerprint is logged, never its body.
 */
import type { Clock } from "../clock.ts";
import type { Close } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { emptyQuarantine, isEmpty, quarantinePolicy, reduceQuarantine } from "./quarantine.ts";
import type { Fingerprint, Quarantine, QuarantineEvent, Suspect } from "./quarantine.ts";
import type { QuarantineOptions } from "./quarantine-options.ts";
import { restoreQuarantine, saveQuarantine } from "./saved-quarantine.ts";
import type { SavedQuarantine } from "./saved-quarantine.ts";
import type { QuarantineSeam } from "./suspicion.ts";

export interface QuarantineKeeper extends QuarantineSeam {
  /** As another run, or the keeper after a reload, takes it over. */
  saved(): SavedQuarantine;
  start(): Close;
}

export interface QuarantineKeeperDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** What a run before this one had saved. */
  readonly saved: unknown;
  readonly save: (saved: SavedQuarantine) => void;
  /** How many there are now. */
  readonly suspects: (count: number) => void;
  /** So many were forgotten because there were too many. */
  readonly letGo: (count: number) => void;
}

const tickMs = 1_000;

export function quarantineKeeper(options: QuarantineOptions, deps: QuarantineKeeperDeps): QuarantineKeeper {
  const { clock, log } = deps;
  const policy = quarantinePolicy(options);
  let state: Quarantine = restoreQuarantine(deps.saved, clock.monotonicMs(), policy) ?? emptyQuarantine;
  deps.suspects(state.suspects.size);
  if (!isEmpty(state)) log.warn({ suspects: [...state.suspects.keys()].slice(0, 20) }, "requests are in quarantine since before the start: the model server crashed with them in flight");

  function hear(event: QuarantineEvent): void {
    const before = state;
    state = reduceQuarantine(before, event, clock.monotonicMs(), policy);
    if (state.suspects === before.suspects) return;
    tell(before.suspects);
    deps.suspects(state.suspects.size);
    if (state.letGo > before.letGo) deps.letGo(state.letGo - before.letGo);
    deps.save(saveQuarantine(state, clock.monotonicMs()));
  }

  function tell(before: ReadonlyMap<Fingerprint, Suspect>): void {
    const changed = [...state.suspects].filter(([fingerprint, { crashes }]) => before.get(fingerprint)?.crashes !== crashes);
    const guilty = changed.filter(([, { crashes }]) => crashes >= policy.crashesMax).map(([fingerprint]) => fingerprint);
    const suspects = changed.filter(([, { crashes }]) => crashes < policy.crashesMax).map(([fingerprint]) => fingerprint);
    const cleared = [...before.keys()].filter((fingerprint) => !state.suspects.has(fingerprint));
    if (guilty.length > 0) log.error({ fingerprints: guilty.slice(0, 20), forMs: policy.ttlMs }, "requests are refused: the model server crashed with them in flight again");
    if (suspects.length > 0) log.warn({ fingerprints: suspects.slice(0, 20), count: suspects.length }, "the model server crashed with these requests in flight; each is tried alone from now on");
    if (cleared.length > 0) log.info({ fingerprints: cleared.slice(0, 20), count: cleared.length }, "requests left the quarantine");
  }

  return {
    current: () => state,
    hear,
    saved: () => saveQuarantine(state, clock.monotonicMs()),
    start: () => clock.every(tickMs, () => hear({ type: "tick" })),
  };
}
