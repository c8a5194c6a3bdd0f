/** Series in OpenTelemetry's data model, as its readers and serialisers take them. Nothing of the SDK is loaded: types only. */
import type { HrTime } from "@opentelemetry/api";
import type { DataPoint, ExponentialHistogram as ExponentialValue, Histogram as HistogramValue, MetricData } from "@opentelemetry/sdk-metrics";
import type { ExponentialHistogram } from "./exponential-histogram.ts";
import type { FamilyView, SeriesView } from "./series-view.ts";

/** OpenTelemetry's numbers for its enums. */
const cumulative = 1;
const dataPointType = { histogram: 0, exponential: 1, gauge: 2, sum: 3 } as const;
const double = 1;

/** @param exponential a histogram that is kept in both forms comes as an exponential one. Cost: O(series), copies of the counts. */
export function metricData({ instrument, bounds }: FamilyView, series: readonly SeriesView[], endTime: HrTime, exponential: boolean): MetricData {
  const points = <T>(value: (series: SeriesView) => T): DataPoint<T>[] =>
    series.map((one) => ({ startTime: one.startTime, endTime, attributes: one.attributes, value: value(one) }));
  const { kind, name, unit, help } = instrument;
  const common = { descriptor: { name, unit, description: help, valueType: double }, aggregationTemporality: cumulative } as const;
  switch (kind) {
    case "counter":
      return { ...common, dataPointType: dataPointType.sum, isMonotonic: true, dataPoints: points(({ value }) => value) };
    case "gauge":
      return { ...common, dataPointType: dataPointType.gauge, dataPoints: points(({ value }) => value) };
    case "histogram":
      return exponential
        ? { ...common, dataPointType: dataPointType.exponential, dataPoints: points((one) => exponentialOf(one.exponential as ExponentialHistogram, one.value)) }
        : { ...common, dataPointType: dataPointType.histogram, dataPoints: points((one) => histogramOf(one, bounds as number[])) };
  }
}

function histogramOf({ value, counts }: SeriesView, bounds: number[]): HistogramValue {
  return { buckets: { boundaries: bounds, counts: [...counts] }, sum: value, count: counts.reduce((sum, count) => sum + count, 0) };
}

function exponentialOf(histogram: ExponentialHistogram, sum: number): ExponentialValue {
  const { scale, zeroCount, count, offset } = histogram;
  return { count, sum, scale, zeroCount, positive: { offset, bucketCounts: [...histogram.counts()] }, negative: { offset: 0, bucketCounts: [] } };
}
