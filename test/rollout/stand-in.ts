/**
 * Rollouts as people and programs see them, without the room that keeps them: a view to be changed, and controls that do at once
 * what they are told. For tests of those who show rollouts and decide on them.
 */
import type { Principal } from "../../agent/principal.ts";
import type { RolloutAsked, RolloutChanged, RolloutControls, RolloutView, VersionsView } from "../../agent/rollout-view.ts";
import type { ComparisonShown, TrialReading } from "../../agent/trial.ts";

export const beganAtMs = Date.UTC(2026, 0, 1, 12);

export function comparison(changes: Partial<ComparisonShown> & Pick<ComparisonShown, "name">): ComparisonShown {
  return { verdict: "continue", log10Evidence: 0.4, threshold: 2.3, effect: 0.004, low: -0.006, high: 0.014, minimumHarm: 0.01, margin: 0.02, unit: "ratio", events: 41, effective: 38, ...changes };
}

export function reading(changes: Partial<TrialReading> = {}): TrialReading {
  return {
    rollout: "r-7", verdict: "continue", harmed: [],
    comparisons: [
      comparison({ name: "errors" }),
      comparison({ name: "latency_p99", unit: "relative", log10Evidence: -0.2, threshold: 2.78, effect: 0.03, low: -0.08, high: 0.16, minimumHarm: 0.1, margin: 0.2, events: 312, effective: 290 }),
      comparison({ name: "accuracy", log10Evidence: 0, effect: undefined, low: undefined, high: undefined, events: 0, effective: 0 }),
    ],
    requests: { candidate: 1_204, primary: 10_871 }, pairs: 0, actuals: 0,
    message: "nothing speaks against it yet; errors need about 2,000 more requests", atWallMs: beganAtMs + 42_000,
    ...changes,
  };
}

export function view(changes: Partial<RolloutView> = {}): RolloutView {
  return {
    id: "r-7", model: "employment", candidate: { version: "2" }, name: "version 2", primaryVersion: "1", mode: "canary",
    phase: "trying", reason: "started", step: 1,
    steps: [{ weight: 0.1, holdMs: 60_000, timeBoxMs: 600_000 }, { weight: 0.5, holdMs: 60_000, timeBoxMs: 600_000 }],
    weight: 0.1, shadow: 0, startedBy: "ada", startedAtWallMs: beganAtMs, sinceWallMs: beganAtMs,
    holdUntilWallMs: beganAtMs + 60_000, timeBoxUntilWallMs: beganAtMs + 600_000,
    reading: reading(),
    actuations: [],
    message: "version 2 gets 10 % of the traffic",
    ...changes,
  };
}

/** As if it had begun at another time. */
export function begunAt(one: RolloutView, wallMs: number): RolloutView {
  const by = wallMs - beganAtMs;
  const moved = (atMs: number | undefined): number | undefined => (atMs === undefined ? undefined : atMs + by);
  return {
    ...one,
    startedAtWallMs: one.startedAtWallMs + by,
    sinceWallMs: one.sinceWallMs + by,
    holdUntilWallMs: moved(one.holdUntilWallMs),
    timeBoxUntilWallMs: moved(one.timeBoxUntilWallMs),
    reading: one.reading && { ...one.reading, atWallMs: one.reading.atWallMs + by },
    actuations: one.actuations.map((told) => ({ ...told, atWallMs: told.atWallMs + by })),
  };
}

export const harmful = reading({
  verdict: "harm", harmed: ["errors"],
  comparisons: [comparison({ name: "errors", verdict: "harm", log10Evidence: 3.1, effect: 0.48, low: 0.31, high: 0.62 }), ...reading().comparisons.slice(1)],
  message: "errors: 48 % more than the primary (at least 31 %)",
});

export const notWorse = reading({
  verdict: "not-worse",
  comparisons: reading().comparisons.slice(0, 2).map((one) => ({ ...one, verdict: "not-worse" as const, effect: -0.001, low: -0.009, high: 0.008 })),
  message: "not worse by its margin in any comparison",
});

