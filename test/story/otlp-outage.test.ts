/**
 * Half an hour without a Collector, told with the store's own code and a clock turned by hand. The Collector unpacks and
 * decodes the protobuf that it is sent, by a decoder that shares nothing with the encoder.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { inlineAnalysis } from "../../agent/analysis-inline.ts";
import type { Analysis } from "../../agent/analysis.ts";
import { silent } from "../../agent/log.ts";
import { monitorsOptions } from "../../agent/monitors/options.ts";
import { instruments } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { otlpOptions, startOpenTelemetry, type OpenTelemetry } from "../../exporters/opentelemetry.ts";
import { decodeOtlp, itemsIn } from "../exporters/otlp-collector.ts";
import type { Decoded } from "../exporters/protobuf.ts";
import { FakeClock } from "../fake-clock.ts";

const halfAnHour = 60;

interface Run {
  readonly meter: Meter;
  readonly telemetry: OpenTelemetry;
  readonly analysis: Analysis;
  end(): Promise<void>;
}

/** What arrived at the Collector: the queue's depth in each export, in the order of arrival, with the points' own times. */
class FakeCollector {
  up = true;
  readonly levels: number[] = [];
  readonly timesMs: number[] = [];
  readonly messages: string[] = [];

  readonly post = async (lane: string, body: Uint8Array) => {
    if (!this.up) return { status: undefined, retryAfter: undefined, body: new Uint8Array(0), detail: "refused" };
    const request = decodeOtlp(`/v1/${lane}`, body, "gzip");
    if (lane === "logs") this.messages.push(...itemsIn(request, "logs").map((record) => record["body"].string as string));
    for (const metric of lane === "metrics" ? itemsIn(request, "metrics") : []) {
      if (metric["name"] !== instruments.queueDepth.name) continue;
      const [point] = metric["gauge"].points as [Decoded];
      this.levels.push(point["value"] as number);
      this.timesMs.push(Number((point["time"] as bigint) / 1_000_000n));
    }
    return { status: 200, retryAfter: undefined, body: new Uint8Array(0), detail: "status 200" };
  };
}

async function start(clock: FakeClock, collector: FakeCollector, path: string, queueMax: string = "32MiB"): Promise<Run> {
  const meter = new Meter(clock);
  const options = otlpOptions.parse({ endpoint: "http://collector.example:4318", traces: false, queueMax });
  const dropped = (what: string, count: number) => meter.counter(instruments.dropped, { what }).add(count);
  const analysis = inlineAnalysis(
    { monitors: monitorsOptions.parse({}), store: { path, eventsMax: 10 }, spoolMax: options.queueMax },
    { clock, log: silent, judge: () => {}, points: () => {}, dropped, note: () => {}, spoolLost: (lane, items) => dropped(`lost-${lane}`, items) },
  );
  const started = analysis.start();
  await turns();
  await started;
  const resource = { serviceName: "pilotfish", version: "0", instanceId: "one", attributes: {} };
  const telemetry = await startOpenTelemetry(options, { meter, resource, log: silent, clock, spool: analysis.spool, post: collector.post, pack: async (bytes) => Uint8Array.from(gzipSync(bytes)) });
  return {
    meter, telemetry, analysis,
    async end() {
      const closed = telemetry.close().then(() => analysis.close());
      await turns(50);
      clock.advance(2_000);
      await closed;
    },
  };
}

async function turns(count: number = 12): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** One export each 30 s: its number is the level that it carries. */
async function exports({ meter, telemetry }: Run, clock: FakeClock, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i += 1) {
    meter.gauge(instruments.queueDepth, { queue: "test" }).set(i);
    telemetry.logged("warn", {}, `line ${i}`);
    for (let second = 0; second < 30; second += 1) {
      clock.advance(1_000);
      await turns(2);
    }
    await turns();
  }
}

async function arrived(collector: FakeCollector, clock: FakeClock, level: number): Promise<void> {
  for (let i = 0; i < 2_000 && collector.levels.at(-1) !== level; i += 1) {
    clock.advance(100);
    await turns(2);
  }
  expect(collector.levels.at(-1)).toBe(level);
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function lost({ meter }: Run): Promise<number> {
  const { resourceMetrics } = await meter.collect();
  const points = resourceMetrics.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === instruments.dropped.name)?.dataPoints ?? [];
  return points.reduce((sum, { value }) => sum + (value as number), 0);
}

function statePath(): string {
  const folder = mkdtempSync(join(tmpdir(), "outage-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "state.db");
}

test("30 minutes without a Collector lose nothing, keep the order and the points' own times", { timeout: 60_000 }, async () => {
  const clock = new FakeClock();
  const collector = new FakeCollector();
  const run = await start(clock, collector, statePath());
  await exports(run, clock, 1, 2);
  collector.up = false;
  await exports(run, clock, 3, halfAnHour);
  expect(collector.levels).toEqual([1, 2]);
  collector.up = true;
  await exports(run, clock, 63, 3);
  await arrived(collector, clock, 65);
  expect(collector.levels).toEqual(numbers(1, 65));
  expect(collector.timesMs).toEqual(collector.levels.map((number) => Date.UTC(2026, 0, 1) + 30_000 * number));
  expect(collector.messages).toEqual(numbers(1, 65).map((number) => `line ${number}`));
  expect(await lost(run)).toBe(0);
  await run.end();
});

test("a restart in the middle of it loses nothing either: what waited goes out first", { timeout: 60_000 }, async () => {
  const clock = new FakeClock();
  const collector = new FakeCollector();
  const path = statePath();
  collector.up = false;
  const before = await start(clock, collector, path);
  await exports(before, clock, 1, 30);
  await before.end();
  const after = await start(clock, collector, path);
  await exports(after, clock, 31, 30);
  collector.up = true;
  await exports(after, clock, 61, 3);
  await arrived(collector, clock, 63);
  // The first run says once more what is so when it closes.
  expect(collector.levels).toEqual([...numbers(1, 30), 30, ...numbers(31, 63)]);
  expect(collector.messages).toEqual(numbers(1, 63).map((number) => `line ${number}`));
  await after.end();
});

test("beyond the bound the oldest go, the newest are there, and what went is counted", { timeout: 60_000 }, async () => {
  const clock = new FakeClock();
  const collector = new FakeCollector();
  collector.up = false;
  const run = await start(clock, collector, statePath(), "8KiB");
  await exports(run, clock, 1, halfAnHour);
  collector.up = true;
  await exports(run, clock, 61, 3);
  await arrived(collector, clock, 63);
  expect(collector.levels).toEqual(numbers(64 - collector.levels.length, 63));
  expect(collector.levels.length).toBeLessThan(40);
  expect(await lost(run)).toBeGreaterThanOrEqual(2 * (63 - collector.levels.length));
  await run.end();
});
