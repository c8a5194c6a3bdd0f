/**
 * What telemetry costs: a value recorded on the hot path, a scrape of 2,000 series over a socket with the longest turn of the
 * loop that it caused, parts of an OTLP export, the flight recorder, and the daemon's memory with OTLP and without.
 * `npm run bench:telemetry [-- --json] [-- --rounds N --scrapes N]`; loopback only; wants Linux for the memory.
 *
 * Each figure is the median of its rounds, so that a moment in which the machine let others run is not taken for ours. A round
 * is 100 scrapes for the quantiles and ten for the longest turn; how long a turn gets where nobody scrapes is told beside it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { systemClock as clock } from "../agent/clock.ts";
import { FlightLevels } from "../exporters/flight-levels.ts";
import { FlightRecorder } from "../exporters/flight-recorder.ts";
import { instruments } from "../exporters/instruments.ts";
import { Meter } from "../exporters/meter.ts";
import { metricsParts } from "../exporters/otlp/parts.ts";
import { encode, openSdk } from "../exporters/otlp/sdk.ts";
import { metricsHandler } from "../exporters/prometheus.ts";
import { median } from "./measure.ts";
import { startDaemon } from "./memory/daemon.ts";
import type { Scraping } from "./telemetry/scraper.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, rounds: { type: "string", default: "5" }, scrapes: { type: "string", default: "100" } } });
const rounds = Number(values.rounds);
const scrapes = Number(values.scrapes);
const turnRounds = 21;

interface Figure {
  readonly name: string;
  readonly value: number;
  /** At most. */
  readonly limit?: number | undefined;
}

const figures: Figure[] = [];

function tell(name: string, value: number, limit?: number): void {
  figures.push({ name, value, limit });
  if (values.json) return;
  const verdict = limit === undefined ? "" : `at most ${limit}${value <= limit ? "" : ": NOT MET"}`;
  console.log(`${name.padEnd(66)} ${String(Number(value.toPrecision(3))).padStart(8)}  ${verdict}`);
}

recording();
await scraping("text", {});
await scraping("OpenMetrics, gzip", { accept: "application/openmetrics-text; version=1.0.0", "accept-encoding": "gzip" });
await exporting();
flying();
await remembering();
if (values.json) console.log(JSON.stringify({ figures }, null, 2));
process.exitCode = figures.every(({ value, limit }) => limit === undefined || value <= limit) ? 0 : 1;

function recording(): void {
  const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const plain = new Meter(clock);
  const histogram = plain.histogram(instruments.attemptDuration, { backend: "primary" });
  const counter = plain.counter(instruments.attempts, { backend: "primary", outcome: "ok" });
  const gauge = plain.gauge(instruments.queueDepth, { queue: "queue" });
  const both = new Meter(clock, { exponential: true }).histogram(instruments.attemptDuration, { backend: "primary" });
  const seconds = (i: number) => (i % 1_000) / 997;
  tell("record into a histogram, ns", nsPer((i) => histogram.record(seconds(i))), 50);
  tell("add to a counter, ns", nsPer(() => counter.add()), 50);
  tell("set a gauge, ns", nsPer((i) => gauge.set(i)), 50);
  tell("record into a histogram with an exemplar (sampled requests), ns", nsPer((i) => histogram.record(seconds(i), trace)));
  tell("record into a histogram that is exponential too, ns", nsPer((i) => both.record(seconds(i))));
}

function nsPer(run: (i: number) => void, count: number = 1_000_000): number {
  const one = () => {
    const startMs = clock.monotonicMs();
    for (let i = 0; i < count; i += 1) run(i);
    return ((clock.monotonicMs() - startMs) * 1e6) / count;
  };
  one();
  return median(Array.from({ length: rounds }, one));
}

/** As in earnest: a third of the 2,000 lines are of histograms, 17 each, the rest gauges and counters. */
function meterOf2000(): Meter {
  const meter = new Meter(clock);
  for (let i = 0; i < 2_000 / 51; i += 1) meter.histogram(instruments.attemptDuration, { backend: `backend-${i}` }).record(0.01 * (i % 50));
  for (let i = 0; i < 2_000 / 3; i += 1) meter.gauge(instruments.driftEvidence, { model: "employment", feature: `feature-${i}` }).set(i / 7);
  for (let i = 0; i < 2_000 / 3; i += 1) meter.counter(instruments.actuals, { model: `model-${i}`, result: "joined" }).add(i);
  return meter;
}

