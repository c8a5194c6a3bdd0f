import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { adapterNames, figuresOf, type AdapterName } from "../../agent/adapters/adapters.ts";
import { adapterFor, kinds, metricsPage, samplesOf } from "../probes/engine.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const figures = (text: string, model?: string, name: AdapterName | "auto" = "auto") => figuresOf(samplesOf(text) ?? [], name, model);

test.each(kinds)("%s is known by the names of its metrics, and its numbers are found", (kind) => {
  const found = figures(metricsPage(kind, { running: 3, waiting: 2, moves: 1_000 }));
  expect(found?.server).toBe(adapterFor(kind));
  expect((found?.running ?? 0) + (found?.waiting ?? 0)).toBe(kind.startsWith("Triton") ? 2 : 5);
  const later = figures(metricsPage(kind, { running: 3, waiting: 2, moves: 1_001 }));
  expect(later?.progress).toBeGreaterThan(found?.progress ?? Infinity);
});

test("vLLM, as recorded with nothing to do: 71 iterations, 12 tokens", () => {
  expect(figures(read("fixtures/prometheus-text/vllm_opt125m.prom"))).toEqual({ server: "vllm", running: 0, waiting: 0, progress: 83 });
});

test("Triton, as recorded: what waits is told, what runs is not", () => {
  expect(figures(read("fixtures/prometheus-text/triton_t4.prom"))).toEqual({ server: "triton", running: undefined, waiting: 0, progress: 6 });
});

test("MLServer 1.7.1, as recorded after three answers and a failure: the times beside its counters are none of them", () => {
  expect(figures(read("fixtures/mlserver-1.7.1.prom"))).toEqual({ server: "mlserver", running: 0, waiting: undefined, progress: 4 });
});

test("KServe 0.21.0, as recorded after three predictions: it does not say what is in flight", () => {
  expect(figures(read("fixtures/kserve-0.21.0.prom"))).toEqual({ server: "kserve", running: undefined, waiting: undefined, progress: 3 });
});

test("TorchServe, as documented: the latency that adds up at each answer is progress, the requests that came are not", () => {
  const page = read("fixtures/prometheus-text/torchserve_docs.prom");
  expect(figures(page)).toEqual({ server: "torchserve", running: undefined, waiting: undefined, progress: 290371.129 });
  expect(figures(page.replace(/^(ts_inference_requests_total\S+) 3\.0/m, "$1 9.0"))).toEqual(figures(page));
});

test("TensorFlow Serving: answers of the model that is watched, and runs of graphs, which bear no name", () => {
  const page = ':tensorflow:serving:request_count{model_name="a",status="OK"} 5\n:tensorflow:serving:request_count{model_name="b",status="OK"} 90\n:tensorflow:core:graph_runs{} 97\n';
  expect(figures(page, "a")).toEqual({ server: "tf-serving", running: undefined, waiting: undefined, progress: 102 });
});

test.each([
  ["V1", "vllm:iteration_tokens_total_count", "vllm:num_requests_waiting"],
  ["V0", "vllm:generation_tokens_total", "vllm:num_requests_swapped"],
  ["by way of OpenTelemetry", "vllm:generation_tokens", "vllm:num_requests_waiting"],
])("vLLM %s: its counter and its queue have other names, and mean the same", (_, counter, queue) => {
  const page = (moves: number) => `vllm:num_requests_running{model_name="m"} 2\n${queue}{model_name="m"} 3\n${counter}{model_name="m"} ${moves}\n`;
  expect(figures(page(40), "m")).toEqual({ server: "vllm", running: 2, waiting: 3, progress: 40 });
});

test("a page of something else, an empty one and one that was cut short say nothing of work", () => {
  expect(figures('node_load1 0.4\nrequest_count{model_name="m"} 7\n')).toBeUndefined();
  expect(figures("")).toBeUndefined();
  expect(figures('vllm:num_requests_running{model_name="m')).toBeUndefined();
});

test("clients that give up on a frozen vLLM make its count of finished requests move, and no progress", () => {
  const page = (aborted: number) => `vllm:num_requests_running 3\nvllm:generation_tokens_total 500\nvllm:request_success_total{finished_reason="abort"} ${aborted}\n`;
  expect(figures(page(7))?.progress).toBe(figures(page(2))?.progress);
});

test("requests that clients cancelled make Triton's failures move, and no progress", () => {
  const page = (cancelled: number) => `nv_inference_pending_request_count{model="m"} 3\nnv_inference_exec_count{model="m"} 5\nnv_inference_request_failure{model="m",reason="CANCELED"} ${cancelled}\n`;
  expect(figures(page(7))?.progress).toBe(figures(page(2))?.progress);
});

test("a forward pass of TGI that has begun is no progress; one that succeeded is", () => {
  const page = (begun: number, done: number) => `tgi_batch_current_size 3\ntgi_queue_size 0\ntgi_batch_inference_count{method="prefill"} ${begun}\ntgi_batch_inference_success{method="prefill"} ${done}\n`;
  expect(figures(page(8, 7))?.progress).toBe(figures(page(7, 7))?.progress);
  expect(figures(page(8, 8))?.progress).toBe(8);
});

test("an engine that has served nothing yet shows its gauges and no counter", () => {
  expect(figures('sglang:num_running_reqs{model_name="m"} 1\nsglang:num_queue_reqs{model_name="m"} 0\n')).toEqual({ server: "sglang", running: 1, waiting: 0, progress: 0 });
});

test("only the model that is watched counts, where its name is known; LoRA names and unknown ones leave all in", () => {
  const page =
    'nv_inference_pending_request_count{model="frozen",version="1"} 4\nnv_inference_exec_count{model="frozen",version="1"} 10\n' +
    'nv_inference_pending_request_count{model="busy",version="1"} 1\nnv_inference_exec_count{model="busy",version="1"} 900\n';
  expect(figures(page, "frozen")).toMatchObject({ waiting: 4, progress: 10 });
  expect(figures(page, "another")).toMatchObject({ waiting: 5, progress: 910 });
  expect(figures(page)).toMatchObject({ waiting: 5, progress: 910 });
});

test("a named adapter looks for its own families only; values that are no numbers are left out", () => {
  const page = metricsPage("TGI", { running: 1, waiting: 0, moves: 5 });
  expect(figures(page, undefined, "vllm")).toBeUndefined();
  expect(figures(page, undefined, "tgi")?.running).toBe(1);
  expect(figures("tgi_batch_current_size NaN\ntgi_queue_size 2\n")).toEqual({ server: "tgi", running: undefined, waiting: 2, progress: 0 });
});

test("no two adapters claim the same family, so that `auto` does not depend on their order", () => {
  for (const kind of kinds) {
    const page = metricsPage(kind, { running: 1, waiting: 1, moves: 1 });
    expect(adapterNames.filter((name) => figures(page, undefined, name) !== undefined)).toEqual([adapterFor(kind)]);
  }
});
