/**
 * The model server's own metrics as series: what runs, what waits, the counter that shows that the server gets on, and what it
 * tells of its work, in the same words whatever kind of server it is.
 */
import { instruments } from "../../exporters/instruments.ts";
import { metricsPage, type MetricsPageOptions } from "../adapters/page.ts";
import { workOf, type Work } from "../adapters/work.ts";
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import type { Point } from "../observation.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";

export interface ServerMetricsOptions extends Omit<MetricsPageOptions, "adapter"> {
  readonly intervalMs: number;
}

export function serverMetrics({ intervalMs, timeoutMs, ...place }: ServerMetricsOptions, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): Collector {
  const readPage = metricsPage({ ...place, adapter: "auto", timeoutMs }, { clock, ask, model: () => undefined });
  let before: Work = {};

  const read = async (): Promise<Reading> => {
    const page = await readPage();
    if (!page.ok) return unknown(page.detail);
    const { server, running, waiting, progress } = page.figures;
    const work = workOf(page.samples, server);
    const points = [
      ...point(instruments.serverProgress, {}, progress),
      ...point(instruments.serverInFlight, {}, running),
      ...point(instruments.serverQueue, {}, waiting),
      ...point(instruments.serverBatchSize, {}, work.batchSize ?? meanBatch(before, work)),
      ...point(instruments.serverCacheUsage, {}, work.cacheRatio),
      ...point(instruments.serverTokens, { direction: "input" }, work.inputTokens),
      ...point(instruments.serverTokens, { direction: "output" }, work.outputTokens),
      ...point(instruments.serverRequests, { result: "answered" }, work.answered),
      ...point(instruments.serverRequests, { result: "failed" }, work.failed),
      ...point(instruments.serverRequestTime, { phase: "total" }, work.requestS),
      ...point(instruments.serverRequestTime, { phase: "queue" }, work.queueS),
    ];
    before = work;
    return { status: "ok", detail: `${server}: ${page.samples.length} samples`, points };
  };

  return { intervalMs, timeoutMs: 2 * timeoutMs, read };
}

function point(instrument: Point["instrument"], labels: Point["labels"], value: number | undefined): readonly Point[] {
  return value === undefined ? [] : [{ instrument, labels, value }];
}

/** Of what was executed since the last reading; undefined where nothing was, or the server began anew. */
function meanBatch(before: Work, { batched = 0, batches = 0 }: Work): number | undefined {
  const executed = batches - (before.batches ?? batches);
  const size = (batched - (before.batched ?? batched)) / executed;
  return executed > 0 && size > 0 ? size : undefined;
}
