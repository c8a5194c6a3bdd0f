/**
 * Reads the server's page of metrics, for whoever wants its figures. Where the page is follows from the config or from the
 * adapter; with `auto` the places of all adapters are tried in turn, one a reading, until a page has families of one of them,
 * and that place is kept.
 */
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import { under } from "../forward/under.ts";
import { adapterNames, adapterOf, figuresOf, type AdapterName, type NamedFigures } from "./adapters.ts";
import type { Sample } from "./prometheus-text.ts";
import { readSamples } from "./samples.ts";

export interface MetricsPageOptions {
  readonly server: URL;
  /** As configured; undefined for the adapter's own place. */
  readonly url: URL | undefined;
  readonly adapter: AdapterName | "auto";
  readonly timeoutMs: number;
}

export interface MetricsPageDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  /** The name of the model that is watched, to leave its neighbours out; undefined for all of them. */
  readonly model: () => string | undefined;
}

export type MetricsPage =
  | {
      readonly ok: true;
      readonly figures: NamedFigures;
      /** All that is on the page, ours and others. */
      readonly samples: readonly Sample[];
      /** The moment of asking: what happened while the page was on its way is not on it. */
      readonly readAtMs: number;
    }
  /** It could not be had in time, could not be read, or says nothing of work. */
  | { readonly ok: false; readonly detail: string };

/** Never rejects. Cost: one connection, and about 20 ms a megabyte to read. */
export type ReadMetricsPage = (signal?: AbortSignal) => Promise<MetricsPage>;

export function metricsPage({ server, url, adapter, timeoutMs }: MetricsPageOptions, { clock, ask, model }: MetricsPageDeps): ReadMetricsPage {
  const places = url === undefined ? placesOf(server, adapter === "auto" ? adapterNames : [adapter]) : [url.href];
  let place = 0;
  let found = false;

  const readPlace = async (href: string, signal: AbortSignal | undefined): Promise<MetricsPage> => {
    const readAtMs = clock.monotonicMs();
    const read = await readSamples({ href, timeoutMs, signal }, { clock, ask });
    if (!read.ok) return read;
    const figures = figuresOf(read.samples, adapter, model());
    if (figures === undefined) return { ok: false, detail: `${href} has no metrics of a server that is known here` };
    return { ok: true, figures, samples: read.samples, readAtMs };
  };

  return async (signal) => {
    const page = await readPlace(places[place] as string, signal);
    if (page.ok) found = true;
    else if (!found) place = (place + 1) % places.length;
    return page;
  };
}

/** Where adapters of these names look. Each address once, the server's own port first. */
export function placesOf(server: URL, names: readonly AdapterName[]): readonly string[] {
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
