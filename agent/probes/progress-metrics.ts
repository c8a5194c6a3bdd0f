/** The server's page of metrics as the progress probe takes it: what is in flight, what moved, and how far the page lags. */
import { adapterOf, type AdapterName } from "../adapters/adapters.ts";
import type { ReadMetricsPage } from "../adapters/page.ts";
import type { ServerWork } from "./progress.ts";

/** Undefined where the page says nothing of work: never an accusation. Never rejects. `adapter` is the one that fitted. */
export type ReadServerWork = (signal: AbortSignal) => Promise<(ServerWork & { readonly adapter: AdapterName }) | undefined>;

export function progressMetrics(read: ReadMetricsPage): ReadServerWork {
  return async (signal) => {
    const page = await read(signal);
    if (!page.ok) return undefined;
    const { server, running, waiting, progress } = page.figures;
    const { movesBy, countersLagMs = 0, gaugesLagMs = 0 } = adapterOf(server);
    const inFlight = running === undefined && waiting === undefined ? undefined : (running ?? 0) + (waiting ?? 0);
    return { adapter: server, inFlight, progress, readAtMs: page.readAtMs, movesBy, countersLagMs, gaugesLagMs };
  };
}
