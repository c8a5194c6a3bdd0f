import { expect, test } from "vitest";
import { systemClock } from "../../agent/clock.ts";
import { collectors, collectorsOptions } from "../../agent/collectors/collectors.ts";
import { ask } from "../../agent/forward/ask.ts";
import { silent } from "../../agent/log.ts";
import type { Observation, ReadingObservation } from "../../agent/observation.ts";
import { Heard, testServer } from "../probes/server.ts";
import { stat, Tree } from "./tree.ts";

test("every option has its default", () => {
  expect(collectorsOptions.parse({})).toEqual({
    interval: 2_000,
    server: { pid: "auto", timeout: 1_000 },
    gpu: { backend: "auto", interval: 1_000, command: "nvidia-smi", library: "libnvidia-ml.so.1", dcgm: { timeout: 1_000 } },
    network: "auto",
    paths: { proc: "/proc", cgroup: "/sys/fs/cgroup", sys: "/sys", kernelLog: "/dev/kmsg" },
  });
});

test.each([
  [{ interval: 2 }, "interval"],
  [{ server: { metrics: "no url" } }, "server.metrics"],
  [{ server: { pid: 0 } }, "server.pid"],
  [{ gpu: { backend: "rocm" } }, "gpu.backend"],
  [{ gpu: { interval: "1ms" } }, "gpu.interval"],
  [{ disks: {} }, ""],
])("a mistake is refused at its place: %j", (options, path) => {
  const parsed = collectorsOptions.safeParse(options);
  expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toContain(path);
});

async function firstReadings(options: object, server: URL): Promise<Record<string, ReadingObservation>> {
  const heard = new Heard<Observation>();
  const parsed = collectorsOptions.parse(options);
  const room = collectors(parsed, { clock: systemClock, log: silent, ask, observe: heard.push, server });
  const close = room.start();
  const count = parsed.gpu.backend === "off" ? 6 : 7;
  const expected = count + (parsed.server.metrics === "off" ? 0 : 1);
  const readings = () => heard.all as readonly ReadingObservation[];
  // On a busy machine some have spoken twice before the last one speaks.
  for (let heardOf = expected; new Set(readings().map(({ collector }) => collector)).size < expected; heardOf += 1) await heard.count(heardOf);
  await close();
  return Object.fromEntries(readings().map((reading) => [reading.collector, reading]));
}

const labelsUsed = (reading: ReadingObservation | undefined) => [...new Set(reading?.points.flatMap(({ labels }) => [labels["container"], labels["process"]]))].filter((label) => label !== undefined);

test.skipIf(process.platform !== "linux")("beside a real server each collector reads its own source, all at once", async () => {
  await using server = await testServer((_, response) => response.end('server_requests_in_progress 1\nserver_inferences_total{model="m",version="1"} 9\n'));
  const readings = await firstReadings({ gpu: { command: "/nowhere/nvidia-smi" } }, server.url);
  expect(Object.keys(readings).sort()).toEqual(["gpu", "inventory", "network", "pilotfish-cgroup", "pilotfish-process", "server-cgroup", "server-metrics", "server-process"]);
  expect(readings["server-metrics"]).toMatchObject({ status: "ok" });
  // Here the server is this very process, found by its port.
  expect(readings["server-process"]).toMatchObject({ status: "ok", detail: expect.stringContaining(`process ${process.pid}`) as string });
  expect(labelsUsed(readings["server-process"])).toEqual(["server"]);
  expect(labelsUsed(readings["pilotfish-process"])).toEqual(["pilotfish"]);
  expect(readings["inventory"]).toMatchObject({ status: "ok" });
  expect(readings["gpu"]).toMatchObject({ status: "unknown", points: [] });
});

test("every point fits its instrument: the labels that it names, and no others", async () => {
  await using server = await testServer((_, response) => response.end('server_requests_in_progress 1\nserver_queue_length 0\nserver_inferences_total{model="m",version="1"} 9\n'));
  const readings = await firstReadings({ gpu: { backend: "off" } }, server.url);
  const points = Object.values(readings).flatMap((reading) => reading.points);
  expect(points.length).toBeGreaterThan(3);
  for (const { instrument, labels, value } of points) {
    expect(Object.keys(labels).sort(), instrument.name).toEqual([...instrument.labels].sort());
    expect(Number.isFinite(value), instrument.name).toBe(true);
  }
});

test("what is switched off is not read; what is not there is unknown and says so", async () => {
  using proc = new Tree({ "self/stat": stat({ userTicks: 50 }), "self/status": "VmRSS:\t 10 kB\n" });
  const readings = await firstReadings(
    { server: { metrics: "off" }, gpu: { backend: "off" }, paths: { proc: proc.root, cgroup: proc.path("none") } },
    new URL("http://127.0.0.1:1"),
  );
  expect(Object.keys(readings).sort()).toEqual(["inventory", "network", "pilotfish-cgroup", "pilotfish-process", "server-cgroup", "server-process"]);
  expect(readings["pilotfish-process"]).toMatchObject({ status: "ok" });
  expect(readings["server-process"]).toMatchObject({ status: "unknown", detail: "nobody listens on port 1", points: [] });
  expect(readings["server-cgroup"]).toMatchObject({ status: "unknown", points: [] });
  expect(readings["pilotfish-cgroup"]).toMatchObject({ status: "unknown", points: [] });
});
