import type { DataPoint, MetricData } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instruments, type Instrument } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { FakeClock } from "../fake-clock.ts";

const attempts = instruments.attempts;
const duration = instruments.attemptDuration;
const depth = instruments.queueDepth;

function meterAt(clock: FakeClock = new FakeClock(), seriesMax?: number): Meter {
  return new Meter(clock, seriesMax === undefined ? {} : { seriesMax });
}

async function metricOf(meter: Meter, { name }: Instrument): Promise<MetricData | undefined> {
  const { resourceMetrics } = await meter.collect();
  return resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === name);
}

async function pointsOf<T = number>(meter: Meter, instrument: Instrument): Promise<DataPoint<T>[]> {
  return ((await metricOf(meter, instrument))?.dataPoints ?? []) as DataPoint<T>[];
}

/** `{label="value"} -> value` of every point. */
async function read(meter: Meter, instrument: Instrument): Promise<Record<string, number>> {
  return Object.fromEntries((await pointsOf(meter, instrument)).map(({ attributes, value }) => [Object.values(attributes).join(","), value]));
}

async function dropped(meter: Meter, what: string): Promise<number> {
  return (await read(meter, instruments.dropped))[what] ?? 0;
}

test("a counter is there as 0 when it is bound, and adds up over all who hold it", async () => {
  const meter = meterAt();
  const one = meter.counter(attempts, { backend: "primary", outcome: "ok" });
  expect(await read(meter, attempts)).toEqual({ "primary,ok": 0 });
  one.add();
  meter.counter(attempts, { outcome: "ok", backend: "primary" }).add(2.5);
  expect(await read(meter, attempts)).toEqual({ "primary,ok": 3.5 });
});

test("a gauge is there from its first value until it is removed or set to no number", async () => {
  const meter = meterAt();
  const gauge = meter.gauge(depth, { queue: "samples" });
  expect(await read(meter, depth)).toEqual({});
  gauge.set(7);
  expect(await read(meter, depth)).toEqual({ samples: 7 });
  gauge.set(Number.NaN);
  expect(await read(meter, depth)).toEqual({});
  gauge.set(0);
  expect(await read(meter, depth)).toEqual({ samples: 0 });
  meter.gauge(depth, { queue: "samples" }).remove();
  expect(await read(meter, depth)).toEqual({});
});

test("a histogram counts each value under the first bound that is not below it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), fc.constantFrom(...(duration.buckets ?? [])))), async (values) => {
      const meter = meterAt();
      const histogram = meter.histogram(duration, { backend: "primary" });
      for (const value of values) histogram.record(value);
      const [point] = await pointsOf<{ buckets: { boundaries: number[]; counts: number[] }; sum: number; count: number }>(meter, duration);
      const bounds = [...(duration.buckets ?? []), Infinity];
      const byDefinition = bounds.map((bound, i) => values.filter((value) => value <= bound && value > (bounds[i - 1] ?? -1)).length);
      expect(point?.value.buckets.counts).toEqual(byDefinition);
      expect(point?.value.count).toBe(values.length);
      expect(point?.value.sum).toBeCloseTo(values.reduce((sum, value) => sum + value, 0), 6);
    }),
    { numRuns: 50 },
  );
});

test("what was collected does not change when recording goes on", async () => {
  const meter = meterAt();
  const histogram = meter.histogram(duration, { backend: "primary" });
  const [before] = await pointsOf<{ count: number; buckets: { counts: number[] } }>(meter, duration);
  histogram.record(0.2);
  expect(before?.value.count).toBe(0);
  expect(before?.value.buckets.counts.every((count) => count === 0)).toBe(true);
});

test("what is negative or no number is let go and counted, and spoils no total", async () => {
  const meter = meterAt();
  const counter = meter.counter(attempts, { backend: "primary", outcome: "ok" });
  counter.add(5);
  for (const bad of [-1, Number.NaN, Infinity]) counter.add(bad);
  meter.histogram(duration, { backend: "primary" }).record(Number.NaN);
  meter.observe([{ instrument: depth, labels: { queue: "samples" }, value: Number.NaN }], 1_000);
  expect(await read(meter, attempts)).toEqual({ "primary,ok": 5 });
  expect(await read(meter, depth)).toEqual({});
  expect(await dropped(meter, "values")).toBe(5);
});

test("a series that its collector no longer sees is gone after its ttl; one that a room set stays", async () => {
  const clock = new FakeClock();
  const meter = meterAt(clock);
  meter.gauge(depth, { queue: "samples" }).set(1);
  meter.observe([{ instrument: depth, labels: { queue: "gpu-0" }, value: 3 }, { instrument: depth, labels: { queue: "gpu-1" }, value: 4 }], 10_000);
  clock.advance(9_000);
  meter.observe([{ instrument: depth, labels: { queue: "gpu-1" }, value: 5 }], 10_000);
  expect(await read(meter, depth)).toEqual({ samples: 1, "gpu-0": 3, "gpu-1": 5 });
  clock.advance(1_001);
  expect(await read(meter, depth)).toEqual({ samples: 1, "gpu-1": 5 });
  clock.advance(3_600_000);
  expect(await read(meter, depth)).toEqual({ samples: 1 });
});

