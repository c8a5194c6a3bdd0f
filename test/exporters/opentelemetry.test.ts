import { afterEach, beforeEach, expect, test } from "vitest";
import { silent, type Log } from "../../agent/log.ts";
import type { ExchangeObservation, ExchangeTrace } from "../../agent/observation.ts";
import { systemClock } from "../../agent/clock.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { otlpOptions, startOpenTelemetry, type OpenTelemetry, type OpenTelemetryDeps } from "../../exporters/opentelemetry.ts";
import { memorySpool } from "../../exporters/otlp/spool.ts";
import type { Signal } from "../../exporters/signal.ts";
import { FakeClock } from "../fake-clock.ts";
import { attributesOf, itemsIn, otlpCollector, type OtlpCollector } from "./otlp-collector.ts";
import type { Decoded } from "./protobuf.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const atWallMs = Date.UTC(2026, 0, 1, 12);
const nanoseconds = (wallMs: number) => BigInt(wallMs) * 1_000_000n;

const trace: ExchangeTrace = {
  traceId,
  spanId: "b7ad6b7169203331",
  parentSpanId: parentId,
  state: "vendor=1",
  method: "POST",
  path: "/v2/models/employment/infer",
  protocol: "open-inference",
  attempts: [
    { spanId: "1".repeat(16), backend: "primary", outcome: "refused", status: undefined, startMs: 0.5, durationMs: 2 },
    { spanId: "2".repeat(16), backend: "small", outcome: "ok", status: 200, startMs: 3, durationMs: 9 },
  ],
};

function exchange(changes: Partial<ExchangeObservation> = {}): ExchangeObservation {
  return {
    kind: "exchange",
    inferenceId: "inference-1",
    inference: true,
    model: "employment",
    version: "2",
    rung: "small",
    reason: "refused",
    outcome: "ok",
    status: 200,
    durationMs: 12.5,
    attempts: 2,
    requestBytes: 321,
    responseBytes: 123,
    traceparent: `00-${traceId}-${parentId}-01`,
    trace,
    atWallMs,
    ...changes,
  };
}

const transition: Signal = {
  type: "transition",
  target: { model: "employment", version: "2", endpoint: "http://127.0.0.1:8080" },
  from: "healthy",
  to: "failed",
  rung: "small",
  reason: "refused",
  cause: { detector: "traffic", code: "refused", evidence: "3 attempts in a row were refused" },
  atWallMs,
};

let collector: OtlpCollector;
let meter: Meter;
let open: OpenTelemetry[];
let logged: string[];
const log: Log = { ...silent, info: (_, message) => void logged.push(`info ${message}`), warn: (_, message) => void logged.push(`warn ${message}`) };

beforeEach(async () => {
  collector = await otlpCollector();
  meter = new Meter(systemClock);
  open = [];
  logged = [];
});
afterEach(async () => {
  for (const telemetry of open) await telemetry.close().catch(() => {});
  await collector.close();
});

async function start(options: Record<string, unknown> = {}, more: Partial<OpenTelemetryDeps> = {}): Promise<OpenTelemetry> {
  const resource = { serviceName: "pilotfish", version: "0.1.0", instanceId: "one", attributes: { "k8s.pod.name": "server-0" } };
  const telemetry = await startOpenTelemetry(otlpOptions.parse({ endpoint: collector.url, ...options }), { meter, resource, log, spool: memorySpool(1_048_576, () => {}), ...more });
  open.push(telemetry);
  return telemetry;
}

async function dropped(what: string): Promise<number> {
  const { resourceMetrics } = await meter.collect();
  const points = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === instruments.dropped.name)?.dataPoints ?? [];
  return (points.find(({ attributes }) => attributes["what"] === what)?.value ?? 0) as number;
}

test("metrics arrive under their dotted names with units, cumulative, and with what describes them", async () => {
  meter.counter(instruments.cpuTime, { container: "server" }).add(12.5);
  meter.gauge(instruments.gpuUtilization, { gpu: "0" }).set(0.37);
  const histogram = meter.histogram(instruments.attemptDuration, { backend: "primary" });
  for (const seconds of [0.0005, 0.001, 0.003, 99]) histogram.record(seconds);
  const telemetry = await start();
  await telemetry.close();

  const byName = new Map(collector.metrics().map((metric) => [metric["name"], metric]));
  expect(byName.get("container.cpu.time")).toMatchObject({
    unit: "s",
    description: "CPU time used.",
    sum: { temporality: 2, monotonic: 1, points: [{ value: 12.5 }] },
  });
  expect(attributesOf(byName.get("container.cpu.time")?.["sum"].points[0])).toEqual({ container: "server" });
  expect(byName.get("hw.gpu.utilization")).toMatchObject({ unit: "1", gauge: { points: [{ value: 0.37 }] } });
  expect(byName.get("pilotfish.gateway.attempt.duration")).toMatchObject({
    unit: "s",
    histogram: {
      temporality: 2,
      points: [{ bounds: instruments.attemptDuration.buckets, counts: [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], count: 4n, sum: expect.closeTo(99.0045, 9) as number }],
    },
  });
});

