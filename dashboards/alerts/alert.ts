/**
 * What an alert is, and what the files of this folder share. A symptom that clients feel is a page; its cause is a ticket,
 * because one night has one incident and not ten; what helps only who looks already is an info.
 *
 * `for` is how long a condition must hold before it is told, so that one missed scrape or one slow minute calls nobody.
 * `keepFiringFor` is for what flaps: an alert that ends and comes back would be a second page for the same night.
 */
import type { Instrument, InstrumentKind } from "../../exporters/instruments.ts";
import type { DashboardsOptions, Urgency } from "../options.ts";
import { select, type Matchers, type TargetLabel, type Vector } from "../promql.ts";

/** The boards of grafana/dashboards, by what their uid has after `pilotfish-`. */
export type Board = "overview" | "inference" | "failover" | "drift" | "performance" | "rollout" | "hardware" | "fleet" | "pilotfish";

export interface Alert {
  readonly urgency: Urgency;
  readonly expr: string;
  /** How long it must hold before it is told. */
  readonly for?: string;
  /** How long it stays after it last held, against flapping. */
  readonly keepFiringFor?: string;
  /** Beside `severity`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** One line without values. */
  readonly summary: string;
  /** What was measured, and the next step. */
  readonly description: string;
  /** Where to look first. */
  readonly board: Board;
}

export type Alerts = Readonly<Record<string, Alert>>;

type Select = <Kind extends InstrumentKind, Label extends string>(instrument: Instrument<Kind, Label>, matchers?: Matchers<NoInfer<Label>>) => Vector<Label | TargetLabel, Kind>;

/** `select`, of the series of the configured job and with the labels of the configured selector. */
export function selecting({ job, selector }: Pick<DashboardsOptions, "job" | "selector">): Select {
  return (instrument, matchers) => select(instrument, { ...matchers, job, ...selector } as typeof matchers);
}

/**
 * How much a counter has grown within the window, where it has. A series that was made by what it counts begins at 1, which
 * is no growth in Prometheus's eyes and so a rule that never fires; here it counts from its first sample on.
 */
export function happened<Label extends string>(counter: Vector<Label, "counter">, window: string): Vector<Label> {
  return `(increase(${counter}[${window}]) > 0 or (last_over_time(${counter}[${window}]) > 0 unless last_over_time(${counter}[5m] offset ${window})))` as Vector<Label>;
}

/** The cumulative bucket of one bound, as text. */
export function bucket(histogram: Vector<string, "histogram">, le: string): string {
  return histogram.replace(/^(\w+?)(?:\{(.*)\})?$/, (_, name: string, matchers?: string) => `${name}_bucket{${[matchers, `le="${le}"`].filter((one) => one !== undefined && one !== "").join(",")}}`);
}
