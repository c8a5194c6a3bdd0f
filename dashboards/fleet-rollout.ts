/**
 * Recording rules for the rollout of a whole fleet: each sidecar deals its own traffic by chance, so the evidence of one knows
 * nothing of another's, and e-values that know nothing of each other multiply (V. Vovk and R. Wang, Annals of Statistics 49
 * (2021)): their logarithms add up. So ten sidecars find harm that each of them is too small to find, at the same risk of a
 * false word (docs/JUDGE.md, Pods).
 *
 * Only sidecars that try a candidate now count, since the evidence of a rollout that is over is about another candidate. Those
 * of a service that try at the same time are taken to try the same one.
 */
import { instruments } from "../exporters/instruments.ts";
import { selecting } from "./alerts/alert.ts";
import type { DashboardsOptions } from "./options.ts";
import { oneOf, type TargetLabel, type Vector } from "./promql.ts";
import type { RecordingRule } from "./recording-rule.ts";

type PerComparison = Vector<TargetLabel | "model" | "comparison">;

export const fleetEvidence = "model:pilotfish_rollout_evidence:sum" as PerComparison;
export const fleetThreshold = "model:pilotfish_rollout_evidence_threshold:max" as PerComparison;
/** 1 where the evidence of all sidecars together is harm, 0 where it is not. */
export const fleetHarm = "model:pilotfish_rollout_harm:bool" as PerComparison;

/** The phases in which a candidate is tried. */
export const running = { phase: oneOf(["trying", "asking"]) };

export function fleetRolloutRules(options: DashboardsOptions): readonly RecordingRule[] {
  const from = selecting(options);
  const by = `by (${[...options.group, "model", "comparison"].join(", ")})`;
  const tried = (of: string) => `${of} and ignoring (comparison) ${triedNow(from(instruments.rolloutPhase, running))}`;
  return [
    { record: fleetEvidence, expr: `sum ${by} (${tried(from(instruments.rolloutEvidence))})` },
    { record: fleetThreshold, expr: `max ${by} (${tried(from(instruments.rolloutThreshold))})` },
    { record: fleetHarm, expr: `${fleetEvidence} >= bool ${fleetThreshold}` },
  ];
}

/** Sidecars that try a candidate, from their phases. */
export const triedNow = (phases: string): string => `(max without (phase) (${phases}) == 1)`;
