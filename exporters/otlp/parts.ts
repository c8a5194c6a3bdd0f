/** What was collected, cut into requests of bounded size, so that encoding one never holds up the loop. Pure. */
import type { MetricData, ResourceMetrics } from "@opentelemetry/sdk-metrics";

export interface MetricsPart {
  readonly metrics: ResourceMetrics;
  /** Points in it. */
  readonly items: number;
}

/** A histogram's point is as much work as four others. */
const histogramPoints = 4;
const gauge = 2;

/** @param pointsMax of one part. Each keeps the resource and the scope; a metric may go on in the next one. */
export function* metricsParts({ resource, scopeMetrics }: ResourceMetrics, pointsMax: number): Generator<MetricsPart> {
  for (const { scope, metrics } of scopeMetrics) {
    let chosen: MetricData[] = [];
    let items = 0;
    let room = pointsMax;
    const part = (): MetricsPart => ({ items, metrics: { resource, scopeMetrics: [{ scope, metrics: chosen }] } });
    for (const metric of metrics) {
      const each = metric.dataPointType < gauge ? histogramPoints : 1;
      for (let from = 0; from < metric.dataPoints.length; ) {
        const to = from + Math.max(1, Math.floor(room / each));
        const dataPoints = metric.dataPoints.slice(from, to);
        chosen.push({ ...metric, dataPoints } as MetricData);
        items += dataPoints.length;
        room -= dataPoints.length * each;
        from = to;
        if (room >= each) continue;
        yield part();
        chosen = [];
        items = 0;
        room = pointsMax;
      }
    }
    if (items > 0) yield part();
  }
}
