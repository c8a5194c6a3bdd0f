/**
 * Lines across all panels of a dashboard where something happened. All of them come from series that Pilotfish exports, so
 * they are there wherever the panels are.
 */
import { AnnotationQueryBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { instruments, type Instrument } from "../exporters/instruments.ts";
import { datasource } from "./panels.ts";
import { countBy, maxBy, minBy, type TargetLabel, type Vector } from "./promql.ts";
import { shown } from "./rows/row.ts";

export type AnnotationName = "Transitions" | "Drift" | "Versions" | "Rollouts" | "Model versions" | "Config refused" | "XID" | "Restarts";

interface Annotation {
  readonly color: string;
  readonly expr: string;
  readonly title: string;
  readonly text: string;
}

/** Where a counter has grown. A series that was not there a step before counts as zero, which `increase` would not. */
function grown<Label extends string>(counter: Instrument<"counter", Label>, by: readonly (Label | TargetLabel)[]): string {
  const total = (offset: string) => `sum by (${by.join(", ")}) (${shown(counter)}${offset})`;
  return `${total("")} - (${total(" offset $__interval")} or ${total("")} * 0) > 0`;
}

const before = (expr: string, offset = " offset $__interval") => expr.replaceAll("})", `}${offset})`);

const versions = countBy(["instance", "version"], shown(instruments.buildInfo));

const phases = (offset = "") => `max by (model, phase) (${shown(instruments.rolloutPhase)}${offset}) == 1`;
const served = maxBy(["model", "instance", "version"], shown(instruments.versionInfo));

const starts = maxBy(["instance", "process"], shown(instruments.processStart));
/** A process that is down is not seen, so the one before it is looked for further back than one step. */
const startsBefore = maxBy(["instance", "process"], `max_over_time(${shown(instruments.processStart)}[15m] offset $__interval)` as Vector<"instance" | "process">);

const annotations: Readonly<Record<AnnotationName, Annotation>> = {
  Transitions: { color: "orange", expr: grown(instruments.transitions, ["model", "from", "to", "reason"]), title: "{{model}}: {{from}} to {{to}}", text: "{{reason}}" },
  Drift: { color: "purple", expr: grown(instruments.driftAlarms, ["model", "stream", "detector"]), title: "{{model}}: {{stream}} drifted", text: "found by {{detector}}" },
  // A version where there was another one before; the first one that is seen is no change.
  Versions: {
    color: "blue",
    expr: `${versions} unless ${before(versions)} and on (instance) ${before(countBy(["instance"], shown(instruments.buildInfo)))}`,
    title: "{{instance}}: Pilotfish {{version}}",
    text: "another version runs",
  },
  Rollouts: { color: "yellow", expr: `${phases()} unless ${phases(" offset $__interval")}`, title: "{{model}}: rollout {{phase}}", text: "the candidate's share is on the board Rollout" },
  // What serves from then on, at the sidecar that saw it change.
  "Model versions": { color: "dark-blue", expr: `${served} and on (model, instance) (${grown(instruments.versionChanges, ["model", "instance"])})`, title: "{{model}}: version {{version}}", text: "{{instance}}" },
  "Config refused": { color: "dark-yellow", expr: `${minBy(["instance"], shown(instruments.configReloadOk))} == 0`, title: "{{instance}}: config refused", text: "the one before it stays in force" },
  XID: { color: "red", expr: grown(instruments.gpuXids, ["gpu", "xid"]), title: "XID {{xid}}", text: "{{gpu}}" },
  Restarts: { color: "light-blue", expr: `${starts} - ${startsBefore} > 0`, title: "{{process}} started anew", text: "{{instance}}" },
};

export function annotation(name: AnnotationName): AnnotationQueryBuilder {
  const { color, expr, title, text } = annotations[name];
  return new AnnotationQueryBuilder().name(name).datasource(datasource).enable(true).iconColor(color).expr(expr).step("15s").titleFormat(title).textFormat(text);
}
