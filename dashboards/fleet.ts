/**
 * Recording rules for the drift of a whole fleet: every sidecar counts its rows per bin, sums of counts are counts of all,
 * and of those the same distances are taken as each sidecar takes of its own window. One replica sees too few rows for a
 * small drift that all of them together show plainly.
 *
 * Bins only mean the same where the reference is the same, so its digest is part of every sum. The definitions are those of
 * detectors/distance, with a reference taken to have as many rows as the fleet has seen: half a row for a bin that is empty
 * on one side only, for the population stability index; logarithms to base 2 for Jensen and Shannon. A test holds these
 * numbers to those.
 */
import { instruments } from "../exporters/instruments.ts";
import { selecting } from "./alerts/alert.ts";
import type { DashboardsOptions } from "./options.ts";
import { increase, type TargetLabel, type Vector } from "./promql.ts";
import type { RecordingRule } from "./recording-rule.ts";

export const fleetWindow = "1h";
/** Fewer rows are far from any reference by chance alone, as for one sidecar's own window. */
const rowsMin = 100;

type PerFeature = Vector<TargetLabel | "model" | "feature" | "reference">;

const rows = `model:pilotfish_drift_bin_rows:increase${fleetWindow}`;
const reference = "model:pilotfish_drift_bin_reference:max";
export const fleetPsi = `model:pilotfish_drift_psi:increase${fleetWindow}` as PerFeature;
export const fleetJensenShannon = `model:pilotfish_drift_jensen_shannon:increase${fleetWindow}` as PerFeature;

export function fleetRules(options: DashboardsOptions): readonly RecordingRule[] {
  const from = selecting(options);
  const by = `by (${[...options.group, "model", "reference", "feature", "bin"].join(", ")})`;
  const sum = (of: string) => `sum without (bin) (${of})`;
  const all = `ignoring (bin) group_left () ${sum(rows)}`;
  const enough = `${sum(rows)} >= ${rowsMin}`;

  // Of the reference and of the fleet: ratios as they are, and with half a row where there is none.
  const a = reference;
  const b = `(${rows} / ${all})`;
  const p = `((${a} > 0) or 0.5 / (${a} * 0 + ${all}))`;
  const q = `((${b} > 0) or 0.5 / (${b} * 0 + ${all}))`;
  /** This side's part of the divergence; a bin where it has nothing adds nothing. */
  const half = (side: string, other: string) => sum(`(${side} > 0) / 2 * log2(2 * ${side} / (${side} + ${other})) or ${side} * 0`);
  return [
    { record: rows, expr: `sum ${by} (${increase(from(instruments.driftBinRows), fleetWindow)})` },
    { record: reference, expr: `max ${by} (${from(instruments.driftBinReference)})` },
    { record: fleetPsi, expr: `${sum(`(${q} - ${p}) * ln(${q} / ${p}) and (${a} + ${b} > 0)`)} and ${enough}` },
    { record: fleetJensenShannon, expr: `sqrt(clamp(${half(a, b)} + ${half(b, a)}, 0, 1)) and ${enough}` },
  ];
}
