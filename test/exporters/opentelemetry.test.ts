import { afterEach, beforeEach, expect, test } from "vitest";
import { silent, type Log } from "../../agent/log.ts";
import type { ExchangeObservation } from "../../agent/observation.ts";
import { systemClock } from "../../agent/clock.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { otlpOptions, startOpenTelemetry, type OpenTelemetry } from "../../exporters/opentelemetry.ts";
import type { Signal } from "../../exporters/signal.ts";
import { FakeClock } from "../fake-clock.ts";
import { attributesOf, otlpCollector, type OtlpCollector } from "./otlp-collector.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";
const atWallMs = Date.UTC(2026, 0, 1, 12);
const nanoseconds = (wallMs: number) => BigInt(wallMs) * 1_000_000n;

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

async function start(options: Record<string, unknown> = {}): Promise<OpenTelemetry> {
  const resource = { serviceName: "pilotfish", version: "0.1.0", instanceId: "one", attributes: { "k8s.pod.name": "server-0" } };
  const telemetry = await startOpenTelemetry(otlpOptions.parse({ endpoint: collector.url, ...options }), { meter, resource, log });
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

test("the resource says what was told and nothing of the process: no command line, no environment", async () => {
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
  telemetry.exchange(exchange({ outcome: "timeout", status: 504, rung: "primary" }));
  await telemetry.close();
  const [answered, failed] = collector.spans();
  expect(answered).toMatchObject({
    traceId,
    parentSpanId: parentId,
    name: "infer employment",
    kind: 2, // SERVER
    start: nanoseconds(atWallMs) - 12_500_000n,
    end: nanoseconds(atWallMs),
  });
  expect(answered?.["spanId"]).not.toBe(parentId);
  expect(attributesOf(answered)).toEqual({
    "http.response.status_code": 200,
    "http.request.body.size": 321,
    "http.response.body.size": 123,
    "pilotfish.inference.id": "inference-1",
    "pilotfish.model": "employment",
    "pilotfish.model.version": "2",
    "pilotfish.rung": "small",
    "pilotfish.reason": "refused",
    "pilotfish.outcome": "ok",
    "pilotfish.attempts": 2,
  });
  expect(failed).toMatchObject({ status: { code: 2, message: "timeout" } });
  expect(attributesOf(failed)).toMatchObject({ "error.type": "timeout", "http.response.status_code": 504 });
});

test("what is not sampled, or no inference, makes no span", async () => {
  const telemetry = await start();
  telemetry.exchange(exchange({ traceparent: `00-${traceId}-${parentId}-00` }));
  telemetry.exchange(exchange({ traceparent: undefined }));
  telemetry.exchange(exchange({ traceparent: "nonsense" }));
  telemetry.exchange(exchange({ inference: false }));
  await telemetry.close();
  expect(collector.spans()).toEqual([]);
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

test("exports that fail are counted by what was lost and logged once, until they arrive again", async () => {
  collector.status = 400;
  meter.gauge(instruments.activeRequests, {}).set(1);
  const telemetry = await start({ interval: "100ms", timeout: "100ms", traces: false });
  await collector.received(3);
  await expect.poll(() => logged).toEqual(["warn OTLP exports fail"]);
  expect(await dropped("points")).toBeGreaterThanOrEqual(2);
  collector.status = 200;
  await expect.poll(() => logged).toEqual(["warn OTLP exports fail", "info OTLP exports arrive again"]);
  await telemetry.close();
});

test("spans that can not be sent are let go and counted: those that failed, and those beyond the bound", async () => {
  collector.status = 400;
  const telemetry = await start({ metrics: false });
  for (let i = 0; i < 2_100; i += 1) telemetry.exchange(exchange());
  await telemetry.close();
  expect(await dropped("spans")).toBe(2_100);
  expect(logged).toEqual(["warn OTLP exports fail"]);
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
  expect(collector.spans().map(({ name }) => name as string)).toEqual(["infer old", "infer next", "infer later"]);
});

test("closing waits two seconds for a Collector that is gone, not for all the tries", async () => {
  const clock = new FakeClock();
  const resource = { serviceName: "pilotfish", version: "0.1.0", instanceId: "one", attributes: {} };
  const telemetry = await startOpenTelemetry(otlpOptions.parse({ endpoint: "http://127.0.0.1:1", timeout: "3s", traces: false }), { meter, resource, log, clock });
  const closed = telemetry.close();
  clock.advance(2_000);
  await closed;
  expect(logged).toEqual([]);
});

test("options have defaults, and every mistake is named", () => {
  expect(otlpOptions.parse({})).toEqual({ headers: {}, interval: 30_000, timeout: 10_000, traces: true, metrics: true });
  const result = otlpOptions.safeParse({ endpoint: "127.0.0.1:4318", interval: 30, headers: { authorization: 1 } });
  expect(result.error?.issues.map(({ path }) => path.join("."))).toEqual(["endpoint", "headers.authorization", "interval"]);
});
