/** What a row of a dashboard is, and how its panels choose their series. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Instrument, InstrumentKind } from "../../exporters/instruments.ts";
import type { AlertName } from "../alerts.ts";
import type { Link } from "../links.ts";
import { select, type Matchers, type TargetLabel, type Vector } from "../promql.ts";

export interface Row {
  /** A multiple of ten; its panels' ids follow it. Ids are kept for ever, and one that is free again stays free. */
  readonly id: number;
  /** A question. */
  readonly title: string;
  readonly panels: (context: RowContext) => readonly Builder<Panel>[];
}

export interface RowContext {
  /** The link to an alert's page. */
  readonly help: (alert: AlertName) => Link;
  /** The number that the alert's expression compares with, so that a panel's colours turn where the alert fires. */
  readonly limit: (alert: AlertName) => number;
  readonly objective: number;
  readonly slowSeconds: number;
}

/** Where a panel stands that several dashboards show. */
export interface Place {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly runbook?: Link;
  readonly to?: Link;
}

/** The instrument's series as far as the variables that every dashboard has choose them. */
export function shown<Kind extends InstrumentKind, Label extends string>(
  instrument: Instrument<Kind, Label>,
  matchers: Matchers<NoInfer<Label>> = {},
): Vector<Label | TargetLabel, Kind> {
  const ofModel = (instrument.labels as readonly string[]).includes("model") ? { model: "~$model" } : {};
  return select(instrument, { job: "~$job", instance: "~$instance", ...ofModel, ...matchers } as Matchers<Label>);
}