test("the resource says what was told and which SDK it was, and nothing of the process: no command line, no environment", async () => {
  const telemetry = await start();
  telemetry.exchange(exchange());
  await telemetry.close();
  expect(collector.resources()).toHaveLength(2);
  for (const attributes of collector.resources()) {
    expect(attributes).toEqual({
      "service.name": "pilotfish",
      "service.version": "0.1.0",
      "service.instance.id": "one",
      "k8s.pod.name": "server-0",
      "telemetry.sdk.language": "nodejs",
      "telemetry.sdk.name": "opentelemetry",
      "telemetry.sdk.version": expect.any(String) as string,
    });
  }
});

test("a sampled inference is one server span in its caller's trace, with its own times and what became of it", async () => {
  const telemetry = await start();
  telemetry.exchange(exchange());
  telemetry.exchange(exchange({ outcome: "timeout", status: 504, rung: "primary", trace: { ...trace, attempts: [] } }));
  await telemetry.close();
  const [answered, failed] = collector.spans().filter(({ kind }) => kind === 2);
  expect(answered).toMatchObject({
    traceId,
    spanId: trace.spanId,
    parentSpanId: parentId,
    traceState: "vendor=1",
    name: "infer employment",
    start: nanoseconds(atWallMs) - 12_500_000n,
    end: nanoseconds(atWallMs),
  });
  expect(attributesOf(answered)).toEqual({
    "http.request.method": "POST",
    "url.path": "/v2/models/employment/infer",
    "http.response.status_code": 200,
    "http.request.body.size": 321,
    "http.response.body.size": 123,
    "pilotfish.inference.id": "inference-1",
    "pilotfish.model": "employment",
    "pilotfish.model.version": "2",
    "pilotfish.protocol": "open-inference",
    "pilotfish.rung": "small",
    "pilotfish.reason": "refused",
    "pilotfish.outcome": "ok",
    "pilotfish.attempts": 2,
  });
  expect(failed).toMatchObject({ status: { code: 2, message: "timeout" } });
  expect(attributesOf(failed)).toMatchObject({ "error.type": "timeout", "http.response.status_code": 504 });
});

test("each attempt at a rung is a child span of it, with its own time and outcome", async () => {
  const telemetry = await start();
  telemetry.exchange(exchange());
  await telemetry.close();
  const startNs = nanoseconds(atWallMs) - 12_500_000n;
  const [, first, second] = collector.spans();
  expect(first).toMatchObject({ traceId, spanId: "1".repeat(16), parentSpanId: trace.spanId, name: "attempt primary", kind: 3, start: startNs + 500_000n, end: startNs + 2_500_000n, status: { code: 2, message: "refused" } });
  expect(second).toMatchObject({ traceId, spanId: "2".repeat(16), parentSpanId: trace.spanId, name: "attempt small", start: startNs + 3_000_000n, end: startNs + 12_000_000n });
  expect(second).toMatchObject({ status: { code: 0 } });
  expect(attributesOf(first)).toEqual({ "pilotfish.backend": "primary", "pilotfish.outcome": "refused", "http.request.method": "POST", "error.type": "refused" });
});

test("a trace that begins here has no parent", async () => {
  const telemetry = await start();
  telemetry.exchange(exchange({ trace: { ...trace, parentSpanId: undefined, state: undefined } }));
  await telemetry.close();
  const [root] = collector.spans();
  expect(root).not.toHaveProperty("parentSpanId");
  expect(root).not.toHaveProperty("traceState");
});

test("a change of the primary's state is an event of the requests that were under way, and of no other", async () => {
  const telemetry = await start();
  telemetry.signal({ ...transition, atWallMs: atWallMs - 60_000 });
  telemetry.signal({ ...transition, atWallMs: atWallMs - 5 });
  telemetry.exchange(exchange());
  telemetry.exchange(exchange({ atWallMs: atWallMs + 60_000 }));
  await telemetry.close();
  const [during, after] = collector.spans().filter(({ kind }) => kind === 2);
  expect(during?.["events"]).toMatchObject([{ name: "pilotfish.transition", time: nanoseconds(atWallMs) - 5_000_000n }]);
  expect(attributesOf((during as Decoded)["events"][0] as Decoded)).toMatchObject({ "pilotfish.from": "healthy", "pilotfish.to": "failed", "pilotfish.cause.code": "refused" });
  expect(after?.["events"]).toEqual([]);
});

