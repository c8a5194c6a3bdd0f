/** What a reference holds and what can be found against it, for the person who has just made it. */
import { detectableChange, type DetectableChange } from "../../detectors/guarantee/detectable-change.ts";
import type { FeatureReference, Reference } from "../../detectors/reference/reference.ts";
import { count, cut, short, textTable, wrapped } from "./text-table.ts";

export interface FeatureSummary {
  readonly name: string;
  readonly kind: FeatureReference["kind"];
  readonly cells: number;
  /** Of numbers. */
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  /** Of categories: the most frequent, at most three. */
  readonly frequent?: readonly string[];
  readonly nullRatio: number;
  /** The smallest change that is found within ten thousand rows in four cases of five. */
  readonly detectable: DetectableChange;
}

export interface ReferenceSummary {
  readonly model: string;
  readonly rows: number;
  readonly features: readonly FeatureSummary[];
  readonly season?: string | undefined;
  readonly thinning: number;
  readonly problem?: string | undefined;
  readonly performance: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

/** The budget and the span that detectable changes are told for. */
const samplesPerFalseAlarm = 1e6;
const horizon = 10_000;

export function summarise(reference: Reference, notes: readonly string[]): ReferenceSummary {
  const features = reference.features.length;
  return {
    model: reference.model,
    rows: reference.rows,
    features: reference.features.map((feature) => summariseFeature(feature, features)),
    ...(reference.season !== undefined && { season: reference.season }),
    thinning: reference.thinning ?? 1,
    ...(reference.estimator !== undefined && { problem: reference.estimator.problem }),
    performance: reference.performance ?? {},
    notes,
  };
}

function summariseFeature(feature: FeatureReference, features: number): FeatureSummary {
  const { name, kind, counts, rows } = feature;
  const nulls = kind === "numeric" ? feature.edges.length + 3 : feature.values.length + 1;
  const detectable = detectableChange(feature, { samplesPerFalseAlarm, horizon, features });
  const common = { name, kind, nullRatio: (counts[nulls] as number) / rows, detectable };
  if (kind === "numeric") return { ...common, cells: feature.edges.length + 1, min: feature.min, max: feature.max, mean: feature.mean };
  const byCount = [...feature.values.keys()].sort((a, b) => (counts[b] as number) - (counts[a] as number));
  return { ...common, cells: feature.values.length, frequent: byCount.slice(0, 3).map((cell) => feature.values[cell] as string) };
}

/** @param width of the terminal in columns. */
export function summaryText({ model, rows, features, season, thinning, problem, performance, notes }: ReferenceSummary, width: number): string {
  const table = textTable(
    [
      { title: "feature", align: "left" },
      { title: "kind", align: "left" },
      { title: "cells", align: "right" },
      { title: "null", align: "right" },
      { title: "range", align: "left" },
      { title: `found in ${count(horizon)} rows`, align: "left" },
    ],
    features.map((feature) => [cut(feature.name, 30), feature.kind, String(feature.cells), `${short(100 * feature.nullRatio)} %`, cut(range(feature), 28), smallest(feature)]),
    width,
  );
  const figures = Object.entries(performance).map(([name, value]) => `${name} ${short(value)}`);
  return [
    `${model}: ${count(rows)} rows, ${features.length} features`,
    "",
    table,
    wrapped(`(the smallest change that is found within ${count(horizon)} rows in four cases of five, at one false alarm in ${count(samplesPerFalseAlarm)} rows for all features together)`, width),
    "",
    ...(problem === undefined ? [] : [wrapped(`performance on the reference (${problem}): ${figures.join(", ")}`, width)]),
    season === undefined ? "season: none was found" : `season: ${season}; values are compared with those of the same ${season.replaceAll("-", " ")}`,
    thinning === 1 ? "thinning: none, rows are nearly independent of each other" : `thinning: one row in ${thinning} enters the alarms, since neighbouring rows are alike`,
    ...notes.map((note) => wrapped(`note: ${note}`, width)),
    "",
  ].join("\n");
}

function smallest({ detectable: { unit, smallest: change } }: FeatureSummary): string {
  if (change === undefined) return "no change";
  return unit === "standard-deviations" ? `mean by ${short(Number(change.toPrecision(2)))} σ` : `${short(Number((100 * change).toPrecision(2)))} % of rows move`;
}

function range({ min, max, mean, frequent }: FeatureSummary): string {
  if (frequent !== undefined) return frequent.join(", ");
  return `${short(min as number)} to ${short(max as number)}, mean ${short(mean as number)}`;
}
