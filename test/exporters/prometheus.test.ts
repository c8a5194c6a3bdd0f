import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test } from "vitest";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { metricsHandler, prometheusText, type MetricsHandlerOptions } from "../../exporters/prometheus.ts";
import { FakeClock } from "../fake-clock.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(producer: MetricProducer, options: MetricsHandlerOptions = {}, clock: FakeClock = new FakeClock()): Promise<number> {
  const server = createServer(metricsHandler(producer, clock, options)).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function get(port: number, headers: Record<string, string> = {}, method: string = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: "/metrics", method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
      response.on("error", reject);
    });
    asked.on("error", reject).end();
  });
}

function someMeter(): Meter {
  const meter = new Meter(new FakeClock());
  meter.gauge(instruments.memoryUsage, { container: "server" }).set(1_048_576);
  return meter;
}

/** A source that never answers, and one that lets itself be answered by hand. */
const hung: MetricProducer = { collect: () => new Promise(() => {}) };

test("a scrape gets the text of format 0.0.4", async () => {
  const { status, headers, body } = await get(await serve(someMeter()));
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(Number(headers["content-length"])).toBe(body.length);
  expect(body.toString()).toContain(
    '# HELP container_memory_usage_bytes Memory charged to the container.\n# TYPE container_memory_usage_bytes gauge\ncontainer_memory_usage_bytes{container="server"} 1048576\n',
  );
  expect(body.toString()).not.toMatch(/otel_scope|target_info|# UNIT/);
});

test("a scrape is packed where the client takes gzip, and only there", async () => {
  const port = await serve(someMeter());
  const plain = await get(port);
  for (const taken of ["gzip", "deflate, gzip;q=0.5", "*", "br;q=1, *;q=0.1"]) {
    const { headers, body } = await get(port, { "accept-encoding": taken });
    expect([taken, headers["content-encoding"]]).toEqual([taken, "gzip"]);
    expect(gunzipSync(body).equals(plain.body)).toBe(true);
  }
  for (const refused of ["identity", "gzip;q=0", "*, gzip;q=0", "x-gzip-not"]) {
    const { headers, body } = await get(port, { "accept-encoding": refused });
    expect([refused, headers["content-encoding"]]).toEqual([refused, undefined]);
    expect(body.equals(plain.body)).toBe(true);
  }
});

test("only GET and HEAD are answered; HEAD has no body", async () => {
  const port = await serve(someMeter());
  const head = await get(port, {}, "HEAD");
  expect([head.status, head.body.length]).toEqual([200, 0]);
  expect(Number(head.headers["content-length"])).toBeGreaterThan(0);
  const post = await get(port, {}, "POST");
  expect([post.status, post.headers.allow]).toEqual([405, "GET, HEAD"]);
});

test("metrics that can not be made are a 500, never a 200 with half of them", async () => {
  const broken: MetricProducer = { collect: () => Promise.reject(new Error("the source is gone")) };
  const half: MetricProducer = {
    async collect() {
      const result = await someMeter().collect();
      return { ...result, errors: [new Error("half of it failed")] };
    },
  };
  for (const producer of [broken, half]) {
    const { status, body } = await get(await serve(producer));
    expect(status).toBe(500);
    expect(body.toString()).toMatch(/^the metrics could not be written: /);
  }
});

test("a source that hangs costs its scrape, after the time-out", async () => {
  const clock = new FakeClock();
  let asked = () => {};
  const reached = new Promise<void>((resolve) => (asked = resolve));
  const port = await serve({ collect: () => (asked(), hung.collect()) }, { timeoutMs: 1_500 }, clock);
  const answer = get(port);
  await reached;
  clock.advance(1_500);
  expect((await answer).status).toBe(503);
});

test("scrapes beyond the bound are refused, and make room when they end", async () => {
  const clock = new FakeClock();
  let asked = 0;
  let allAsked = () => {};
  const twoAsked = new Promise<void>((resolve) => (allAsked = resolve));
  let answering: MetricProducer = { collect: () => ((asked += 1) === 2 && allAsked(), hung.collect()) };
  const port = await serve({ collect: () => answering.collect() }, { scrapesMax: 2 }, clock);
  const first = [get(port), get(port)];
  await twoAsked;
  const third = await get(port);
  expect([third.status, third.body.toString()]).toEqual([503, "too many scrapes at once\n"]);
  clock.advance(5_000);
  await Promise.all(first);
  answering = someMeter();
  expect((await get(port)).status).toBe(200);
  expect(clock.pending).toBe(0);
});

test("every series carries the constant labels", async () => {
  const meter = someMeter();
  meter.counter(instruments.retries, { result: "taken" }).add();
  const { body } = await prometheusText(meter, { constantLabels: { pod: "server-0", note: 'a "quoted" \\ word\n' } });
  const series = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(series.length).toBeGreaterThan(2);
  for (const line of series) expect(line).toContain('pod="server-0",note="a \\"quoted\\" \\\\ word\\n"');
});

test("a constant label that is none, or that a series uses itself, is refused when the handler is made", () => {
  const make = (label: string) => () => metricsHandler(someMeter(), new FakeClock(), { constantLabels: { [label]: "x" } });
  expect(make("le")).toThrow('constantLabels: "le" is a label that some series use themselves');
  expect(make("model")).toThrow(RangeError);
  expect(make("pod.name")).toThrow('constantLabels: "pod.name" is no label name');
  expect(make("__name__")).toThrow(RangeError);
});

test("what lies beyond a bound shows as OpenTelemetry's overflow series", async () => {
  const meter = new Meter(new FakeClock(), { seriesMax: 2 });
  for (const result of ["a", "b", "c"]) meter.counter(instruments.retries, { result }).add();
  const { body } = await prometheusText(meter);
  expect(body).toContain('pilotfish_gateway_retries_total{otel_metric_overflow="true"} 1\n');
  expect(body).toContain('pilotfish_dropped_total{what="series"} 1\n');
});
