/**
 * How far the traffic of a whole fleet is from its reference: the rows of all sidecars that have the same reference, added up
 * by bin. With p the ratio of rows in a bin and q the reference's, PSI is the sum of (p - q) ln(p / q), and the
 * Jensen-Shannon distance the root of half the sum of p log2(p / m) + q log2(q / m) with m = (p + q) / 2.
 */
import { instruments } from "../../exporters/instruments.ts";
import { increase, maxBy, rate, sumBy, type Vector } from "../promql.ts";
import { shown } from "./row.ts";

const perBin = ["model", "reference", "feature", "bin"] as const;
const perFeature = ["model", "reference", "feature"] as const;

/** An empty bin would make the logarithm infinite, so none counts as less than one row in ten thousand. */
const least = 0.0001;

/** @param window for `increase`; `rate` has Grafana's. */
export function fleetDistance(measure: "psi" | "jensen_shannon", growth: "rate" | "increase", window = "$__rate_interval"): Vector<(typeof perFeature)[number]> {
  const rows = growth === "rate" ? rate(shown(instruments.driftBinRows), window) : increase(shown(instruments.driftBinRows), window);
  const all = sumBy(perFeature, rows);
  const p = `clamp_min(${sumBy(perBin, rows)} / on (${perFeature.join(", ")}) group_left () (${all} > 0), ${least})`;
  const q = `clamp_min(${maxBy(perBin, shown(instruments.driftBinReference))}, ${least})`;
  const by = `by (${perFeature.join(", ")})`;
  const m = `((${p} + ${q}) / 2)`;
  return (measure === "psi" ? `sum ${by} ((${p} - ${q}) * ln(${p} / ${q}))` : `sqrt(sum ${by} (${p} * log2(${p} / ${m}) + ${q} * log2(${q} / ${m})) / 2)`) as Vector<(typeof perFeature)[number]>;
}
