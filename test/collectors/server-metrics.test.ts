import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parsePrometheusText } from "../../agent/collectors/prometheus-text.ts";
import { serverFigures, serverMetrics } from "../../agent/collectors/server-metrics.ts";
import { systemClock } from "../../agent/clock.ts";
import { instruments } from "../../exporters/instruments.ts";
import { ask } from "../../agent/forward/ask.ts";
import { testServer } from "../probes/server.ts";

const read = (name: string) => readFileSync(new URL(`fixtures/prometheus-text/${name}`, import.meta.url), "utf8");

function figuresOf(text: string) {
  const parsed = parsePrometheusText(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return serverFigures(parsed.samples);
}

test("vLLM, as recorded: running, waiting, and iterations for progress", () => {
  expect(figuresOf(read("vllm_opt125m.prom"))).toEqual({ server: "vllm", inFlight: 0, queue: 0, progress: expect.any(Number) as number });
});

test("vLLM, newer and older: iterations where they are counted, tokens where not, over all models", () => {
  const page = (more: string) => `vllm:num_requests_running{model_name="a"} 3\nvllm:num_requests_running{model_name="b"} 1\nvllm:num_requests_waiting 7\nvllm:generation_tokens_total 500\nvllm:prompt_tokens_total 90\n${more}`;
  expect(figuresOf(page("vllm:iteration_tokens_total_count 42\n"))).toEqual({ server: "vllm", inFlight: 4, queue: 7, progress: 42 });
  expect(figuresOf(page(""))).toEqual({ server: "vllm", inFlight: 4, queue: 7, progress: 590 });
});

test("Triton, as recorded: pending requests are its queue, executions its progress", () => {
  expect(figuresOf(read("triton_t4.prom"))).toEqual({ server: "triton", inFlight: undefined, queue: 0, progress: 3 });
});

test("MLServer: health checks are no inference", () => {
  const page =
    'model_infer_request_success_total{model="m",version="None"} 13.0\nmodel_infer_request_failure_total{model="m",version="None"} 2.0\n' +
    'rest_server_requests_in_progress{app_name="mlserver",method="GET"} 1.0\nrest_server_requests_in_progress{app_name="mlserver",method="POST"} 4.0\n';
  expect(figuresOf(page)).toEqual({ server: "mlserver", inFlight: 4, queue: undefined, progress: 15 });
});

test("a page of something else, such as TorchServe's gauges, says nothing of work", () => {
  expect(figuresOf(read("torchserve_docs.prom"))).toBeUndefined();
});

const example = 'server_requests_in_progress 5\nserver_queue_length 2\nserver_inferences_total{model="employment",version="1"} 40\nserver_inferences_total{model="employment",version="2"} 2\n';

function collectorOf(url: URL, timeoutMs = 1_000) {
  return serverMetrics({ url: new URL("/metrics", url), intervalMs: 2_000, timeoutMs }, { clock: systemClock, ask });
}

test("the example server's page becomes points, and work for the progress probe", async () => {
  await using server = await testServer((_, response) => response.end(example));
  const collector = collectorOf(server.url);
  expect(collector.serverWork()).toBeUndefined();
  const beforeMs = systemClock.monotonicMs();
  expect(await collector.read()).toEqual({
    status: "ok",
    detail: "example: 4 samples",
    points: [
      { instrument: instruments.serverProgress, labels: {}, value: 42 },
      { instrument: instruments.serverInFlight, labels: {}, value: 5 },
      { instrument: instruments.serverQueue, labels: {}, value: 2 },
    ],
  });
  const work = collector.serverWork();
  expect(work).toMatchObject({ inFlight: 7, progress: 42 });
  expect(work?.readAtMs).toBeGreaterThanOrEqual(beforeMs);
  expect(work?.readAtMs).toBeLessThanOrEqual(systemClock.monotonicMs());
  expect(server.asked).toMatchObject([{ method: "GET", path: "/metrics", headers: { accept: "text/plain;version=0.0.4" } }]);
});

test("a page that can not be had or read is unknown, without points; the last work stays, with its age", async () => {
  const pages: [status: number, body: string][] = [[200, example], [404, ""], [200, "server_inferences_total{"], [200, "other 1\n"]];
  let turn = 0;
  await using server = await testServer((_, response) => {
    const [status, body] = pages[turn] as [number, string];
    turn += 1;
    response.writeHead(status).end(body);
  });
  const collector = collectorOf(server.url);
  await collector.read();
  const work = collector.serverWork();
  const unknown = (detail: RegExp) => ({ status: "unknown", detail: expect.stringMatching(detail) as string, points: [] });
  expect(await collector.read()).toEqual(unknown(/\/metrics answered 404$/));
  expect(await collector.read()).toEqual(unknown(/line 1: /));
  expect(await collector.read()).toEqual(unknown(/no metrics of a server that is known here/));
  expect(collector.serverWork()).toEqual(work);
});

test("a page that never comes is unknown after its time", async () => {
  await using server = await testServer(() => {});
  expect(await collectorOf(server.url, 50).read()).toMatchObject({ status: "unknown", detail: expect.stringMatching(/timeout/) as string, points: [] });
});
