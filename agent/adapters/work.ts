/**
 * What a model server says of its work, in one set of words for all kinds: how large its batches are, how full its cache of keys
 * and values is, how many tokens went in and came out, how many requests it answered and failed, and how long they took and
 * waited. For people to look at; what tells a hung server from a busy one is in adapter.ts.
 *
 * Families are those of the servers' own sources: vLLM's and Triton's as recorded, SGLang 0.5.23, BentoML 1.4.40, MLServer 1.7.1,
 * KServe 0.21.0, TorchServe's and TGI's documentation, TensorFlow Serving's exporter. What a client did to itself (a request that it aborted or
 * that was refused as wrong) counts neither as answered nor as failed.
 */
import { isHealthOfBentoml, type AdapterName } from "./adapters.ts";
import type { Sample } from "./prometheus-text.ts";

/** Undefined where the server does not say. Totals grow from the server's start. */
export interface Work {
  /** Requests, rows or sequences in the batch that runs now; undefined where only totals tell. */
  readonly batchSize?: number | undefined;
  /** What was executed in batches, and in how many: totals. */
  readonly batched?: number | undefined;
  readonly batches?: number | undefined;
  /** 0 to 1; of several engines the fullest. */
  readonly cacheRatio?: number | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly answered?: number | undefined;
  readonly failed?: number | undefined;
  /** Of the requests that were answered. */
  readonly requestS?: number | undefined;
  readonly queueS?: number | undefined;
}

interface Family {
  /** The first of these that the page has is meant: an old and a new name of one figure may stand side by side. */
  readonly names: readonly string[];
  readonly counts?: (labels: Sample["labels"]) => boolean;
  /** Into the unit of the word; 1 by default. */
  readonly factor?: number;
}

const family = (...names: readonly string[]): Family => ({ names });
const micros = (...names: readonly string[]): Family => ({ names, factor: 1e-6 });
const only = (name: string, counts: (labels: Sample["labels"]) => boolean): Family => ({ names: [name], counts });

const codeOf = (labels: Sample["labels"]) => Number(labels["http_response_code"] ?? labels["code"]);

