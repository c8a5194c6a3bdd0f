/**
 * The house's look: each kind of panel once, with the settings that all of its kind share, so that the dashboard itself
 * (overview.ts) says only what is shown. Every panel must have a description and a unit; both are arguments.
 */
import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
} from "@grafana/grafana-foundation-sdk/common";
import { ReduceDataOptionsBuilder, VizLegendOptionsBuilder, VizTooltipOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardLinkBuilder,
  DashboardLinkType,
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  SpecialValueMatch,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type DynamicConfigValue,
  type Threshold,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

export const datasource = { type: "prometheus", uid: "${datasource}" };

export interface Query {
  readonly expr: string;
  /** With `{{label}}`s. */
  readonly legend: string;
}

export interface PanelText {
  /** Kept for ever, since links to a panel name it. */
  readonly id: number;
  readonly title: string;
  readonly description: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly height: number;
  /** One of Grafana's unit ids. */
  readonly unit: string;
  /** What to say where there is nothing to see; set only where that is a normal state of affairs. */
  readonly nothing?: string;
  readonly runbook?: { readonly title: string; readonly url: string };
}

/** What all kinds of panel have in common, in the SDK's words. */
interface AnyBuilder {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  span(columns: number): this;
  height(rows: number): this;
  datasource(datasource: { type: string; uid: string }): this;
  unit(unit: string): this;
  noValue(text: string): this;
  links(links: Builder<ReturnType<DashboardLinkBuilder["build"]>>[]): this;
  withTarget(target: Builder<Dataquery>): this;
}

function describe<B extends AnyBuilder>(builder: B, text: PanelText, targets: readonly DataqueryBuilder[]): B {
  builder.id(text.id).title(text.title).description(text.description).span(text.width).height(text.height).unit(text.unit).datasource(datasource);
  if (text.nothing !== undefined) builder.noValue(text.nothing);
  if (text.runbook !== undefined) builder.links([link(text.runbook.title, text.runbook.url)]);
  for (const [index, target] of targets.entries()) builder.withTarget(target.refId(String.fromCharCode(65 + index)));
  return builder;
}

export const link = (title: string, url: string) => new DashboardLinkBuilder(title).type(DashboardLinkType.Link).icon("doc").url(url).targetBlank(true);

const overTime = ({ expr, legend }: Query) => new DataqueryBuilder().datasource(datasource).expr(expr).legendFormat(legend).range();

export function timeSeries(text: PanelText, queries: readonly Query[]): TimeSeriesBuilder {
  return describe(new TimeSeriesBuilder(), text, queries.map(overTime))
    .axisSoftMin(0)
    .lineWidth(1)
    .fillOpacity(10)
    .showPoints(VisibilityMode.Never)
    .legend(new VizLegendOptionsBuilder().showLegend(true).displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

/** The last value, large. */
export function stat(text: PanelText, queries: readonly Query[]): StatBuilder {
  return describe(new StatBuilder(), text, queries.map(overTime))
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .textMode(queries.length === 1 ? BigValueTextMode.Value : BigValueTextMode.ValueAndName)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
}

/** One bar a series; the mappings give each value its word and its colour. Gaps are gaps: what is absent is not known. */
export function stateTimeline(text: Omit<PanelText, "unit">, queries: readonly Query[], mappings: readonly ValueMapping[]): StateTimelineBuilder {
  return describe(new StateTimelineBuilder(), { ...text, unit: "short" }, queries.map(overTime))
    .mappings([...mappings])
    .mergeValues(true)
    .showValue(VisibilityMode.Auto)
    .lineWidth(0)
    .fillOpacity(80)
    .rowHeight(0.8)
    .legend(new VizLegendOptionsBuilder().showLegend(false).displayMode(LegendDisplayMode.List).placement(LegendPlacement.Bottom))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
}

/** A column a query, joined by the label. The n-th query's numbers come in a field named `Value #A`, `Value #B` and so on. */
export function table(text: PanelText, label: string, queries: readonly Query[]): TableBuilder {
  const columns = queries.map(({ legend }, index) => [`Value #${String.fromCharCode(65 + index)}`, legend] as const);
  const targets = queries.map(({ expr, legend }) =>
    new DataqueryBuilder().datasource(datasource).expr(expr).legendFormat(legend).instant().format(PromQueryFormat.Table),
  );
  return describe(new TableBuilder(), text, targets)
    .withTransformation({ id: "joinByField", options: { byField: label, mode: "outer" } })
    .withTransformation({
      id: "organize",
      options: {
        // Each query brings its time along; the join numbers them where there are several.
        excludeByName: Object.fromEntries(["Time", ...queries.map((_, index) => `Time ${index + 1}`)].map((name) => [name, true])),
        renameByName: { [label]: label.replace(/^./, (first) => first.toUpperCase()), ...Object.fromEntries(columns) },
      },
    });
}

/** Colours from a value upwards; the first holds from minus infinity. */
export const thresholds = (...steps: readonly [color: string, from?: number][]) =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps.map(([color, from]): Threshold => ({ color, value: from ?? null })));

/** Words and colours for values. */
export function words(texts: Readonly<Record<number, readonly [text: string, color?: string]>>): ValueMapping {
  const options = Object.entries(texts).map(([value, [text, color]], index) => [value, { text, index, ...(color !== undefined && { color }) }]);
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) };
}

/** What to say for a ratio of nothing to nothing. */
export const notANumber = (text: string): ValueMapping => ({
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NotANumber, result: { text, color: "text", index: 0 } },
});

export const fixedColor = (color: string) => new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(color);

/** A limit that other lines are read against. */
export const asLimit: DynamicConfigValue[] = [
  { id: "color", value: { mode: "fixed", fixedColor: "red" } },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [8, 8] } },
  { id: "custom.lineWidth", value: 2 },
  { id: "custom.fillOpacity", value: 0 },
];

/** Between which another line lies. */
export const asBound: DynamicConfigValue[] = [
  { id: "custom.lineStyle", value: { fill: "dash", dash: [4, 6] } },
  { id: "custom.fillOpacity", value: 0 },
];

/** Another unit, so another axis. */
export const onTheRight = (unit: string): DynamicConfigValue[] => [
  { id: "unit", value: unit },
  { id: "custom.axisPlacement", value: "right" },
  { id: "custom.fillOpacity", value: 0 },
];