async function scraping(name: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const server = createServer(metricsHandler(meterOf2000(), clock));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const worker = new Worker(new URL("telemetry/scraper.ts", import.meta.url), { workerData: { url, headers } satisfies Scraping });
  const scraped = (count: number): Promise<number[]> => new Promise((resolve) => worker.once("message", resolve).postMessage(count));
  // What runs often is compiled first.
  await scraped(scrapes);

  const ms: number[][] = [];
  for (let i = 0; i < rounds; i += 1) ms.push(await scraped(scrapes));
  tell(`scrape of 2,000 series (${name}), p50 ms`, median(ms.map((one) => quantile(one, 0.5))));
  tell(`scrape of 2,000 series (${name}), p99 ms`, median(ms.map((one) => quantile(one, 0.99))), 15);

  const longestMs: number[] = [];
  const idleMs: number[] = [];
  for (let i = 0; i < turnRounds; i += 1) {
    longestMs.push(await longestTurnMs(scraped(10)));
    idleMs.push(await longestTurnMs(wait(50)));
  }
  tell(`longest turn of the main thread in ten scrapes (${name}), ms`, median(longestMs), 5);
  tell("longest turn of the main thread in 50 ms without any, ms", median(idleMs));
  await worker.terminate();
  server.close();
  server.closeAllConnections();
}

/** Until `done`. */
async function longestTurnMs(done: Promise<unknown>): Promise<number> {
  let isDone = false;
  void done.then(() => (isDone = true));
  let longestMs = 0;
  let beforeMs = clock.monotonicMs();
  while (!isDone) {
    await turn();
    const nowMs = clock.monotonicMs();
    longestMs = Math.max(longestMs, nowMs - beforeMs);
    beforeMs = nowMs;
  }
  return longestMs;
}

async function exporting(): Promise<void> {
  const meter = meterOf2000();
  const sdk = openSdk({ resource: { "service.name": "pilotfish" }, scope: { name: "pilotfish", version: "0" }, producer: meter, made: { span: undefined, record: undefined } });
  const longestMs: number[] = [];
  for (let i = 0; i < 10 * rounds; i += 1) {
    const collected = await sdk.collect();
    if (collected === undefined) throw new Error("the SDK is switched off: OTEL_SDK_DISABLED");
    let partMs = 0;
    for (const { metrics } of metricsParts(collected, 500)) {
      const startMs = clock.monotonicMs();
      encode.metrics(metrics);
      partMs = Math.max(partMs, clock.monotonicMs() - startMs);
    }
    longestMs.push(partMs);
  }
  await sdk.close();
  tell("longest part of an OTLP export of them, ms", median(longestMs), 5);
}

function flying(): void {
  const meter = meterOf2000();
  const recorder = new FlightRecorder();
  const levels = new FlightLevels();
  const samplesMs: number[] = [];
  for (let second = 0; second < 900; second += 1) {
    const startMs = clock.monotonicMs();
    recorder.sample(1_000 * second, levels.take(meter.families(), 1_000 * second));
    samplesMs.push(clock.monotonicMs() - startMs);
  }
  const copiesMs = Array.from({ length: rounds }, () => {
    const startMs = clock.monotonicMs();
    recorder.recorded();
    return clock.monotonicMs() - startMs;
  });
  tell("flight recorder: copy of 15 minutes, ms", median(copiesMs), 5);
  tell("flight recorder: one sample, ms", median(samplesMs), 5);
  tell("flight recorder: memory, MB", recorder.bytes() / 1e6);
}

/** The daemon as it is installed, settled and after a scrape, before a server that is not there. */
async function remembering(): Promise<void> {
  const command = fileURLToPath(new URL("../dist/pilotfish.mjs", import.meta.url));
  const collector = createServer((request, response) => request.resume().on("end", () => response.end()));
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const endpoint = `otlp.endpoint="http://127.0.0.1:${(collector.address() as AddressInfo).port}"`;
  for (const [name, settings] of [["off", []], ["on", [endpoint, "otlp.interval=1s"]]] as const) {
    const runs: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const daemon = await startDaemon({ command, settings });
      await wait(8_000);
      await daemon.scrape();
      await wait(1_000);
      runs.push(daemon.residentMb());
      daemon.close();
    }
    tell(`daemon's memory, OTLP ${name}, MB`, median(runs));
  }
  collector.close();
  collector.closeAllConnections();
}

function quantile(of: readonly number[], q: number): number {
  return of.toSorted((a, b) => a - b)[Math.min(of.length - 1, Math.floor(q * of.length))] ?? Number.NaN;
}