test.each([
  ["/v1/chat/completions", "chat"], ["/v1/completions", "text_completion"], ["/v1/embeddings", "embeddings"],
])("%s of an OpenAI-like server has the gen_ai operation %s", async (path, operation) => {
  const telemetry = await start();
  telemetry.exchange(exchange({ model: "llama", trace: { ...trace, path, protocol: "openai" } }));
  await telemetry.close();
  expect(attributesOf(collector.spans()[0])).toMatchObject({ "gen_ai.operation.name": operation, "gen_ai.request.model": "llama" });
});

test("more points than one request takes go out in several, each once and in their order", async () => {
  for (let i = 0; i < 1_400; i += 1) meter.gauge(instruments.queueDepth, { queue: `queue-${i}` }).set(i);
  for (let i = 0; i < 300; i += 1) meter.histogram(instruments.attemptDuration, { backend: `backend-${i}` }).record(i);
  const telemetry = await start();
  await telemetry.close();
  const requests = collector.requests.map(({ body }) => itemsIn(body, "metrics"));
  expect(requests.length).toBeGreaterThanOrEqual(5);
  const sizes = requests.map((metrics) => metrics.reduce((sum, { gauge, sum: total, histogram }) => sum + ((gauge ?? total ?? histogram) as { points: unknown[] }).points.length, 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
  const points = (name: string, kind: string) => collector.metrics().filter((metric) => metric["name"] === name).flatMap((metric) => metric[kind].points as Decoded[]);
  expect(points(instruments.queueDepth.name, "gauge").map(({ value }) => value as number)).toEqual(Array.from({ length: 1_400 }, (_, i) => i));
  expect(points(instruments.attemptDuration.name, "histogram").map(({ sum }) => sum as number)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  expect(await dropped("points")).toBe(0);
});

test("what is not traced, or no inference, makes no span", async () => {
  const telemetry = await start();
  const { trace: _, ...untraced } = exchange();
  telemetry.exchange(untraced);
  telemetry.exchange(exchange({ inference: false }));
  await telemetry.close();
  expect(collector.spans()).toEqual([]);
});

test("histograms come in the catalogue's buckets, or in buckets that follow the values", async () => {
  for (const exponential of [false, true]) {
    meter = new Meter(systemClock, { exponential });
    const histogram = meter.histogram(instruments.attemptDuration, { backend: "primary" });
    histogram.record(0);
    for (const seconds of [0.5, 1, 2]) histogram.record(seconds);
    const telemetry = await start({ histograms: exponential ? "exponential" : "explicit" });
    await telemetry.close();
  }
  const [explicit, follows] = collector.metrics().filter((metric) => metric["name"] === instruments.attemptDuration.name);
  expect(explicit?.["histogram"]).toMatchObject({ temporality: 2, points: [{ count: 4n, sum: 3.5, bounds: instruments.attemptDuration.buckets }] });
  expect(follows?.["exponential"]).toMatchObject({ temporality: 2, points: [{ count: 4n, sum: 3.5, zeroCount: 1n }] });
  // By the definition: the upper bounds of the buckets that are not empty are the values themselves, powers of two.
  const { scale, positive } = (follows as Decoded)["exponential"].points[0] as Decoded;
  const bounds = (positive.counts as number[]).flatMap((count, i) => (count === 0 ? [] : [2 ** ((positive.offset + i + 1) / 2 ** scale)]));
  expect(bounds).toEqual([0.5, 1, 2]);
});

test("warnings and errors of the log arrive with their trace; what is less severe by config only; secrets never", async () => {
  const telemetry = await start();
  telemetry.logged("info", {}, "not sent");
  telemetry.logged("warn", { traceparent: `00-${traceId}-${parentId}-01`, attempts: 2, password: "hunter2" }, "asked http://user:hunter2@server/");
  telemetry.logged("error", { error: new TypeError("no route") }, "failed");
  await telemetry.close();
  const [warning, error, ...others] = collector.logs();
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ severity: 13, severityText: "WARN", traceId, spanId: parentId, body: { string: "asked http://[Redacted]@server/" } });
  expect(attributesOf(warning)).toEqual({ attempts: 2, password: "[Redacted]" });
  expect(error).toMatchObject({ severity: 17, severityText: "ERROR" });
  expect(attributesOf(error)).toMatchObject({ "exception.type": "TypeError", "exception.message": "no route", "exception.stacktrace": expect.stringContaining("opentelemetry.test.ts") as string });

  const all = await start({ logs: "info" });
  all.logged("info", {}, "sent by config");
  all.logged("debug", {}, "not sent");
  const none = await start({ logs: "off" });
  none.logged("error", {}, "not sent");
  await Promise.all([all.close(), none.close()]);
  expect(collector.logs().map((record) => record["body"].string as string).slice(2)).toEqual(["sent by config"]);
});

test("a transition is a span without length on a trace of its own", async () => {
  const telemetry = await start();
  telemetry.signal(transition);
  telemetry.signal({ type: "directive", target: transition.target, action: "drain", why: "a test", atWallMs });
  await telemetry.close();
  const [span, ...others] = collector.spans();
  expect(others).toEqual([]);
  expect(span).toMatchObject({ name: "pilotfish.transition", start: nanoseconds(atWallMs), end: nanoseconds(atWallMs) });
  expect(span?.["parentSpanId"] ?? "").toBe("");
  expect(attributesOf(span)).toMatchObject({ "pilotfish.from": "healthy", "pilotfish.to": "failed", "pilotfish.cause.evidence": "3 attempts in a row were refused" });
});

test("headers go with each export, under the paths that OTLP names", async () => {
  const telemetry = await start({ endpoint: `${collector.url}/`, headers: { authorization: "Bearer one" } });
  telemetry.exchange(exchange());
  await telemetry.close();
  expect(collector.requests.map(({ path }) => path).sort()).toEqual(["/v1/metrics", "/v1/traces"]);
  expect(collector.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer one", "Bearer one"]);
});

test("each of the two can be switched off, and without an endpoint nothing happens", async () => {
  for (const options of [{ traces: false }, { metrics: false }]) {
    const telemetry = await start(options);
    telemetry.exchange(exchange());
    telemetry.signal(transition);
    await telemetry.close();
  }
  expect(collector.requests.map(({ path }) => path)).toEqual(["/v1/metrics", "/v1/traces"]);
  const off = await start({ endpoint: undefined });
  off.exchange(exchange());
  await off.close();
  expect(collector.requests).toHaveLength(2);
});

test("what the Collector refuses for good is counted and logged once, until something arrives again", async () => {
  collector.status = 400;
  meter.gauge(instruments.activeRequests, {}).set(1);
  const telemetry = await start({ interval: "100ms", timeout: "1s", traces: false });
  await collector.received(3);
  await expect.poll(() => dropped("points")).toBeGreaterThanOrEqual(2);
  expect(logged).toEqual(["warn OTLP exports fail"]);
  collector.status = 200;
  await expect.poll(() => logged).toEqual(["warn OTLP exports fail", "info OTLP exports arrive again"]);
  await telemetry.close();
});

test("what a Collector did not take of a request that it answered with 200 is counted", async () => {
  // ExportTraceServiceResponse { partial_success { rejected_spans: 2 } }
  collector.answer = Uint8Array.of(0x0a, 0x02, 0x08, 0x02);
  const telemetry = await start({ metrics: false });
  telemetry.exchange(exchange());
  await telemetry.close();
  expect(await dropped("spans")).toBe(2);
});

test("spans beyond the bound are let go and counted", async () => {
  const telemetry = await start({ metrics: false });
  const one = exchange({ trace: { ...trace, attempts: [] } });
  for (let i = 0; i < 2_100; i += 1) telemetry.exchange(one);
  await telemetry.close();
  expect(await dropped("spans")).toBe(2_100 - 2_048);
  expect(collector.spans()).toHaveLength(2_048);
});

test("a reload starts the new one before it closes the old: both deliver what is theirs", async () => {
  const old = await start({ metrics: false });
  const next = await start({ metrics: false });
  old.exchange(exchange({ model: "old" }));
  next.exchange(exchange({ model: "next" }));
  await old.close();
  next.exchange(exchange({ model: "later" }));
  await next.close();
  expect(collector.spans().filter(({ kind }) => kind === 2).map(({ name }) => name as string)).toEqual(["infer old", "infer next", "infer later"]);
});

test("closing waits two seconds for a Collector that does not answer", async () => {
  const clock = new FakeClock();
  const telemetry = await start({ traces: false }, { clock, post: () => new Promise(() => {}) });
  const closed = telemetry.close();
  await expect.poll(() => clock.pending).toBe(1);
  clock.advance(2_000);
  await closed;
});

test("options have defaults, and every mistake is named", () => {
  expect(otlpOptions.parse({})).toEqual({ headers: {}, interval: 30_000, timeout: 10_000, traces: true, metrics: true, logs: "warn", histograms: "explicit", queueMax: 33_554_432 });
  const result = otlpOptions.safeParse({ endpoint: "127.0.0.1:4318", interval: 30, headers: { authorization: 1 } });
  expect(result.error?.issues.map(({ path }) => path.join("."))).toEqual(["endpoint", "headers.authorization", "interval"]);
});
