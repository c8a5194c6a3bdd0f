/** Telemetry as a Collector gets it from the daemon: the same series as a scrape, and spans in the traces of the clients. */
import { expect, test } from "vitest";
import { readRows } from "../../examples/employment/rows.ts";
import { instruments, prometheusName, type AnyInstrument } from "../../exporters/instruments.ts";
import { attributesOf, otlpCollector, type OtlpCollector } from "../exporters/otlp-collector.ts";
import { stageForTest, type Stage } from "./processes.ts";
import { addresses, infer, metricsText, runExample, startPilotfish, startServer, status, type Addresses, type Logging } from "./pilotfish.ts";

const rows = await readRows("steady");
const catalogue = new Map<string, AnyInstrument>(Object.values(instruments).map((instrument) => [instrument.name, instrument]));

async function startWithCollector(): Promise<{ stage: Stage; at: Addresses; collector: OtlpCollector; pilotfish: Logging }> {
  const stage = await stageForTest();
  const collector = await otlpCollector();
  stage.later(() => collector.close());
  const at = await addresses();
  await startServer(stage, at);
  const pilotfish = await startPilotfish(stage, at, runExample(at, [`otlp.endpoint=${collector.url}`, "otlp.interval=500ms"]));
  await status(stage, at, "healthy", 5_000);
  return { stage, at, collector, pilotfish };
}

/** Points of a metric, by the latest export that has it. */
function latest(collector: OtlpCollector, name: string): readonly Record<string, unknown>[] {
  const metric = collector.metrics().findLast((one) => one["name"] === name);
  return (metric?.["gauge"] ?? metric?.["sum"] ?? metric?.["histogram"])?.["points"] ?? [];
}

test("metrics arrive under the catalogue's names, kinds and units, and are the same series that a scrape shows", async () => {
  const { stage, at, collector } = await startWithCollector();
  for (let i = 0; i < 5; i += 1) await infer(at, rows.slice(i, i + 1));
  await stage.eventually("the five requests at the collector", 10_000, () => latest(collector, instruments.requests.name).some((point) => point["value"] === 5));

  const unlike = collector.metrics().filter((metric) => {
    const instrument = catalogue.get(metric["name"]);
    const kind = metric["sum"] !== undefined ? "counter" : metric["histogram"] !== undefined ? "histogram" : "gauge";
    return instrument === undefined || instrument.kind !== kind || instrument.unit !== (metric["unit"] ?? "");
  });
  expect(unlike.map((metric) => metric["name"])).toEqual([]);

  const [point] = latest(collector, instruments.requests.name);
  expect(attributesOf(point)).toEqual({ model: "employment", rung: "primary", reason: "normal", outcome: "ok" });

  const scraped = new Set([...(await metricsText(at)).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
  const pushed = new Set(collector.metrics().map((metric) => prometheusName(catalogue.get(metric["name"]) as AnyInstrument)));
  expect([...pushed].filter((name) => !scraped.has(name))).toEqual([]);
  expect(pushed.size).toBeGreaterThan(25);
  expect(collector.resources()[0]).toMatchObject({ "service.name": "pilotfish" });
}, 60_000);

test("a request that carries a sampled traceparent gets a span in that trace, below its caller's; one that is not sampled gets none", async () => {
  const { at, collector, pilotfish } = await startWithCollector();
  const caller = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  const answer = await infer(at, rows.slice(0, 1), { traceparent: `00-${caller.traceId}-${caller.spanId}-01`, "pilotfish-inference-id": "traced-1" });
  expect(answer.status).toBe(200);
  await infer(at, rows.slice(0, 1), { traceparent: "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00", "pilotfish-inference-id": "untraced-1" });
  // The daemon sends what it has when it ends.
  expect(await pilotfish.end("SIGTERM")).toBe(0);

  const spans = collector.spans();
  const [span] = spans.filter(({ traceId }) => traceId === caller.traceId);
  expect(span).toMatchObject({ parentSpanId: caller.spanId, name: "infer employment" });
  expect(attributesOf(span)).toMatchObject({ "pilotfish.inference.id": "traced-1", "pilotfish.rung": "primary", "pilotfish.reason": "normal", "pilotfish.outcome": "ok" });
  expect(Number(span?.["end"] - span?.["start"])).toBeGreaterThan(0);
  expect(spans.map((one) => attributesOf(one)["pilotfish.inference.id"])).not.toContain("untraced-1");
  expect(spans.filter(({ name }) => name === "pilotfish.transition").map((one) => [attributesOf(one)["pilotfish.from"], attributesOf(one)["pilotfish.to"]])).toContainEqual(["unknown", "healthy"]);
}, 60_000);
