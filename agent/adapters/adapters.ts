/**
 * The model servers whose metrics tell of their work, by name. Names and behaviour are those of the servers' own sources;
 * the numbers of the reports that taught a line are beside it.
 */
import { figuresBy, type Adapter, type Figures } from "./adapter.ts";
import type { Sample } from "./prometheus-text.ts";

const ownPort = { path: "/metrics" } as const;

const healthOfBentoml: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz", "/metrics"]);

/** BentoML counts what is asked of its health among its requests. */
export function isHealthOfBentoml(labels: Sample["labels"]): boolean {
  return healthOfBentoml.has(labels["endpoint"] ?? "");
}

export const adapters = {
  example: {
    place: ownPort,
    running: ["server_requests_in_progress"],
    waiting: ["server_queue_length"],
    progress: ["server_inferences_total"],
    movesBy: "answers",
    modelLabel: "model",
  },

  /**
   * The count of iterations moves while a long prompt is read in chunks, when no token is generated; older versions have
   * only the tokens. Counters lose their `_total` on some ways here, such as that over OpenTelemetry. `vllm:request_success_total` counts requests that were aborted too, so clients that give up on a frozen
   * engine would make it move. Swapped requests are of the versions before the V1 engine.
   */
  vllm: {
    place: ownPort,
    running: ["vllm:num_requests_running"],
    waiting: ["vllm:num_requests_waiting", "vllm:num_requests_swapped"],
    progress: [
      "vllm:iteration_tokens_total_count", "vllm:iteration_tokens_count",
      "vllm:generation_tokens_total", "vllm:generation_tokens", "vllm:prompt_tokens_total", "vllm:prompt_tokens",
    ],
    movesBy: "steps",
    modelLabel: "model_name",
  },

  /**
   * `sglang:realtime_tokens_total` moves at each interval of its log, 40 steps of decoding by default; tokens of streams at
   * each part; the totals of tokens only when a request is done. When work ends the gauges keep their last value until the
   * log of idleness, 30 s later (sglang#26495, mended by #31517).
   */
  sglang: {
    place: ownPort,
    running: ["sglang:num_running_reqs"],
    waiting: ["sglang:num_queue_reqs"],
    progress: [
      "sglang:realtime_tokens_total", "sglang:inter_token_latency_seconds_count", "sglang:time_to_first_token_seconds_count",
      "sglang:generation_tokens_total", "sglang:prompt_tokens_total",
    ],
    movesBy: "steps",
    modelLabel: "model_name",
    countersLagMs: 5_000,
    gaugesLagMs: 35_000,
  },

  /** Forward passes that succeeded, prefill and decode alike; the count of those begun would move once more in a hung one. */
  tgi: {
    place: ownPort,
    running: ["tgi_batch_current_size"],
    waiting: ["tgi_queue_size"],
    progress: ["tgi_batch_inference_success", "tgi_batch_inference_duration_count", "tgi_request_success"],
    movesBy: "steps",
  },

  /**
   * Triton says how many requests wait for an instance of a model, not how many are executed. Failures are left out:
   * requests that their clients cancelled are among them.
   */
  triton: {
    place: { port: 8_002, path: "/metrics" },
    running: [],
    waiting: ["nv_inference_pending_request_count"],
    progress: ["nv_inference_exec_count", "nv_inference_request_success"],
    movesBy: "answers",
    modelLabel: "model",
  },

  /** Health checks are GET requests and no inference. A failure is an answer: the model has run. */
  mlserver: {
    place: { port: 8_082, path: "/metrics" },
    running: ["rest_server_requests_in_progress"],
    waiting: [],
    progress: ["model_infer_request_success_total", "model_infer_request_failure_total"],
    movesBy: "answers",
    modelLabel: "model",
    counts: ({ labels }) => labels["method"] === undefined || labels["method"] === "POST",
  },

  /** KServe's Python server counts what it has predicted and says nothing of what is in flight, so it only ever acquits. */
  kserve: {
    place: ownPort,
    running: [],
    waiting: [],
    progress: ["request_predict_seconds_count"],
    movesBy: "answers",
    modelLabel: "model_name",
  },

  /**
   * TorchServe counts requests when they come and adds up their latency when they are answered; only the latter is progress.
   * What is in flight it does not say.
   */
  torchserve: {
    place: { port: 8_082, path: "/metrics" },
    running: [],
    waiting: [],
    progress: ["ts_inference_latency_microseconds"],
    movesBy: "answers",
    modelLabel: "model_name",
  },

  /** Families begin with a colon. Requests are counted when they are answered, runs of the graph when they are over. */
  "tf-serving": {
    place: { path: "/monitoring/prometheus/metrics" },
    running: [],
    waiting: [],
    progress: [":tensorflow:serving:request_count", ":tensorflow:serving:request_latency_count", ":tensorflow:core:graph_runs"],
    movesBy: "answers",
    modelLabel: "model_name",
  },

  /** Requests are counted when their answer is out, whatever it is. Health checks are no inference. */
  bentoml: {
    place: ownPort,
    running: ["bentoml_service_request_in_progress", "bentoml_api_server_request_in_progress"],
    waiting: [],
    progress: ["bentoml_service_request_total", "bentoml_api_server_request_total"],
    movesBy: "answers",
    counts: ({ labels }) => !isHealthOfBentoml(labels),
  },
} as const satisfies Record<string, Adapter>;

export type AdapterName = keyof typeof adapters;

export const adapterNames = Object.keys(adapters) as AdapterName[];

export function adapterOf(name: AdapterName): Adapter {
  return adapters[name];
}

export interface NamedFigures extends Figures {
  readonly server: AdapterName;
}

/** `auto`: by the first adapter that finds a family of its own. Undefined where none does. */
export function figuresOf(samples: readonly Sample[], name: AdapterName | "auto", model: string | undefined): NamedFigures | undefined {
  for (const server of name === "auto" ? adapterNames : [name]) {
    const figures = figuresBy(adapters[server], samples, model);
    if (figures !== undefined) return { server, ...figures };
  }
  return undefined;
}
