/**
 * PromQL over the catalogue. An expression starts at an instrument, never at a name, and carries the labels that are left at
 * each step in its type: a label that the series does not have, a rate of a gauge, or a bare counter in a sum does not
 * compile. What comes out is a plain string, so conditions are written as PromQL around it: `${rate(x)} > 0`.
 */
import { prometheusName, type Instrument, type InstrumentKind } from "../exporters/instruments.ts";

/** What Prometheus adds to every series that it scrapes. */
export type TargetLabel = "job" | "instance";

declare const typed: unique symbol;

/** An expression whose series have these labels. `value` is what may be added, compared and drawn. */
export type Vector<Label extends string = string, Kind extends InstrumentKind | "value" = "value"> = string & {
  readonly [typed]: { readonly label: Label; readonly kind: Kind };
};

/** Gauges are values already; counters must pass through a rate first. */
type Drawable<Label extends string> = Vector<Label, "gauge"> | Vector<Label>;

/** A label's wanted value; a first `!`, `~` or `!~` makes it "not", "matches" or "does not match" (the whole value). */
export type Matchers<Label extends string> = { readonly [L in Label | TargetLabel]?: string };

/** Prometheus's own verdict on each scrape; this and the three after it are the series that are not in our catalogue. */
export const up: Instrument<"gauge", never> = { name: "up", kind: "gauge", unit: "", help: "1 if the last scrape succeeded.", labels: [] };
export const scrapeDuration: Instrument<"gauge", never> = { name: "scrape_duration_seconds", kind: "gauge", unit: "s", help: "How long the last scrape took.", labels: [] };
export const scrapeSamples: Instrument<"gauge", never> = { name: "scrape_samples_scraped", kind: "gauge", unit: "", help: "Samples in the last scrape.", labels: [] };
/** What its alerting rules found; it has the labels of the alert too. */
export const firing: Instrument<"gauge", "alertname" | "alertstate" | "severity" | "model"> = {
  name: "ALERTS",
  kind: "gauge",
  unit: "",
  help: "1 for each alert that is pending or firing.",
  labels: ["alertname", "alertstate", "severity", "model"],
};
export const foreign = [up, scrapeDuration, scrapeSamples, firing] as const;

/** The series of an instrument, as text `name{label="value"}`. */
export function select<Kind extends InstrumentKind, Label extends string>(
  instrument: Instrument<Kind, Label>,
  matchers: Matchers<NoInfer<Label>> = {},
): Vector<Label | TargetLabel, Kind> {
  const conditions = Object.entries<string | undefined>(matchers).map(([label, value]) => condition(label, value ?? ""));
  return (prometheusName(instrument) + (conditions.length === 0 ? "" : `{${conditions.join(",")}}`)) as Vector<Label | TargetLabel, Kind>;
}

const operators: Readonly<Record<string, string>> = { "": "=", "!": "!=", "~": "=~", "!~": "!~" };

function condition(label: string, wanted: string): string {
  const prefix = /^!?~?/.exec(wanted)?.[0] ?? "";
  return `${label}${operators[prefix]}${JSON.stringify(wanted.slice(prefix.length))}`;
}

/** A matcher for any of the values. */
export const oneOf = (values: readonly string[]): string => `~${values.join("|")}`;
/** A matcher for all values but these. */
export const noneOf = (values: readonly string[]): string => `!~${values.join("|")}`;

/** A histogram's cumulative buckets: a counter for each upper bound `le`. Or only that of one bound, in the histogram's unit. */
export function buckets<Label extends string>(histogram: Vector<Label, "histogram">, le?: number): Vector<Label | "le", "counter"> {
  const bounded = le === undefined ? histogram : histogram.replace(/\{|$/, (brace) => `{le="${le}"${brace === "{" ? "," : "}"}`);
  return bounded.replace(/^\w+/, "$&_bucket") as Vector<Label | "le", "counter">;
}

/** How many values a histogram has taken. */
export function count<Label extends string>(histogram: Vector<Label, "histogram">): Vector<Label, "counter"> {
  return histogram.replace(/^\w+/, "$&_count") as Vector<Label, "counter">;
}

/** Growth per second. The default window is Grafana's, which spans at least four scrapes. */
export function rate<Label extends string>(counter: Vector<Label, "counter">, window = "$__rate_interval"): Vector<Label> {
  return `rate(${counter}[${window}])` as Vector<Label>;
}

/** Growth over the window. */
export function increase<Label extends string>(counter: Vector<Label, "counter">, window: string): Vector<Label> {
  return `increase(${counter}[${window}])` as Vector<Label>;
}

/**
 * How often something happened within the window. A series that began within it counts from zero: `increase` would miss the
 * first time, which for what happens rarely is the only one.
 */
export function times<Label extends string>(counter: Vector<Label, "counter">, window: string): Vector<Label> {
  return `(${counter} unless ${counter} offset ${window} or increase(${counter}[${window}]))` as Vector<Label>;
}

function aggregate(operation: string, clause: "by" | "without", labels: readonly string[], of: string): string {
  // "by nothing" is the sum of all, and reads better without saying so.
  const grouping = clause === "by" && labels.length === 0 ? "" : ` ${clause} (${labels.join(", ")}) `;
  return `${operation}${grouping}(${of})`;
}

export function sumBy<Label extends string, By extends Label = never>(by: readonly By[], of: Drawable<Label>): Vector<By> {
  return aggregate("sum", "by", by, of) as Vector<By>;
}

export function maxBy<Label extends string, By extends Label = never>(by: readonly By[], of: Drawable<Label>): Vector<By> {
  return aggregate("max", "by", by, of) as Vector<By>;
}

export function minBy<Label extends string, By extends Label = never>(by: readonly By[], of: Drawable<Label>): Vector<By> {
  return aggregate("min", "by", by, of) as Vector<By>;
}

/** How many series there are. */
export function countBy<Label extends string, By extends Label = never>(by: readonly By[], of: Drawable<Label>): Vector<By> {
  return aggregate("count", "by", by, of) as Vector<By>;
}

/** Sums these labels away and keeps all others, with the namespace and pod that people add to their targets. */
export function sumWithout<Label extends string, Without extends Label>(without: readonly Without[], of: Drawable<Label>): Vector<Exclude<Label, Without>> {
  return aggregate("sum", "without", without, of) as Vector<Exclude<Label, Without>>;
}

/** The q-th quantile of rates of buckets; they must have kept their `le`. Sharpest where it lies on a bucket's bound. */
export function quantile<Label extends string>(q: number, of: "le" extends Label ? Vector<Label> : never): Vector<Exclude<Label, "le">> {
  return `histogram_quantile(${q}, ${of})` as Vector<Exclude<Label, "le">>;
}

/** `part / whole`, where a part that has no series yet counts as none of the whole instead of making the answer vanish. */
export function share<Label extends string>(part: Vector<Label>, whole: Vector<Label>): Vector<Label> {
  return `(${part} or ${whole} * 0) / ${whole}` as Vector<Label>;
}
