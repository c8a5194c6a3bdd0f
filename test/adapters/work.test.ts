import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AdapterName } from "../../agent/adapters/adapters.ts";
import { workOf } from "../../agent/adapters/work.ts";
import { samplesOf } from "../probes/engine.ts";

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");
const work = (server: AdapterName, text: string) => workOf(samplesOf(text) ?? [], server);

test("vLLM, as recorded", () => {
  expect(work("vllm", read("prometheus-text/vllm_opt125m.prom"))).toEqual({
    batchSize: 0, cacheRatio: 0, inputTokens: 5, outputTokens: 7, answered: 1, failed: 0, requestS: 0.5034303665161133, queueS: 0.00007358146831393242,
  });
});

test("Triton, as recorded", () => {
  expect(work("triton", read("prometheus-text/triton_t4.prom"))).toEqual({ batched: 3, batches: 3, answered: 3, failed: 0, requestS: expect.closeTo(1.327965, 9), queueS: 0.000145 });
});

test("TorchServe, as documented", () => {
  expect(work("torchserve", read("prometheus-text/torchserve_docs.prom"))).toEqual({ answered: 8, requestS: 0.290371129, queueS: 0.00036521 });
});

test("MLServer, as recorded: three answers and a failure", () => {
  expect(work("mlserver", read("mlserver-1.7.1.prom"))).toEqual({ answered: 3, failed: 1, requestS: 0.005747276998590678 });
});

test("KServe, as recorded: three predictions", () => {
  expect(work("kserve", read("kserve-0.21.0.prom"))).toEqual({ answered: 3, requestS: 0.005178926001462969 });
});

test("SGLang: the cache of its full attention before the one that stands for all, and no failures, since it tells none", () => {
  const page = 'sglang:num_running_reqs{model_name="m"} 4\nsglang:token_usage{model_name="m"} 0.7\nsglang:full_token_usage{model_name="m"} 0.6\nsglang:prompt_tokens_total{model_name="m",is_streaming="true"} 30\nsglang:prompt_tokens_total{model_name="m",is_streaming="false"} 12\nsglang:e2e_request_latency_seconds_sum{model_name="m"} 8.5\n';
  expect(work("sglang", page)).toEqual({ batchSize: 4, cacheRatio: 0.6, inputTokens: 42, requestS: 8.5 });
});

test("TGI: a request that was refused as wrong is not its failure", () => {
  const page = 'tgi_batch_current_size 3\ntgi_request_success{method="generate"} 9\ntgi_request_failure{err="validation"} 5\ntgi_request_failure{err="generation"} 1\ntgi_request_duration_sum 20.5\ntgi_request_queue_duration_sum 0.5\ntgi_request_generated_tokens_sum 900\ntgi_request_input_length_sum 100\n';
  expect(work("tgi", page)).toEqual({ batchSize: 3, answered: 9, failed: 1, requestS: 20.5, queueS: 0.5, outputTokens: 900, inputTokens: 100 });
});

test("TensorFlow Serving: microseconds become seconds, and what its client asked wrongly is nobody's failure", () => {
  const page = ':tensorflow:serving:request_count{model_name="a",status="OK"} 5\n:tensorflow:serving:request_count{model_name="a",status="INVALID_ARGUMENT"} 3\n:tensorflow:serving:request_count{model_name="a",status="INTERNAL"} 2\n:tensorflow:serving:request_latency_sum{model_name="a"} 2500000\n:tensorflow:serving:batching_session:processed_batch_size_sum{} 64\n:tensorflow:serving:batching_session:processed_batch_size_count{} 4\n';
  expect(work("tf-serving", page)).toEqual({ answered: 5, failed: 2, requestS: 2.5, batched: 64, batches: 4 });
});

test("BentoML: what is asked of its health is no request", () => {
  const page = 'bentoml_service_request_total{endpoint="/predict",http_response_code="200"} 7\nbentoml_service_request_total{endpoint="/readyz",http_response_code="200"} 900\nbentoml_service_request_total{endpoint="/predict",http_response_code="500"} 2\nbentoml_service_request_total{endpoint="/predict",http_response_code="400"} 1\nbentoml_service_request_duration_seconds_sum{endpoint="/predict",http_response_code="200"} 1.5\nbentoml_service_adaptive_batch_size_sum{method_name="predict"} 7\nbentoml_service_adaptive_batch_size_count{method_name="predict"} 2\n';
  expect(work("bentoml", page)).toEqual({ answered: 7, failed: 2, requestS: 1.5, batched: 7, batches: 2 });
});

test("a family that is there without any sample that counts is nothing yet; one that is not there is not told", () => {
  expect(work("vllm", 'vllm:request_success_total{finished_reason="abort"} 3\n')).toEqual({ answered: 0, failed: 0 });
});

test("of several engines the fullest cache is told, and tokens add up", () => {
  const page = 'vllm:kv_cache_usage_perc{engine="0"} 0.2\nvllm:kv_cache_usage_perc{engine="1"} 0.9\nvllm:generation_tokens_total{engine="0"} 5\nvllm:generation_tokens_total{engine="1"} 6\n';
  expect(work("vllm", page)).toEqual({ cacheRatio: 0.9, outputTokens: 11 });
});