test("a total that goes down is a source that began anew: the series starts anew with it", async () => {
  const clock = new FakeClock(5_000_000);
  const meter = meterAt(clock);
  const observe = (value: number) => meter.observe([{ instrument: instruments.serverProgress, labels: {}, value }], 60_000);
  const start = async () => (await pointsOf(meter, instruments.serverProgress))[0]?.startTime;
  observe(100);
  clock.advance(1_500);
  observe(250);
  expect(await start()).toEqual([5_000, 0]);
  expect(await read(meter, instruments.serverProgress)).toEqual({ "": 250 });
  clock.advance(1_000);
  observe(10);
  expect(await start()).toEqual([5_002, 500_000_000]);
  expect(await read(meter, instruments.serverProgress)).toEqual({ "": 10 });
});

test("all series with some labels can be dropped; a handle that is still held brings its series back from 0", async () => {
  const meter = meterAt();
  const held = meter.counter(attempts, { backend: "primary", outcome: "ok" });
  held.add(3);
  meter.counter(attempts, { backend: "primary", outcome: "error" }).add();
  meter.counter(attempts, { backend: "small", outcome: "ok" }).add();
  meter.drop(attempts, { backend: "primary" });
  expect(await read(meter, attempts)).toEqual({ "small,ok": 1 });
  held.add();
  meter.counter(attempts, { backend: "primary", outcome: "ok" }).add();
  expect(await read(meter, attempts)).toEqual({ "small,ok": 1, "primary,ok": 2 });
  meter.drop(attempts);
  expect(await metricOf(meter, attempts)).toBeUndefined();
});

test("beyond the bound, sums go to one overflow series so that the total stays right, and each refusal is counted", async () => {
  const meter = meterAt(new FakeClock(), 3);
  for (let i = 0; i < 10; i += 1) meter.counter(attempts, { backend: `backend-${i}`, outcome: "ok" }).add();
  for (let i = 0; i < 10; i += 1) meter.histogram(duration, { backend: `backend-${i}` }).record(1);
  const points = await pointsOf(meter, attempts);
  expect(points.map(({ attributes }) => attributes).at(-1)).toEqual({ "otel.metric.overflow": true });
  expect(points.map(({ value }) => value)).toEqual([1, 1, 1, 7]);
  expect((await pointsOf<{ count: number }>(meter, duration)).map(({ value }) => value.count)).toEqual([1, 1, 1, 7]);
  expect(await dropped(meter, "series")).toBe(14);
});

test("beyond the bound, levels are let go and counted: the last of many sources is nobody's level", async () => {
  const meter = meterAt(new FakeClock(), 2);
  for (let i = 0; i < 5; i += 1) meter.gauge(depth, { queue: `queue-${i}` }).set(i);
  meter.observe([{ instrument: depth, labels: { queue: "another" }, value: 1 }], 1_000);
  expect(await read(meter, depth)).toEqual({ "queue-0": 0, "queue-1": 1 });
  expect(await dropped(meter, "series")).toBe(4);
});

test("series that are gone leave room for others, though nobody has collected", async () => {
  const clock = new FakeClock();
  const meter = meterAt(clock, 2);
  const observe = (queue: string) => meter.observe([{ instrument: depth, labels: { queue }, value: 1 }], 1_000);
  observe("a");
  observe("b");
  clock.advance(2_000);
  observe("c");
  observe("d");
  expect(await read(meter, depth)).toEqual({ c: 1, d: 1 });
  expect(await dropped(meter, "series")).toBe(0);
});

test("no two label sets share a series, whatever their values are; a value's length is bounded", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(fc.string({ unit: "binary", maxLength: 4 }), fc.stringMatching(/^[0-9:]{0,4}$/)), { selector: (pair) => JSON.stringify(pair), maxLength: 20 }), async (pairs) => {
      const meter = meterAt();
      for (const [backend, outcome] of pairs) meter.counter(attempts, { backend, outcome }).add();
      expect(await pointsOf(meter, attempts)).toHaveLength(pairs.length);
    }),
    { numRuns: 20 },
  );
  const meter = meterAt();
  meter.gauge(depth, { queue: "x".repeat(100_000) }).set(1);
  expect((await pointsOf(meter, depth))[0]?.attributes["queue"]).toHaveLength(256);
});

test("a state is one series at 1 among its others at 0", async () => {
  const meter = meterAt();
  const states = ["healthy", "failed", "probation"] as const;
  meter.oneHot(instruments.failoverState, { model: "employment" }, "state", states, "healthy");
  meter.oneHot(instruments.failoverState, { model: "employment" }, "state", states, "failed");
  expect(await read(meter, instruments.failoverState)).toEqual({ "employment,healthy": 0, "employment,failed": 1, "employment,probation": 0 });
});

test("what makes no sense is refused where it is written", () => {
  const meter = meterAt();
  expect(() => new Meter(new FakeClock(), { seriesMax: 1 })).toThrow("seriesMax must be at least 2, got 1");
  expect(() => meter.observe([{ instrument: duration, labels: { backend: "primary" }, value: 1 }], 1_000)).toThrow(TypeError);

  // The compiler checks these: each line stops the type check where it is no error any more.
  const wrong = () => {
    // @ts-expect-error a gauge is no counter
    meter.counter(depth, { queue: "samples" });
    // @ts-expect-error a label is missing
    meter.counter(attempts, { backend: "primary" });
    // @ts-expect-error a label is not the instrument's
    meter.counter(attempts, { backend: "primary", outcome: "ok", model: "employment" });
    // @ts-expect-error no such label
    meter.drop(attempts, { model: "employment" });
    // @ts-expect-error no such state
    meter.oneHot(instruments.failoverState, { model: "employment" }, "state", ["healthy", "failed"], "tired");
    // @ts-expect-error a label is missing beside the one that carries the state
    meter.oneHot(instruments.failoverState, {}, "state", ["healthy"], "healthy");
  };
  expect(wrong).toBeTypeOf("function");
});
