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
import { GraphThresholdsStyleConfigBuilder, GraphThresholdsStyleMode, ReduceDataOptionsBuilder, VizLegendOptionsBuilder, VizTooltipOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
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
import { HeatmapColorMode, HeatmapColorOptionsBuilder, PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from "@grafana/grafana-foundation-sdk/heatmap";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimelineBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

export const datasource = { type: "prometheus", uid: "${datasource}" };

export interface Query {
  readonly expr: string;
  /** With `{{label}}`s. */
  readonly legend: string;
  /** Asked for the end of the time range only: of sums over long windows, and for tables. */
  readonly instant?: true;
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
  /** Where a click on a series leads. */
  readonly to?: { readonly title: string; readonly url: string };
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
  dataLinks(links: Builder<ReturnType<DashboardLinkBuilder["build"]>>[]): this;
  withTarget(target: Builder<Dataquery>): this;
}

function describe<B extends AnyBuilder>(builder: B, text: PanelText, targets: readonly DataqueryBuilder[]): B {
  builder.id(text.id).title(text.title).description(text.description).span(text.width).height(text.height).unit(text.unit).datasource(datasource);
  if (text.nothing !== undefined) builder.noValue(text.nothing);
  if (text.runbook !== undefined) builder.links([link(text.runbook.title, text.runbook.url)]);
  // On the panel's head the runbook; on each series the runbook again, where eyes are, and the next dashboard.
  const dataLinks = [text.to, text.runbook].filter((one) => one !== undefined);
  if (dataLinks.length > 0) builder.dataLinks(dataLinks.map(({ title, url }) => new DashboardLinkBuilder(title).url(url)));
  for (const [index, target] of targets.entries()) builder.withTarget(target.refId(String.fromCharCode(65 + index)));
  return builder;
}

export const link = (title: string, url: string) => new DashboardLinkBuilder(title).type(DashboardLinkType.Link).icon("doc").url(url).targetBlank(true);

const overTime = ({ expr, legend, instant }: Query) => {
  const query = new DataqueryBuilder().datasource(datasource).expr(expr).legendFormat(legend);
  return instant === true ? query.instant() : query.range();
};

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

/** How many requests took how long, over time: a column a moment, brighter where there were more. Of rates of buckets by `le`. */
export function heatmap(text: PanelText, { expr }: Omit<Query, "legend">): HeatmapBuilder {
  const query = new DataqueryBuilder().datasource(datasource).expr(expr).legendFormat("{{le}}").range().format(PromQueryFormat.Heatmap);
  return describe(new HeatmapBuilder(), text, [query])
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(text.unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme("Turbo").exponent(0.5).steps(64))
    .cellGap(1)
    .hideLegend();
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

const capital = (text: string) => text.replace(/^./, (first) => first.toUpperCase());

/** A column a query, joined by the label. The n-th query's numbers come in a field named `Value #A`, `Value #B` and so on. */
export function table(text: PanelText, label: string, queries: readonly Query[]): TableBuilder {
  const columns = queries.map(({ legend }, index) => [`Value #${String.fromCharCode(65 + index)}`, legend] as const);
  return describe(new TableBuilder(), text, queries.map(asTable))
    .withTransformation({ id: "joinByField", options: { byField: label, mode: "outer" } })
    .withTransformation({
      id: "organize",
      options: {
        // Each query brings its time along; the join numbers them where there are several.
        excludeByName: Object.fromEntries(["Time", ...queries.map((_, index) => `Time ${index + 1}`)].map((name) => [name, true])),
        renameByName: { [label]: capital(label), ...Object.fromEntries(columns) },
      },
    });
}

/** A column a label of one query's series, and one for its numbers. */
export function list(text: PanelText, labels: readonly string[], query: Query): TableBuilder {
  return describe(new TableBuilder(), text, [asTable(query)]).withTransformation({
    id: "organize",
    options: {
      excludeByName: { Time: true },
      indexByName: Object.fromEntries([...labels, "Value"].map((name, index) => [name, index])),
      renameByName: { ...Object.fromEntries(labels.map((label) => [label, capital(label)])), Value: query.legend },
    },
  });
}

const asTable = ({ expr, legend }: Query) => new DataqueryBuilder().datasource(datasource).expr(expr).legendFormat(legend).instant().format(PromQueryFormat.Table);

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

/** Over the line, with the room between it and the line named filled. */
export const asBandOver = (lower: string): DynamicConfigValue[] => [
  { id: "custom.lineWidth", value: 0 },
  { id: "custom.fillBelowTo", value: lower },
  { id: "custom.fillOpacity", value: 15 },
];

/** The lower side of a band. */
export const asBandUnder: DynamicConfigValue[] = [
  { id: "custom.lineWidth", value: 0 },
  { id: "custom.fillOpacity", value: 0 },
];

/** A colour for the text of a table's cell, from values upwards. */
export const asColoured = (steps: ReturnType<typeof thresholds>): DynamicConfigValue[] => [
  { id: "thresholds", value: steps.build() },
  { id: "custom.cellOptions", value: { type: "color-text" } },
];

/** A column of a table in a unit of its own. */
export const inUnit = (unit: string): DynamicConfigValue[] => [{ id: "unit", value: unit }];

/** A line where the alert would fire, of the colour of its severity. */
export const withLine = <B extends TimeSeriesBuilder>(panel: B, from: number): B =>
  panel.thresholds(thresholds(["transparent"], ["red", from])).thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));

/** Another unit, so another axis. */
export const onTheRight = (unit: string): DynamicConfigValue[] => [
  { id: "unit", value: unit },
  { id: "custom.axisPlacement", value: "right" },
  { id: "custom.fillOpacity", value: 0 },
];
