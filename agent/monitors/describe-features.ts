/** The columns of a model as people look at them (feature-view.ts): read off when asked, the most evidence first. */
import { combineEvidence } from "../../detectors/guarantee/evidence.ts";
import { cellName } from "../../detectors/reference/reference.ts";
import type { FeatureHistogram, FeatureView, HistogramCell } from "../feature-view.ts";
import type { ColumnMonitor } from "./column-monitor.ts";

export interface FeatureFacts {
  /** Of the alarm that is on: decimal logarithms of the evidence that its culprits had gathered before they began anew. */
  readonly named: ReadonlyMap<ColumnMonitor, number>;
  readonly causes: ReadonlyMap<ColumnMonitor, { readonly message: string }>;
  /** Ratios by feature and violation. */
  readonly violations: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Fewer rows tell no distance. */
  readonly distanceRowsMin: number;
  readonly histograms: ReadonlySet<string>;
}

/** More categories than these are shown as one. */
const categoriesMax = 60;

/** Cost: O(cells) for each column. */
export function describeFeatures(columns: readonly ColumnMonitor[], { named, causes, violations, distanceRowsMin, histograms }: FeatureFacts): readonly FeatureView[] {
  const evidences = columns.map((column) => (named.get(column) ?? 0) + Math.max(0, column.logEvidence() / Math.LN10));
  const shares = named.size > 0 ? culpritShares(columns, evidences, named) : combineEvidence(columns.map((column) => column.logEvidence())).shares;
  return columns
    .map((column, index): FeatureView => {
      const distances = column.rows() < distanceRowsMin ? undefined : column.distances();
      return {
        name: column.name,
        kind: column.reference.kind,
        evidence: evidences[index] as number,
        share: shares[index] ?? 0,
        psi: distances?.psi,
        jensenShannon: distances?.jensenShannon,
        violations: violations.get(column.name) ?? {},
        cause: causes.get(column)?.message,
        change: column.rows() === 0 ? "no value yet" : column.describe(),
        ...(histograms.has(column.name) && { histogram: histogramOf(column) }),
      };
    })
    .sort((a, b) => b.evidence - a.evidence || (b.psi ?? 0) - (a.psi ?? 0));
}

/** As the page of the alarm tells them: of what its culprits have gathered together. */
function culpritShares(columns: readonly ColumnMonitor[], evidences: readonly number[], named: FeatureFacts["named"]): readonly number[] {
  const held = columns.map((column, index) => (named.has(column) ? (evidences[index] as number) : 0));
  const all = held.reduce((sum, evidence) => sum + evidence, 0);
  return held.map((evidence) => (all === 0 ? 0 : evidence / all));
}

function histogramOf(column: ColumnMonitor): FeatureHistogram {
  const { reference } = column;
  const now = column.counts();
  const cells = reference.counts.map((count, cell): HistogramCell => ({ name: cellName(reference, cell), ...placeOf(column, cell), reference: count, now: now[cell] ?? 0 }));
  const rows = { referenceRows: reference.rows, windowRows: column.rows() };
  if (reference.kind === "numeric" || cells.length <= categoriesMax) return { cells, ...rows };
  // Those that are or were frequent are shown one by one, in their order.
  const weight = ({ reference: known, now: seen }: HistogramCell) => Math.max(known / Math.max(1, rows.referenceRows), seen / Math.max(1, rows.windowRows));
  const shown = new Set(cells.toSorted((a, b) => weight(b) - weight(a)).slice(0, categoriesMax));
  const others = cells.filter((cell) => !shown.has(cell));
  const sum = (of: "reference" | "now") => others.reduce((total, cell) => total + cell[of], 0);
  return { cells: [...cells.filter((cell) => shown.has(cell)), { name: `${others.length} more`, reference: sum("reference"), now: sum("now") }], ...rows };
}

function placeOf({ reference }: ColumnMonitor, cell: number): { readonly low: number; readonly high: number } | undefined {
  if (reference.kind === "categorical" || cell > reference.edges.length) return undefined;
  return { low: reference.edges[cell - 1] ?? reference.min, high: reference.edges[cell] ?? reference.max };
}