const families: Readonly<Record<AdapterName, Readonly<Partial<Record<keyof Work, Family>>>>> = {
  example: {
    answered: only("server_requests_total", (labels) => codeOf(labels) < 400),
    failed: only("server_requests_total", (labels) => codeOf(labels) >= 500),
    requestS: family("server_inference_duration_seconds_sum"),
  },
  vllm: {
    batchSize: family("vllm:num_requests_running"),
    cacheRatio: family("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    inputTokens: family("vllm:prompt_tokens_total", "vllm:prompt_tokens"),
    outputTokens: family("vllm:generation_tokens_total", "vllm:generation_tokens"),
    answered: only("vllm:request_success_total", ({ finished_reason }) => finished_reason !== "abort" && finished_reason !== "error"),
    failed: only("vllm:request_success_total", ({ finished_reason }) => finished_reason === "error"),
    requestS: family("vllm:e2e_request_latency_seconds_sum"),
    queueS: family("vllm:request_queue_time_seconds_sum"),
  },
  sglang: {
    batchSize: family("sglang:num_running_reqs"),
    cacheRatio: family("sglang:full_token_usage", "sglang:token_usage"),
    inputTokens: family("sglang:prompt_tokens_total"),
    outputTokens: family("sglang:generation_tokens_total"),
    answered: family("sglang:num_requests_total"),
    requestS: family("sglang:e2e_request_latency_seconds_sum"),
    queueS: family("sglang:queue_time_seconds_sum"),
  },
  tgi: {
    batchSize: family("tgi_batch_current_size"),
    inputTokens: family("tgi_request_input_length_sum"),
    outputTokens: family("tgi_request_generated_tokens_sum"),
    answered: family("tgi_request_success"),
    failed: only("tgi_request_failure", ({ err }) => err !== "validation"),
    requestS: family("tgi_request_duration_sum"),
    queueS: family("tgi_request_queue_duration_sum"),
  },
  triton: {
    batched: family("nv_inference_count"),
    batches: family("nv_inference_exec_count"),
    answered: family("nv_inference_request_success"),
    failed: only("nv_inference_request_failure", ({ reason }) => reason !== "CANCELED" && reason !== "REJECTED"),
    requestS: micros("nv_inference_request_duration_us"),
    queueS: micros("nv_inference_queue_duration_us"),
  },
  mlserver: {
    answered: family("model_infer_request_success_total"),
    failed: family("model_infer_request_failure_total"),
    requestS: family("model_infer_request_duration_sum"),
  },
  kserve: {
    answered: family("request_predict_seconds_count"),
    requestS: family("request_predict_seconds_sum"),
  },
  torchserve: {
    answered: family("Requests2XX"),
    failed: family("Requests5XX"),
    requestS: micros("ts_inference_latency_microseconds"),
    queueS: micros("ts_queue_latency_microseconds"),
  },
  "tf-serving": {
    batched: family(":tensorflow:serving:batching_session:processed_batch_size_sum"),
    batches: family(":tensorflow:serving:batching_session:processed_batch_size_count"),
    answered: only(":tensorflow:serving:request_count", ({ status }) => status === undefined || status === "OK"),
    failed: only(":tensorflow:serving:request_count", ({ status }) => status !== undefined && !["OK", "INVALID_ARGUMENT", "NOT_FOUND", "CANCELLED"].includes(status)),
    requestS: micros(":tensorflow:serving:request_latency_sum"),
    queueS: micros(":tensorflow:serving:batching_session:queuing_latency_sum"),
  },
  bentoml: {
    batched: family("bentoml_service_adaptive_batch_size_sum", "bentoml_runner_adaptive_batch_size_sum"),
    batches: family("bentoml_service_adaptive_batch_size_count", "bentoml_runner_adaptive_batch_size_count"),
    answered: { names: ["bentoml_service_request_total", "bentoml_api_server_request_total"], counts: (labels) => !isHealthOfBentoml(labels) && codeOf(labels) < 400 },
    failed: { names: ["bentoml_service_request_total", "bentoml_api_server_request_total"], counts: (labels) => !isHealthOfBentoml(labels) && codeOf(labels) >= 500 },
    requestS: { names: ["bentoml_service_request_duration_seconds_sum", "bentoml_api_server_request_duration_seconds_sum"], counts: (labels) => !isHealthOfBentoml(labels) && codeOf(labels) < 400 },
  },
};

/** All models of the server together. Cost: one walk over the samples. */
export function workOf(samples: readonly Sample[], server: AdapterName): Work {
  const table = Object.entries(families[server]) as [keyof Work, Family][];
  const wanted = new Set(table.flatMap(([, { names }]) => names));
  const byName = new Map<string, Sample[]>();
  for (const sample of samples) {
    if (!wanted.has(sample.name) || !Number.isFinite(sample.value)) continue;
    const known = byName.get(sample.name);
    if (known === undefined) byName.set(sample.name, [sample]);
    else known.push(sample);
  }
  return Object.fromEntries(table.map(([word, one]) => [word, valueOf(word, one, byName)]));
}

/** A family that is there without any sample that counts is nothing yet: 0 failures. */
function valueOf(word: keyof Work, { names, counts = () => true, factor = 1 }: Family, byName: ReadonlyMap<string, readonly Sample[]>): number | undefined {
  const found = names.map((name) => byName.get(name)).find((samples) => samples !== undefined);
  if (found === undefined) return undefined;
  const values = found.filter(({ labels }) => counts(labels)).map(({ value }) => value * factor);
  if (word === "cacheRatio") return values.length === 0 ? undefined : Math.max(...values);
  return values.reduce((sum, value) => sum + value, 0);
}
