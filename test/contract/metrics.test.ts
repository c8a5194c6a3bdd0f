/**
 * What dashboards and alert rules outside this repository rely on: the name, type, unit and labels of every series. A line
 * that changes in the golden text is a breaking change (`UPDATE_GOLDEN=1 npx vitest run test/contract/metrics.test.ts`
 * writes it anew).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { silent } from "../../agent/log.ts";
import { instruments, prometheusName, type AnyInstrument, type Instrument } from "../../exporters/instruments.ts";
import { Meter } from "../../exporters/meter.ts";
import { otlpOptions, startOpenTelemetry } from "../../exporters/opentelemetry.ts";
import { prometheusText } from "../../exporters/prometheus.ts";
import { tool } from "../dashboards/tool.ts";
import { otlpCollector } from "../exporters/otlp-collector.ts";
import { FakeClock } from "../fake-clock.ts";

const golden = join(import.meta.dirname, "../golden/metrics.txt");
const catalogue: readonly AnyInstrument[] = Object.values(instruments);

/** One fixed value for every instrument, each label with its own name as its value. */
function recordAll(meter: Meter): void {
  for (const instrument of catalogue) {
    const labels = Object.fromEntries(instrument.labels.map((label) => [label, label]));
    switch (instrument.kind) {
      case "counter":
        meter.counter(instrument as Instrument<"counter">, labels).add(3);
        break;
      case "gauge":
        meter.gauge(instrument as Instrument<"gauge">, labels).set(0.5);
        break;
      case "histogram":
        meter.histogram(instrument as Instrument<"histogram">, labels).record(0.02);
        break;
    }
  }
}

async function scrape(): Promise<string> {
  const meter = new Meter(new FakeClock());
  recordAll(meter);
  return (await prometheusText(meter)).body;
}

/** Family name to type, from the comments of a scrape. */
function familiesOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name as string, type as string]));
}

test("the scrape text is the golden one", async () => {
  const text = await scrape();
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, "utf8"));
});

test("every instrument is one family under its Prometheus name, with help and type", async () => {
  const text = await scrape();
  const families = catalogue.map((instrument) => [prometheusName(instrument), instrument.kind] as const);
  expect(Object.fromEntries(familiesOf(text))).toEqual(Object.fromEntries(families));
  expect(new Set(families.map(([name]) => name)).size).toBe(catalogue.length);
  for (const instrument of catalogue) expect(text).toContain(`# HELP ${prometheusName(instrument)} ${instrument.help}\n`);
  expect(text).not.toMatch(/otel_scope|target_info|# UNIT/);
});

const promtool = await tool("promtool");

test.skipIf(promtool.missing)("promtool can read the text and has no more to say than that OpenTelemetry calls two gauges a count", async () => {
  const { output } = await promtool.reading(await scrape(), "check", "metrics");
  const said = output.split("\n").filter((line) => line !== "");
  const convention = 'non-histogram and non-summary metrics should not have "_count" suffix';
  expect(said).toEqual([`process_thread_count ${convention}`, `process_unix_file_descriptor_count ${convention}`]);
});

test("a Collector makes the same names of what goes out by OTLP", async () => {
  const collector = await otlpCollector();
  const meter = new Meter(systemClock);
  recordAll(meter);
  const resource = { serviceName: "pilotfish", version: "0", instanceId: "one", attributes: {} };
  const telemetry = await startOpenTelemetry(otlpOptions.parse({ endpoint: collector.url, traces: false }), { meter, resource, log: silent });
  await telemetry.close();
  await collector.close();

  const derived = collector.metrics().map((metric) => collectorsName(metric["name"] as string, metric["unit"] as string, metric["sum"]?.monotonic === 1, metric["gauge"] !== undefined));
  expect(derived.sort()).toEqual([...familiesOf(await scrape()).keys()].sort());
});

/**
 * The name by the rule that the Collector's Prometheus exporters publish (opentelemetry-collector-contrib,
 * pkg/translator/prometheus, README, "Full normalization"), written from its table and not from our own function.
 */
function collectorsName(name: string, unit: string | undefined, monotonic: boolean, gauge: boolean): string {
  const unitWords: Record<string, string> = {
    d: "days", h: "hours", min: "minutes", s: "seconds", ms: "milliseconds", us: "microseconds", ns: "nanoseconds",
    By: "bytes", KiBy: "kibibytes", MiBy: "mebibytes", GiBy: "gibibytes", m: "meters", V: "volts", A: "amperes",
    J: "joules", W: "watts", g: "grams", Cel: "celsius", Hz: "hertz", "%": "percent", $: "dollars", "1": "",
  };
  const words = name.split(/[^a-zA-Z0-9]+/).filter((word) => word !== "");
  const append = (word: string) => {
    if (word !== "" && !words.includes(word)) words.push(word);
  };
  if (unit !== undefined && unit !== "" && !unit.includes("{")) {
    const [main = "", per] = unit.split("/");
    append(unitWords[main] ?? main.replaceAll(/[^a-zA-Z0-9]/g, ""));
    if (per !== undefined) words.push("per", { s: "second", m: "minute", h: "hour", d: "day" }[per] ?? per);
  }
  if (monotonic) words.push("total");
  if (gauge && unit === "1") words.push("ratio");
  return words.join("_");
}

test("the rule above is the published one", () => {
  expect(collectorsName("(lambda).function.executions(#)", "", false, true)).toBe("lambda_function_executions");
  expect(collectorsName("system.filesystem.usage", "By", false, true)).toBe("system_filesystem_usage_bytes");
  expect(collectorsName("system.network.dropped", "{packets}", false, true)).toBe("system_network_dropped");
  expect(collectorsName("system.network.dropped", "packets", false, true)).toBe("system_network_dropped_packets");
  expect(collectorsName("system.memory.utilization", "1", false, true)).toBe("system_memory_utilization_ratio");
  expect(collectorsName("astro.light.speed", "m/s", false, true)).toBe("astro_light_speed_meters_per_second");
  expect(collectorsName("system.processes.created", "", true, false)).toBe("system_processes_created_total");
});
