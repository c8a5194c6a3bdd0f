/**
 * A model server on the virtual clock: it says of itself, in the metrics of each kind of server, what a real one would say.
 * Recorded pages are taken where there is one, with their numbers put to what the engine does.
 */
import { readFileSync } from "node:fs";
import { parsePrometheusText, type Sample } from "../../agent/adapters/prometheus-text.ts";
import type { AdapterName } from "../../agent/adapters/adapters.ts";

export interface Shows {
  readonly running: number;
  readonly waiting: number;
  /** Steps or answers since the server started, as its kind counts them. */
  readonly moves: number;
}

const recorded = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

const pages = {
  "vLLM, recorded": page("vllm", recorded("../adapters/fixtures/prometheus-text/vllm_opt125m.prom"), ({ running, waiting, moves }) => ({
    "vllm:num_requests_running": running,
    "vllm:num_requests_waiting": waiting,
    "vllm:iteration_tokens_total_count": moves,
  })),
  "vLLM, without a count of iterations": page("vllm", 'vllm:num_requests_running{model_name="m"} 0\nvllm:num_requests_waiting{model_name="m"} 0\nvllm:generation_tokens_total{model_name="m"} 0\nvllm:prompt_tokens_total{model_name="m"} 7\n', ({ running, waiting, moves }) => ({
    "vllm:num_requests_running": running,
    "vllm:num_requests_waiting": waiting,
    "vllm:generation_tokens_total": 8 * moves,
  })),
  "SGLang": page("sglang", 'sglang:num_running_reqs{model_name="m"} 0\nsglang:num_queue_reqs{model_name="m"} 0\nsglang:realtime_tokens_total{mode="decode",model_name="m"} 0\nsglang:gen_throughput{model_name="m"} 41.5\n', ({ running, waiting, moves }) => ({
    "sglang:num_running_reqs": running,
    "sglang:num_queue_reqs": waiting,
    "sglang:realtime_tokens_total": 40 * moves,
  })),
  "TGI": page("tgi", 'tgi_batch_current_size 0\ntgi_queue_size 0\ntgi_batch_inference_success{method="decode"} 0\ntgi_batch_inference_count{method="decode"} 9\n', ({ running, waiting, moves }) => ({
    "tgi_batch_current_size": running,
    "tgi_queue_size": waiting,
    "tgi_batch_inference_success": moves,
  })),
  "Triton, recorded": page("triton", recorded("../adapters/fixtures/prometheus-text/triton_t4.prom"), ({ waiting, moves }) => ({
    'nv_inference_pending_request_count{model="densenet_onnx",version="1"}': waiting,
    'nv_inference_exec_count{model="densenet_onnx",version="1"}': moves,
  })),
  "MLServer, recorded": page("mlserver", recorded("../adapters/fixtures/mlserver-1.7.1.prom"), ({ running, waiting, moves }) => ({
    'rest_server_requests_in_progress{app_name="mlserver",method="POST"}': running + waiting,
    "model_infer_request_success_total": moves,
  })),
  "the example server": page("example", 'server_requests_in_progress 0\nserver_queue_length 0\nserver_inferences_total{model="m",version="1"} 0\n', ({ running, waiting, moves }) => ({
    server_requests_in_progress: running,
    server_queue_length: waiting,
    server_inferences_total: moves,
  })),
} as const satisfies Record<string, { readonly adapter: AdapterName; readonly text: (shows: Shows) => string }>;

export type Kind = keyof typeof pages;
export const kinds = Object.keys(pages) as Kind[];

export function adapterFor(kind: Kind): AdapterName {
  return pages[kind].adapter;
}

export function metricsPage(kind: Kind, shows: Shows): string {
  return pages[kind].text(shows);
}

/** Keys are names of samples, with their labels where there are several of the name. */
function page<A extends AdapterName>(adapter: A, template: string, numbers: (shows: Shows) => Readonly<Record<string, number>>) {
  return {
    adapter,
    text(shows: Shows): string {
      return Object.entries(numbers(shows)).reduce((text, [sample, value]) => {
        const at = text.split("\n").findIndex((line) => line.startsWith(`${sample} `) || line.startsWith(`${sample}{`));
        if (at < 0) throw new Error(`the page has no ${sample}`);
        const lines = text.split("\n");
        lines[at] = (lines[at] as string).replace(/ \S+$/, ` ${value}`);
        return lines.join("\n");
      }, template);
    },
  };
}

export function samplesOf(text: string): readonly Sample[] | undefined {
  const parsed = parsePrometheusText(text);
  return parsed.ok ? parsed.samples : undefined;
}
