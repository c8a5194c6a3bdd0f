/**
 * What telemetry costs the data path: a value recorded, a scrape of 2,000 series over a socket with the longest that the loop
 * was held up by it, an export's encoding, and the flight recorder's memory.
 * `node bench/telemetry.ts [--json] [--scrapes N]`; loopback only.
 */
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as setTurn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { systemClock as clock } from "../agent/clock.ts";
import { exposition } from "../exporters/exposition.ts";
import { FlightLevels } from "../exporters/flight-levels.ts";
import { FlightRecorder } from "../exporters/flight-recorder.ts";
import { instruments } from "../exporters/instruments.ts";
import { Meter } from "../exporters/meter.ts";
import { metricsRequests } from "../exporters/otlp/messages.ts";
import { metricsHandler } from "../exporters/prometheus.ts";

const scrapesDefault = "300";

/** Scrapes from a thread of its own, so that the client's work is not taken for the server's. */
async function scraping({ url, scrapes, headers }: { readonly url: string; readonly scrapes: number; readonly headers: Record<string, string> }): Promise<number[]> {
  const durationsMs: number[] = [];
  for (let i = 0; i < scrapes; i += 1) {
    const startMs = clock.monotonicMs();
    await new Promise<void>((resolve, reject) => {
      get(url, { headers }, (response) => response.resume().on("end", resolve).on("error", reject)).on("error", reject);
    });
    durationsMs.push(clock.monotonicMs() - startMs);
  }
  return durationsMs;
}

function meterWith(series: number): Meter {
  const meter = new Meter(clock);
  // As in earnest: a third of the lines are of histograms (17 lines each), the rest gauges and counters.
  for (let i = 0; i < series / 51; i += 1) meter.histogram(instruments.attemptDuration, { backend: `backend-${i}` }).record(0.01 * (i % 50));
  for (let i = 0; i < series / 3; i += 1) meter.gauge(instruments.driftEvidence, { model: "employment", feature: `feature-${i}` }).set(i / 7);
  for (let i = 0; i < series / 3; i += 1) meter.counter(instruments.actuals, { model: `model-${i}`, result: "joined" }).add(i);
  return meter;
}

function nsPer(count: number, run: (i: number) => void): number {
  let best = Infinity;
  for (let round = 0; round < 7; round += 1) {
    const startMs = clock.monotonicMs();
    for (let i = 0; i < count; i += 1) run(i);
    best = Math.min(best, ((clock.monotonicMs() - startMs) * 1e6) / count);
  }
  return best;
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] as number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, scrapes: { type: "string", default: scrapesDefault } } });
  const figures: Record<string, number> = {};

  for (const exponential of [false, true]) {
    const meter = new Meter(clock, { exponential });
    const histogram = meter.histogram(instruments.attemptDuration, { backend: "primary" });
    figures[`record into a histogram${exponential ? ", exponential too" : ""}, ns`] = nsPer(1_000_000, (i) => histogram.record((i % 1_000) / 997));
    if (exponential) continue;
    const counter = meter.counter(instruments.attempts, { backend: "primary", outcome: "ok" });
    figures["add to a counter, ns"] = nsPer(1_000_000, () => counter.add());
    const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
    figures["record with an exemplar, ns"] = nsPer(200_000, (i) => histogram.record((i % 1_000) / 997, trace));
  }

  const meter = meterWith(2_000);
  const server = createServer(metricsHandler(meter, clock));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  for (const [name, headers] of [["text", {}], ["OpenMetrics, gzip", { accept: "application/openmetrics-text; version=1.0.0", "accept-encoding": "gzip" }]] as const) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { url, scrapes: Number(values.scrapes), headers } });
    await new Promise((resolve) => worker.once("online", resolve));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const durationsMs = await new Promise<number[]>((resolve) => worker.once("message", resolve));
    delay.disable();
    figures[`scrape of 2,000 lines (${name}), p50 ms`] = quantile(durationsMs, 0.5);
    figures[`scrape of 2,000 lines (${name}), p99 ms`] = quantile(durationsMs, 0.99);
    // The delay counts the timer's own period of a millisecond.
    figures[`loop held up meanwhile (${name}), p99 ms`] = Math.max(0, delay.percentile(99) / 1e6 - 1);
    figures[`loop held up meanwhile (${name}), longest ms`] = Math.max(0, delay.max / 1e6 - 1);
  }
  server.close();
  server.closeAllConnections();

  // On a crowded machine the loop is also late because others run: what a piece costs by itself is its best of many rounds.
  const bestMs: number[] = [];
  for (let round = 0; round < 200; round += 1) {
    const pieces = exposition(meter.families(), "openmetrics");
    for (let i = 0, startMs = clock.monotonicMs(); pieces.next().done !== true; i += 1, startMs = clock.monotonicMs()) {
      bestMs[i] = Math.min(bestMs[i] ?? Infinity, clock.monotonicMs() - startMs);
    }
  }
  figures["longest piece of a scrape, undisturbed, ms"] = Math.max(...bestMs);
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  const untilMs = clock.monotonicMs() + 1_000;
  while (clock.monotonicMs() < untilMs) await setTurn();
  idle.disable();
  figures["loop held up without any scrape, p99 ms"] = Math.max(0, idle.percentile(99) / 1e6 - 1);

  const sender = { attributes: { "service.name": "pilotfish" }, scope: { name: "pilotfish", version: "0" } };
  const parts: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const requests = metricsRequests(meter.families(), sender, clock.wallMs());
    for (let startMs = clock.monotonicMs(); requests.next().done !== true; startMs = clock.monotonicMs()) parts.push(clock.monotonicMs() - startMs);
  }
  figures["one part of an OTLP export, p99 ms"] = quantile(parts, 0.99);

  const recorder = new FlightRecorder();
  const levels = new FlightLevels();
  const samplesMs: number[] = [];
  for (let second = 0; second < 900; second += 1) {
    const startMs = clock.monotonicMs();
    recorder.sample(1_000 * second, levels.take(meter.families(), 1_000 * second));
    samplesMs.push(clock.monotonicMs() - startMs);
  }
  const copyMs = clock.monotonicMs();
  recorder.recorded();
  figures["flight recorder, copy of it all, ms"] = clock.monotonicMs() - copyMs;
  figures["flight recorder, one sample, p99 ms"] = quantile(samplesMs, 0.99);
  figures["flight recorder, bytes"] = recorder.bytes();

  if (values.json) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(62)} ${Number(value.toPrecision(3))}`);
}

if (isMainThread) await main();
else parentPort?.postMessage(await scraping(workerData as Parameters<typeof scraping>[0]));