export const aborted = view({
  phase: "aborted", reason: "harm", weight: 0, sinceWallMs: beganAtMs + 43_000, holdUntilWallMs: undefined, timeBoxUntilWallMs: undefined, reading: harmful,
  actuations: [
    { actuator: "weights", action: "abort", result: "done", attempts: 1, detail: "no key goes to version 2 any more", atWallMs: beganAtMs + 43_000 },
    { actuator: "repository", action: "unload", result: "failed", attempts: 3, detail: "POST /v2/repository/models/employment/unload answered 500", atWallMs: beganAtMs + 50_000 },
  ],
  message: "version 2 was taken off the traffic: errors",
});

export interface Decided {
  readonly what: "start" | "promote" | "abort";
  readonly who: string;
  readonly asked?: RolloutAsked;
  readonly reason?: string | undefined;
}

/** @param nowWallMs for what it starts and ends itself. */
export function rolloutStandIn(first?: RolloutView, nowWallMs: () => number = () => beganAtMs + 45_000) {
  let current = first;
  let refusal: Extract<RolloutChanged, { readonly ok: false }> | undefined;
  const decided: Decided[] = [];
  const isOver = (): boolean => current === undefined || current.phase === "promoted" || current.phase === "aborted";
  const told = (next: RolloutView): RolloutChanged => ({ ok: true, rollout: (current = next) });
  const over = { holdUntilWallMs: undefined, timeBoxUntilWallMs: undefined };

  function decide(what: "promote" | "abort", { name: who }: Principal, reason: string | undefined): RolloutChanged {
    decided.push({ what, who, reason });
    if (refusal !== undefined) return refusal;
    if (current === undefined) return { ok: false, why: "unknown", detail: "there is no rollout" };
    if (current.phase === "aborted" || (what === "promote" && current.phase === "promoted")) return { ok: false, why: "conflict", detail: `the rollout of ${current.name} was ${current.phase}` };
    const common = { reason: "person", sinceWallMs: nowWallMs() };
    if (what === "abort") return told({ ...current, ...common, ...over, phase: "aborted", weight: 0, message: `${current.name} was taken off the traffic by ${who}` });
    const next = current.steps[current.step];
    if (next === undefined) return told({ ...current, ...common, ...over, phase: "promoted", weight: 1, message: `${current.name} serves` });
    return told({ ...current, ...common, step: current.step + 1, weight: next.weight, message: `${current.name} gets ${100 * next.weight} % of the traffic` });
  }

  const controls: RolloutControls = {
    current: () => current,
    async start(asked, { name: who }) {
      decided.push({ what: "start", who, asked });
      if (refusal !== undefined) return refusal;
      if (!isOver()) return { ok: false, why: "conflict", detail: `a rollout of ${current?.name} runs; abort it first` };
      const candidate = asked.candidate ?? { version: "2" };
      const name = candidate.version === undefined ? (candidate.url ?? candidate.onnx ?? "") : `version ${candidate.version}`;
      const atMs = nowWallMs();
      const shadowed = asked.mode === "shadow" || asked.mode === "shadow-then-canary";
      return told(view({ candidate, name, mode: asked.mode ?? "canary", step: shadowed ? 0 : 1, weight: shadowed ? 0 : 0.1, shadow: shadowed ? 0.5 : 0, startedBy: who, startedAtWallMs: atMs, sinceWallMs: atMs, holdUntilWallMs: atMs + 60_000, timeBoxUntilWallMs: atMs + 600_000, reading: undefined, message: `${name} is tried` }));
    },
    promote: (principal, reason) => decide("promote", principal, reason),
    abort: (principal, reason) => decide("abort", principal, reason),
    versions: () => versions,
  };
  return {
    controls,
    decided,
    set: (next: RolloutView | undefined) => void (current = next),
    /** What it answers to all that is asked of it from now on. */
    refuse: (next: typeof refusal) => void (refusal = next),
  };
}

export const versions: VersionsView = {
  current: { version: "1", digest: "sha256:11aa", reference: "b7e1", sinceWallMs: beganAtMs - 86_400_000 },
  lastKnownGood: { version: "1", digest: "sha256:11aa", reference: "b7e1", sinceWallMs: beganAtMs - 86_400_000, heldUntilWallMs: beganAtMs },
  goodSinceWallMs: beganAtMs - 80_000_000,
  dwellMs: 3_600_000,
  before: [{ version: "0", digest: undefined, reference: "b7e1", sinceWallMs: beganAtMs - 900_000_000 }],
};
