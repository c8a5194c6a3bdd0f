/** A Collector that is away while the daemon is killed: what waited in the state file goes out from the next run, before its own. */
import { expect, test } from "vitest";
import { instruments } from "../../exporters/instruments.ts";
import { itemsIn, otlpCollector } from "../exporters/otlp-collector.ts";
import type { Decoded } from "../exporters/protobuf.ts";
import { stageForTest } from "./processes.ts";
import { addresses, metricsText, runExample, startPilotfish, startServer } from "./pilotfish.ts";

const intervalMs = 250;

test("killed in the middle of an outage, it delivers afterwards what every export had to say, in order, and only then what is new", async () => {
  const stage = await stageForTest();
  const collector = await otlpCollector();
  stage.later(() => collector.close());
  const at = await addresses();
  await startServer(stage, at);
  const args = runExample(at, [`otlp.endpoint=${collector.url}`, `otlp.interval=${intervalMs}ms`, "otlp.traces=false", "otlp.logs=off", `store.path=${stage.path("state.sqlite")}`]);

  collector.status = 503;
  const first = await startPilotfish(stage, at, args);
  const startedMs = Date.now();
  await stage.eventually("the Collector has refused twice", 15_000, () => collector.requests.length >= 2);
  await stage.eventually("eight seconds of outage", 15_000, () => Date.now() - startedMs > 8_000);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");
  const killedMs = Date.now();
  const refused = collector.requests.length;

  collector.status = 200;
  await startPilotfish(stage, at, args);
  /** When each export was made that the Collector took, in the order of arrival. */
  const timesMs = () =>
    collector.requests.slice(refused).flatMap(({ body }) =>
      itemsIn(body, "metrics").filter((metric) => metric["name"] === instruments.buildInfo.name).map((metric) => Number((metric["gauge"].points as Decoded[])[0]?.["time"] as bigint) / 1e6),
    );
  await stage.eventually("three exports of the second run", 20_000, () => timesMs().filter((ms) => ms > killedMs).length >= 3);

  const all = timesMs();
  expect(all).toEqual(all.toSorted((a, b) => a - b));
  const before = all.filter((ms) => ms < killedMs);
  expect(before[0]).toBeLessThan(startedMs + 2_000);
  // What was being packed when the kill came is lost, which is the last export or two; none before.
  expect(before.at(-1)).toBeGreaterThan(killedMs - 3_000);
  const gaps = before.slice(1).map((ms, i) => ms - (before[i] as number));
  expect(gaps.filter((gap) => gap < intervalMs / 2 || gap > 3_000)).toEqual([]);
  expect(before.length).toBeGreaterThan(15);
  expect(await metricsText(at)).not.toMatch(/pilotfish_dropped_total\{what="points"\} [1-9]/);
}, 90_000);
