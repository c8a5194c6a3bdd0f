import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { metricsHandler, prometheusText, type MetricsHandlerOptions, type SeriesSource } from "../../exporters/prometheus.ts";
import { FakeClock } from "../fake-clock.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(source: SeriesSource, options: MetricsHandlerOptions = {}, clock: FakeClock = new FakeClock()): Promise<number> {
  const server = createServer(metricsHandler(source, clock, options)).listen(0, "127.0.0.1");
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

/** More than one piece of text, so that there is a pause in it. */
function largeMeter(): Meter {
  const meter = new Meter(new FakeClock());
  for (let i = 0; i < 1_200; i += 1) meter.gauge(instruments.queueDepth, { queue: `queue-${i}` }).set(i);
  return meter;
}

const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

const never = () => new Promise<void>(() => {});

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
  const broken: SeriesSource = {
    *families() {
      yield* someMeter().families();
      throw new Error("the source is gone");
    },
  };
  const { status, body } = await get(await serve(broken));
  expect(status).toBe(500);
  expect(body.toString()).toMatch(/^the metrics could not be written: /);
});

test("a scrape that gets no turn ends with the time-out", async () => {
  const clock = new FakeClock();
  let paused = () => {};
  const reached = new Promise<void>((resolve) => (paused = resolve));
  const port = await serve(largeMeter(), { timeoutMs: 1_500, pause: () => (paused(), never()) }, clock);
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
  let pause = () => ((asked += 1) === 2 && allAsked(), never());
  const port = await serve(largeMeter(), { scrapesMax: 2, pause: () => pause() }, clock);
  const first = [get(port), get(port)];
  await twoAsked;
  const third = await get(port);
  expect([third.status, third.body.toString()]).toEqual([503, "too many scrapes at once\n"]);
  clock.advance(5_000);
  await Promise.all(first);
  pause = async () => {};
  expect((await get(port)).status).toBe(200);
  expect(clock.pending).toBe(0);
});

test.each(["text", "openmetrics"] as const)("a scrape (%s) is written in pieces, and others run in between; a family's comments stand once", async (format) => {
  let pauses = 0;
  const { body } = await prometheusText(largeMeter(), { format }, async () => void (pauses += 1));
  expect(pauses).toBeGreaterThanOrEqual(2);
  expect(body.match(/^pilotfish_queue_depth\{/gm)).toHaveLength(1_200);
  expect(body.match(/^# (HELP|TYPE) pilotfish_queue_depth /gm)).toHaveLength(2);
});

test("both formats have the same series with the same values", async () => {
  const meter = largeMeter();
  for (const [i, instrument] of Object.values(instruments).entries()) {
    for (const value of ["plain", 'a "quoted" \\ word\n', "überall"]) {
      const labels = Object.fromEntries(instrument.labels.map((label) => [label, `${value} of ${label}`])) as never;
      if (instrument.kind === "counter") meter.counter(instrument, labels).add(i + 0.1);
      else if (instrument.kind === "gauge") meter.gauge(instrument, labels).set(i % 3 === 0 ? Infinity : -i * 1e21);
      else for (const seconds of [1e-9, 0.02, 1e6]) meter.histogram(instrument, labels).record(seconds, trace);
    }
  }
  const constantLabels = { pod: 'server "0"' };
  const lines = async (format: "text" | "openmetrics") =>
    (await prometheusText(meter, { format, constantLabels })).body.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.replace(/ # \{.*$/, "")).sort();
  expect(await lines("openmetrics")).toEqual(await lines("text"));
  const families = async (format: "text" | "openmetrics") =>
    [...(await prometheusText(meter, { format })).body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => (kind === "counter" ? `${name?.replace(/_total$/, "")} counter` : `${name} ${kind}`));
  expect(await families("openmetrics")).toEqual(await families("text"));
});

test("a series that vanishes between two pieces is left out, and nothing else", async () => {
  const meter = largeMeter();
  const { body } = await prometheusText(meter, {}, async () => meter.drop(instruments.queueDepth, { queue: "queue-1100" }));
  expect(body).not.toContain("queue-1100");
  expect(body.match(/^pilotfish_queue_depth\{/gm)).toHaveLength(1_199);
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

test("OpenMetrics is given where it is asked for, and the text format everywhere else", async () => {
  const port = await serve(someMeter());
  const prometheus2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.1";
  for (const accept of [prometheus2, prometheus3, "application/openmetrics-text", "application/openmetrics-text; version=\"1.0.0\""]) {
    const { headers, body } = await get(port, { accept });
    expect([accept, headers["content-type"]]).toEqual([accept, "application/openmetrics-text; version=1.0.0; charset=utf-8"]);
    expect(body.toString()).toMatch(/\n# EOF\n$/);
  }
  for (const accept of ["", "*/*", "text/plain", "application/openmetrics-text;version=2.0.0", "application/openmetrics-text;q=0", "application/openmetrics-text;q=0.2, text/plain;q=0.9"]) {
    const { headers, body } = await get(port, { accept });
    expect([accept, headers["content-type"]]).toEqual([accept, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(body.toString()).not.toContain("# EOF");
  }
});

test("OpenMetrics tells the latest traced value of each bucket; the text format can not", async () => {
  const clock = new FakeClock();
  const meter = new Meter(clock);
  const duration = meter.histogram(instruments.attemptDuration, { backend: "primary" });
  duration.record(0.003);
  duration.record(0.004, { ...trace, traceId: "a".repeat(32) });
  clock.advance(1_500);
  duration.record(0.0045, trace);
  duration.record(99, trace);
  const { body } = await prometheusText(meter, { format: "openmetrics" });
  const seconds = Date.UTC(2026, 0, 1) / 1_000 + 1.5;
  expect(body).toContain(`pilotfish_gateway_attempt_duration_seconds_bucket{backend="primary",le="0.005"} 3 # {trace_id="${trace.traceId}",span_id="${trace.spanId}"} 0.0045 ${seconds.toFixed(3)}\n`);
  expect(body).toContain(`le="+Inf"} 4 # {trace_id="${trace.traceId}",span_id="${trace.spanId}"} 99 `);
  expect(body.match(/ # \{/g)).toHaveLength(2);
  expect((await prometheusText(meter)).body).not.toContain("trace_id");
});

test("OpenMetrics: a counter's family has no suffix, a unit is told where the name ends with it, quotes in a help are escaped", async () => {
  const meter = new Meter(new FakeClock());
  meter.counter(instruments.cpuTime, { container: "server" }).add(2.5);
  const { body } = await prometheusText(meter, { format: "openmetrics" });
  expect(body).toContain(
    '# HELP container_cpu_time_seconds CPU time used.\n# TYPE container_cpu_time_seconds counter\n# UNIT container_cpu_time_seconds seconds\ncontainer_cpu_time_seconds_total{container="server"} 2.5\n',
  );
});

test("one bucket has one name in both formats: to a Prometheus below 3, le=1 and le=1.0 are two series", async () => {
  const meter = new Meter(new FakeClock());
  meter.histogram(instruments.attemptDuration, { backend: "primary" }).record(1);
  const bounds = async (format: "text" | "openmetrics") => [...(await prometheusText(meter, { format })).body.matchAll(/le="([^"]+)"/g)].map(([, bound]) => bound);
  expect(await bounds("openmetrics")).toEqual(await bounds("text"));
});
