/**
 * `/metrics`: what Prometheus scrapes, as OpenMetrics where it is asked for (with exemplars), else as text of format 0.0.4,
 * packed where the client takes that.
 *
 * A scrape never holds up the data path: the text is written in pieces of less than a millisecond, between which others run, and
 * packed on the thread pool. The server around it is ours: the OpenTelemetry exporter's own binds to loopback, answers 200 when
 * it failed, and hangs when a source does.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../agent/clock.ts";
import { formatFor, takesGzip, type ExpositionFormat } from "./accepts.ts";
import { instruments, type AnyInstrument } from "./instruments.ts";
import { openMetrics } from "./openmetrics.ts";
import type { FamilyView } from "./series-view.ts";

export interface PrometheusOptions {
  /** Labels that every series carries, such as the pod's name. */
  readonly constantLabels?: Readonly<Record<string, string>>;
  readonly format?: ExpositionFormat;
}

export interface MetricsHandlerOptions extends Pick<PrometheusOptions, "constantLabels"> {
  /** A scrape that takes longer is given up. 5 s by default, half of Prometheus's own. */
  readonly timeoutMs?: number;
  /** Scrapes served at a time, since each holds its text in memory. 4 by default. */
  readonly scrapesMax?: number;
  /** Lets others run between two pieces: until the loop has turned once by default. */
  readonly pause?: () => Promise<void>;
}

/** What is scraped: the meter. */
export interface SeriesSource {
  families(): Iterable<FamilyView>;
}

const zip = promisify(gzip);
const turn = () => setImmediate();
/** It brings parts of OpenTelemetry's SDK with it. */
const loadTextFormat = () => import("./text-format.ts");

const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** All series as text. Cost: about 1 us a line, in pieces. Rejects where the source throws: a scrape is whole or is none. */
export async function prometheusText(
  source: SeriesSource,
  { constantLabels = {}, format = "text" }: PrometheusOptions = {},
  pause: () => Promise<void> = turn,
): Promise<{ readonly contentType: string; readonly body: string }> {
  const write = format === "openmetrics" ? openMetrics : (await loadTextFormat()).textFormat;
  const pieces: string[] = [];
  for (const piece of write(source.families(), constantLabels)) {
    if (pieces.length > 0) await pause();
    pieces.push(piece);
  }
  return { contentType: contentTypes[format], body: pieces.join("") };
}

/**
 * Answers a scrape: 200 with the text; 500 where it could not be made, 503 where it took too long or too many scrapes run at
 * once, 405 for anything but GET and HEAD. Throws a RangeError for a constant label that is no label name or that a series
 * uses itself.
 */
export function metricsHandler(
  source: SeriesSource,
  clock: Clock,
  { constantLabels = {}, timeoutMs = 5_000, scrapesMax = 4, pause = turn }: MetricsHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  checkConstantLabels(constantLabels);
  // Begun now, so that no scrape holds up the loop for it; where it fails, the scrape says so.
  loadTextFormat().catch(() => {});
  let scrapes = 0;
  return (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "only GET and HEAD");
    if (scrapes >= scrapesMax) return refuse(response, 503, "too many scrapes at once");
    scrapes += 1;
    const cancel = clock.after(timeoutMs, () => {
      if (response.headersSent) response.destroy();
      else refuse(response, 503, "the metrics took too long");
    });
    response.once("close", () => {
      scrapes -= 1;
      cancel();
    });
    answer(request, response).catch((error: unknown) => refuse(response, 500, `the metrics could not be written: ${String(error)}`));
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { contentType, body } = await prometheusText(source, { constantLabels, format: formatFor(request.headers.accept) }, pause);
    const zipped = takesGzip(request.headers["accept-encoding"]);
    const bytes = zipped ? await zip(body, { level: 1 }) : Buffer.from(body);
    if (response.headersSent) return;
    response.writeHead(200, {
      "content-type": contentType,
      "content-length": bytes.length,
      vary: "accept, accept-encoding",
      ...(zipped ? { "content-encoding": "gzip" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", ...(status === 405 ? { allow: "GET, HEAD" } : {}) });
  response.end(`${why}\n`);
}

function checkConstantLabels(constantLabels: Readonly<Record<string, string>>): void {
  const taken = new Set(["le", ...Object.values<AnyInstrument>(instruments).flatMap(({ labels }) => labels)]);
  for (const label of Object.keys(constantLabels)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label.startsWith("__")) throw new RangeError(`constantLabels: "${label}" is no label name`);
    if (taken.has(label)) throw new RangeError(`constantLabels: "${label}" is a label that some series use themselves`);
  }
}
