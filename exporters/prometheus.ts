/**
 * `/metrics`: the text that Prometheus scrapes, format 0.0.4.
 *
 * OpenTelemetry's serializer writes the lines. On its own it leaves the unit out of the name, which a Collector would put in,
 * so a dashboard would work on one of the two paths only; here every family is renamed to `prometheusName` first. The server
 * around it is ours too: the exporter's own binds to loopback, answers 200 when it failed, and hangs when a source does.
 *
 * The serializer brings OpenTelemetry's SDK with it (about 20 MB resident, measured), so it is loaded by the first scrape.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { MetricData, MetricProducer, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Clock } from "../agent/clock.ts";
import { instruments, prometheusName, type AnyInstrument, type InstrumentKind } from "./instruments.ts";

export interface PrometheusOptions {
  /** Labels that every series carries, such as the pod's name. */
  readonly constantLabels?: Readonly<Record<string, string>>;
}

export interface MetricsHandlerOptions extends PrometheusOptions {
  /** A scrape that takes longer is given up. 5 s by default, half of Prometheus's own. */
  readonly timeoutMs?: number;
  /** Scrapes served at a time, since each holds its text in memory. 4 by default. */
  readonly scrapesMax?: number;
}

/** Which instrument a metric was recorded with, by OpenTelemetry's DataPointType. */
const kinds: Readonly<Record<MetricData["dataPointType"], InstrumentKind>> = { 0: "histogram", 1: "histogram", 2: "gauge", 3: "counter" };

const zip = promisify(gzip);

/**
 * All series as text. Cost: about 3 us a line on the calling thread. Rejects where the producer had errors, so that a scrape
 * is whole or is none.
 */
export async function prometheusText(producer: MetricProducer, { constantLabels = {} }: PrometheusOptions = {}): Promise<{ readonly contentType: string; readonly body: string }> {
  const [{ PrometheusSerializer }, { resourceMetrics, errors }] = await Promise.all([import("@opentelemetry/exporter-prometheus"), producer.collect()]);
  if (errors.length > 0) throw new Error("a source of metrics failed", { cause: errors[0] });
  const { resource, scopeMetrics } = resourceMetrics;
  // The serializer takes constant labels from the resource, those whose name matches: here all of them.
  const everyLabel = /^/;
  const serializer = new PrometheusSerializer("", false, everyLabel, true, true);
  const body = serializer.serialize({
    resource: { ...resource, attributes: constantLabels } as ResourceMetrics["resource"],
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(renamed).sort(byName) })),
  });
  return { contentType: "text/plain; version=0.0.4; charset=utf-8", body: body.endsWith("\n") ? body : `${body}\n` };
}

/**
 * Answers a scrape: 200 with the text, gzip where the client takes it; 500 where it could not be made, 503 where it took too
 * long or too many scrapes run at once, 405 for anything but GET and HEAD. Throws a RangeError for a constant label that is
 * no label name or that a series uses itself.
 */
export function metricsHandler(
  producer: MetricProducer,
  clock: Clock,
  { constantLabels = {}, timeoutMs = 5_000, scrapesMax = 4 }: MetricsHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  checkConstantLabels(constantLabels);
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
    const { contentType, body } = await prometheusText(producer, { constantLabels });
    const zipped = takesGzip(request.headers["accept-encoding"]);
    const bytes = zipped ? await zip(body) : Buffer.from(body);
    if (response.headersSent) return;
    response.writeHead(200, {
      "content-type": contentType,
      "content-length": bytes.length,
      vary: "accept-encoding",
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

function renamed(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  // The unit is in the name now; left in the descriptor it would become a comment that this text format does not know.
  const descriptor = { ...metric.descriptor, name: prometheusName({ name, unit, kind: kinds[metric.dataPointType] }), unit: "" };
  return { ...metric, descriptor };
}

function byName(a: MetricData, b: MetricData): number {
  return a.descriptor.name < b.descriptor.name ? -1 : 1;
}

/** RFC 9110: a coding is taken where it or `*` is named, unless with weight 0. */
function takesGzip(header: string | undefined): boolean {
  const weights = new Map(
    (header ?? "").split(",").map((entry) => {
      const [coding = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [coding, weight === undefined ? 1 : Number(weight.slice(2))];
    }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

function checkConstantLabels(constantLabels: Readonly<Record<string, string>>): void {
  const taken = new Set(["le", ...Object.values<AnyInstrument>(instruments).flatMap(({ labels }) => labels)]);
  for (const label of Object.keys(constantLabels)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label.startsWith("__")) throw new RangeError(`constantLabels: "${label}" is no label name`);
    if (taken.has(label)) throw new RangeError(`constantLabels: "${label}" is a label that some series use themselves`);
  }
}
