import { expect, test } from "vitest";
import { serverMetrics } from "../../agent/collectors/server-metrics.ts";
import { systemClock } from "../../agent/clock.ts";
import { instruments } from "../../exporters/instruments.ts";
import { ask } from "../../agent/forward/ask.ts";
import { testServer } from "../probes/server.ts";

const example = 'server_requests_in_progress 5\nserver_queue_length 2\nserver_inferences_total{model="employment",version="1"} 40\nserver_inferences_total{model="employment",version="2"} 2\n';

function collectorOf(url: URL, timeoutMs = 1_000) {
  return serverMetrics({ server: url, url: undefined, intervalMs: 2_000, timeoutMs }, { clock: systemClock, ask });
}

test("the example server's page becomes points", async () => {
  await using server = await testServer((_, response) => response.end(example));
  const collector = collectorOf(server.url);
  expect(await collector.read()).toEqual({
    status: "ok",
    detail: "example: 4 samples",
    points: [
      { instrument: instruments.serverProgress, labels: {}, value: 42 },
      { instrument: instruments.serverInFlight, labels: {}, value: 5 },
      { instrument: instruments.serverQueue, labels: {}, value: 2 },
    ],
  });
  expect(server.asked).toMatchObject([{ method: "GET", path: "/metrics", headers: { accept: "text/plain;version=0.0.4" } }]);
});

test("a page that can not be had or read is unknown, without points", async () => {
  const pages: [status: number, body: string][] = [[200, example], [404, ""], [200, "server_inferences_total{"], [200, "other 1\n"]];
  let turn = 0;
  await using server = await testServer((_, response) => {
    const [status, body] = pages[turn] as [number, string];
    turn += 1;
    response.writeHead(status).end(body);
  });
  const collector = collectorOf(server.url);
  await collector.read();
  const unknown = (detail: RegExp) => ({ status: "unknown", detail: expect.stringMatching(detail) as string, points: [] });
  expect(await collector.read()).toEqual(unknown(/\/metrics answered 404$/));
  expect(await collector.read()).toEqual(unknown(/line 1: /));
  expect(await collector.read()).toEqual(unknown(/no metrics of a server that is known here/));
});

test("a page that never comes is unknown after its time", async () => {
  await using server = await testServer(() => {});
  expect(await collectorOf(server.url, 50).read()).toMatchObject({ status: "unknown", detail: expect.stringMatching(/timeout/) as string, points: [] });
});

test("of batches that are only told as totals the mean since the last reading is shown, and none where nothing ran or the server began anew", async () => {
  const pages = [[100, 50], [130, 60], [130, 60], [8, 2], [20, 5]] as const;
  let turn = 0;
  await using server = await testServer((_, response) => {
    const [batched, batches] = pages[turn] as readonly [number, number];
    turn += 1;
    response.end(`nv_inference_count{model="m"} ${batched}\nnv_inference_exec_count{model="m"} ${batches}\n`);
  });
  const collector = collectorOf(server.url);
  const sizes: (number | undefined)[] = [];
  for (const _ of pages) sizes.push((await collector.read()).points.find(({ instrument }) => instrument === instruments.serverBatchSize)?.value);
  expect(sizes).toEqual([undefined, 3, undefined, undefined, 4]);
});
