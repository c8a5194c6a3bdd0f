/**
 * Reads the server's page of metrics for the progress probe, when the probe wants it: nobody else needs it four times a
 * second. Where the page is follows from the config or from the adapter; with `auto` the places of all adapters are tried in
 * turn until a page has families of one of them, and that place is kept.
 */
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import { under } from "../forward/under.ts";
import type { MetricSample } from "./adapters/adapter.ts";
import { adapterNames, adapterOf, figuresOf, type AdapterName } from "./adapters/adapters.ts";
import type { ServerWork } from "./progress.ts";

export interface ProgressMetricsOptions {
  readonly server: URL;
  /** As configured; undefined for the adapter's own place. */
  readonly url: URL | undefined;
  readonly adapter: AdapterName | "auto";
  readonly timeoutMs: number;
}

export interface ProgressMetricsDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  /** Of a page in Prometheus' text format; undefined where it is malformed. */
  readonly samplesOf: (text: string) => readonly MetricSample[] | undefined;
  /** The name of the model that is watched, to leave its neighbours out; undefined while it is not known. */
  readonly model: () => string | undefined;
}

/**
 * Undefined where the page could not be had in time, could not be read, or says nothing of work: never an accusation.
 * Never rejects. `adapter` is the one that fitted.
 */
export type ReadServerWork = (signal: AbortSignal) => Promise<(ServerWork & { readonly adapter: AdapterName }) | undefined>;

export function progressMetrics({ server, url, adapter, timeoutMs }: ProgressMetricsOptions, { clock, ask, samplesOf, model }: ProgressMetricsDeps): ReadServerWork {
  const places = url === undefined ? placesOf(server, adapter === "auto" ? adapterNames : [adapter]) : [url.href];
  let place = 0;
  let found = false;

  const read = async (href: string, signal: AbortSignal): ReturnType<ReadServerWork> => {
    // The moment of asking: what happened while the page was on its way is not on it.
    const readAtMs = clock.monotonicMs();
    const asked = await ask(clock, { url: href, headers: { accept: "text/plain;version=0.0.4", "accept-encoding": "identity" }, timeoutMs, signal });
    if (!asked.ok || asked.status !== 200) return undefined;
    const figures = figuresOf(samplesOf(asked.body.toString("utf8")) ?? [], adapter, model());
    if (figures === undefined) return undefined;
    const { running, waiting, progress } = figures;
    const { movesBy, countersLagMs = 0, gaugesLagMs = 0 } = adapterOf(figures.server);
    const inFlight = running === undefined && waiting === undefined ? undefined : (running ?? 0) + (waiting ?? 0);
    return { adapter: figures.server, inFlight, progress, readAtMs, movesBy, countersLagMs, gaugesLagMs };
  };

  return async (signal) => {
    const work = await read(places[place] as string, signal);
    if (work !== undefined) found = true;
    else if (!found) place = (place + 1) % places.length;
    return work;
  };
}

/** Each address once, the server's own port first. */
function placesOf(server: URL, names: readonly AdapterName[]): readonly string[] {
  const places = names.map((name) => {
    const { port, path } = adapterOf(name).place;
    const url = under(server, path);
    if (port !== undefined) {
      url.port = String(port);
      url.pathname = path;
    }
    return url.href;
  });
  return [...new Set(places)];
}
