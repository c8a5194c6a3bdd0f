/**
 * What follows for subscribers from the state and from a person's decision, as directives that are in force until they are taken
 * back: while another backend answers, `route` to it; while the primary is out, `eject` it; while a person holds or drains it,
 * `hold` or `drain`. Announces differences only, so it may hear the same state as often as it likes.
 */
import { primaryName } from "./backend.ts";
import type { Clock } from "./clock.ts";
import type { Override } from "./override.ts";
import { targetKey, type Announce, type Directed, type HeldAction, type StateSignal, type Status, type Target } from "../exporters/signal.ts";

export interface Directives {
  /** Hears every signal; only states matter. */
  readonly signal: Announce;
  /** What a person has decided, or undefined once nothing is decided any more. A pinned rung comes with the state. */
  readonly override: (override: Override | undefined) => void;
  /** The sidecar goes away, and the server with it. */
  readonly closing: () => void;
}

interface Given {
  readonly target: Target;
  readonly inForce: ReadonlyMap<HeldAction, Directed>;
}

export function directives({ clock, announce, target }: { readonly clock: Clock; readonly announce: Announce; readonly target: () => Target | undefined }): Directives {
  let given: Given | undefined;
  let last: StateSignal | undefined;
  let decided: Override | undefined;

  /** Brings what is in force to what is wanted: first what is taken back, in one directive, then what is new. */
  function settle(to: Target, wanted: ReadonlyMap<HeldAction, Directed>, why: string): void {
    if (given !== undefined && targetKey(given.target) !== targetKey(to)) {
      takeBack(given.target, [...given.inForce.keys()], "another server takes its place");
      given = undefined;
    }
    const before = given?.inForce ?? new Map<HeldAction, Directed>();
    given = { target: to, inForce: wanted };
    takeBack(to, [...before.keys()].filter((action) => !wanted.has(action)), why);
    for (const [action, directed] of wanted) {
      if (!isSame(before.get(action), directed)) announce({ type: "directive", target: to, why, atWallMs: clock.wallMs(), ...directed });
    }
  }

  function takeBack(from: Target, of: readonly HeldAction[], why: string): void {
    if (of.length > 0) announce({ type: "directive", target: from, action: "restore", of, why, atWallMs: clock.wallMs() });
  }

  function tell(state: StateSignal, why: string): void {
    const before = given !== undefined && targetKey(given.target) === targetKey(state.target) ? given.inForce : new Map<HeldAction, Directed>();
    settle(state.target, wantedBy(state, decided, before), why);
  }

  return {
    signal(signal) {
      if (signal.type !== "state") return;
      last = signal;
      tell(signal, signal.cause.evidence === "" ? `the primary is ${signal.status}` : signal.cause.evidence);
    },
    override(override) {
      if (override === decided) return;
      const why = override === undefined ? `the ${decided?.action} has ended` : `${override.owner}: ${override.reason}`;
      decided = override;
      if (last !== undefined) tell(last, why);
    },
    closing() {
      const to = target();
      if (to !== undefined) announce({ type: "directive", target: to, action: "drain", why: "the sidecar is going away, and the pod with it", atWallMs: clock.wallMs() });
    },
  };
}

const out: readonly Status[] = ["failed", "isolated"];
/** Nothing new is known of the circuit, or no more than a trial is wanted: what was so stays so. */
const undecided: readonly Status[] = ["probation", "draining", "unknown"];

function wantedBy({ status, rung }: StateSignal, override: Override | undefined, before: ReadonlyMap<HeldAction, Directed>): ReadonlyMap<HeldAction, Directed> {
  const wanted = new Map<HeldAction, Directed>();
  if (out.includes(status) || (undecided.includes(status) && before.has("eject"))) wanted.set("eject", { action: "eject" });
  if (rung !== primaryName && rung !== "none") wanted.set("route", { action: "route", rung });
  if (override?.action === "hold") wanted.set("hold", { action: "hold", rung: override.rung });
  if (override?.action === "drain") wanted.set("drain", { action: "drain" });
  return wanted;
}

function isSame(before: Directed | undefined, after: Directed): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
