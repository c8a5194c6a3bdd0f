/** The model server's own metrics as series: what runs, what waits, and the counter that shows that the server gets on. */
import { instruments } from "../../exporters/instruments.ts";
import { metricsPage, type MetricsPageOptions } from "../adapters/page.ts";
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import type { Point } from "../observation.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";

export interface ServerMetricsOptions extends Omit<MetricsPageOptions, "adapter"> {
  readonly intervalMs: number;
}

export function serverMetrics({ intervalMs, timeoutMs, ...place }: ServerMetricsOptions, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): Collector {
  const readPage = metricsPage({ ...place, adapter: "auto", timeoutMs }, { clock, ask, model: () => undefined });

  const read = async (): Promise<Reading> => {
    const page = await readPage();
    if (!page.ok) return unknown(page.detail);
    const { server, running, waiting, progress } = page.figures;
    const points: Point[] = [{ instrument: instruments.serverProgress, labels: {}, value: progress }];
    if (running !== undefined) points.push({ instrument: instruments.serverInFlight, labels: {}, value: running });
    if (waiting !== undefined) points.push({ instrument: instruments.serverQueue, labels: {}, value: waiting });
    return { status: "ok", detail: `${server}: ${page.samples} samples`, points };
  };

  return { intervalMs, timeoutMs: 2 * timeoutMs, read };
}
