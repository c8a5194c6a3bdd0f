/** A page of metrics in Prometheus' text, asked for and read: the one way in which anybody here scrapes. */
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import { parsePrometheusText, type Sample } from "./prometheus-text.ts";

export type Samples =
  | { readonly ok: true; readonly samples: readonly Sample[] }
  /** It could not be had in time, or could not be read: a sentence that names the page. */
  | { readonly ok: false; readonly detail: string };

export interface SamplesRequest {
  readonly href: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly bounds?: Parameters<typeof parsePrometheusText>[1];
}

const headers = { accept: "text/plain;version=0.0.4", "accept-encoding": "identity" } as const;

/** Never rejects. Cost: one connection, and about 20 ms a megabyte to read. */
export async function readSamples({ href, timeoutMs, signal, bounds }: SamplesRequest, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): Promise<Samples> {
  const asked = await ask(clock, { url: href, headers, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  if (!asked.ok) return { ok: false, detail: `${href}: ${asked.outcome}: ${asked.detail}` };
  if (asked.status !== 200) return { ok: false, detail: `${href} answered ${asked.status}` };
  const parsed = parsePrometheusText(asked.body, bounds);
  return parsed.ok ? { ok: true, samples: parsed.samples } : { ok: false, detail: `${href}, line ${parsed.line}: ${parsed.detail}` };
}
