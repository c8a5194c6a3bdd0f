/** What a row of the dashboard is, and how its panels choose their series. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Instrument, InstrumentKind } from "../../exporters/instruments.ts";
import type { AlertName } from "../alerts.ts";
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
  readonly help: (alert: AlertName) => { readonly title: string; readonly url: string };
  readonly objective: number;
  readonly slowSeconds: number;
}

/** The instrument's series as far as the variables at the top of the dashboard choose them. */
export function shown<Kind extends InstrumentKind, Label extends string>(
  instrument: Instrument<Kind, Label>,
  matchers: Matchers<NoInfer<Label>> = {},
): Vector<Label | TargetLabel, Kind> {
  const ofModel = (instrument.labels as readonly string[]).includes("model") ? { model: "~$model" } : {};
  return select(instrument, { job: "~$job", instance: "~$instance", ...ofModel, ...matchers } as Matchers<Label>);
}
