/**
 * Reads the model server's own metrics and finds in them what is in flight, what waits, and the counter that shows that the
 * server gets on. Which families these are is a table: one line a kind of server.
 */
import { instruments } from "../../exporters/instruments.ts";
import type { Clock } from "../clock.ts";
import type { Ask } from "../forward/ask.ts";
import type { Point } from "../observation.ts";
import { unknown, type Collector, type Reading } from "./collector.ts";
import { parsePrometheusText, type Sample } from "./prometheus-text.ts";

interface Adapter {
  readonly server: string;
  /** Samples that add up to the figure; of several groups the first that is there counts, since names change between versions. */
  readonly inFlight: readonly (readonly string[])[];
  readonly queue: readonly (readonly string[])[];
  readonly progress: readonly (readonly string[])[];
  /** Leaves out samples that say nothing of inference. */
  readonly counts?: (sample: Sample) => boolean;
}

const adapters: readonly Adapter[] = [
  {
    server: "example",
    inFlight: [["server_requests_in_progress"]],
    queue: [["server_queue_length"]],
    progress: [["server_inferences_total"]],
  },
  {
    // An iteration moves while a long prompt is read, when no token is generated yet; older versions do not count them.
    server: "vllm",
    inFlight: [["vllm:num_requests_running"]],
    queue: [["vllm:num_requests_waiting"]],
    progress: [["vllm:iteration_tokens_total_count"], ["vllm:generation_tokens_total", "vllm:prompt_tokens_total"]],
  },
  {
    // Requests that wait for a model instance; Triton does not say how many are being executed.
    server: "triton",
    inFlight: [],
    queue: [["nv_inference_pending_request_count"]],
    progress: [["nv_inference_exec_count"]],
  },
  {
    // Health checks are GET requests and no inference.
    server: "mlserver",
    inFlight: [["rest_server_requests_in_progress"]],
    queue: [],
    progress: [["model_infer_request_success_total", "model_infer_request_failure_total"]],
    counts: ({ labels }) => labels["method"] === undefined || labels["method"] === "POST",
  },
];

/** What the server says of its work; the same shape that the progress probe takes. */
export interface ServerWork {
  /** What is being worked on and what waits, added up: some servers count the waiting ones twice, so only 0 means just that. */
  readonly inFlight: number;
  readonly progress: number;
  readonly readAtMs: number;
}

export interface ServerFigures {
  readonly server: string;
  readonly inFlight: number | undefined;
  readonly queue: number | undefined;
  readonly progress: number;
}

/** Undefined where the samples are of no server in the table. */
export function serverFigures(samples: readonly Sample[]): ServerFigures | undefined {
  for (const { server, inFlight, queue, progress, counts } of adapters) {
    const sum = (groups: Adapter["progress"]) => sumOf(samples, groups, counts);
    const steps = sum(progress);
    if (steps !== undefined) return { server, inFlight: sum(inFlight), queue: sum(queue), progress: steps };
  }
  return undefined;
}

function sumOf(samples: readonly Sample[], groups: Adapter["progress"], counts: Adapter["counts"]): number | undefined {
  for (const names of groups) {
    const found = samples.filter((sample) => names.includes(sample.name) && Number.isFinite(sample.value) && counts?.(sample) !== false);
    if (found.length > 0) return found.reduce((sum, { value }) => sum + value, 0);
  }
  return undefined;
}

export interface ServerMetricsOptions {
  readonly url: URL;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export interface ServerMetrics extends Collector {
  /** Of the last page that could be read, with its age; undefined while there was none, or where it says nothing of work. */
  serverWork(): ServerWork | undefined;
}

export function serverMetrics({ url, intervalMs, timeoutMs }: ServerMetricsOptions, { clock, ask }: { readonly clock: Clock; readonly ask: Ask }): ServerMetrics {
  let work: ServerWork | undefined;

  const read = async (): Promise<Reading> => {
    const askedAtMs = clock.monotonicMs();
    const asked = await ask(clock, { url: url.href, headers: { accept: "text/plain;version=0.0.4", "accept-encoding": "identity" }, timeoutMs });
    if (!asked.ok) return unknown(`${url.href}: ${asked.outcome}: ${asked.detail}`);
    if (asked.status !== 200) return unknown(`${url.href} answered ${asked.status}`);
    const parsed = parsePrometheusText(asked.body.toString("utf8"));
    if (!parsed.ok) return unknown(`${url.href}, line ${parsed.line}: ${parsed.detail}`);
    const figures = serverFigures(parsed.samples);
    if (figures === undefined) return unknown(`${url.href} has no metrics of a server that is known here`);

    const { server, inFlight, queue, progress } = figures;
    // The moment of asking: what happened while the page was on its way is not on it.
    if (inFlight !== undefined || queue !== undefined) work = { inFlight: (inFlight ?? 0) + (queue ?? 0), progress, readAtMs: askedAtMs };
    const points: Point[] = [{ instrument: instruments.serverProgress, labels: {}, value: progress }];
    if (inFlight !== undefined) points.push({ instrument: instruments.serverInFlight, labels: {}, value: inFlight });
    if (queue !== undefined) points.push({ instrument: instruments.serverQueue, labels: {}, value: queue });
    return { status: "ok", detail: `${server}: ${parsed.samples.length} samples`, points };
  };

  return { intervalMs, timeoutMs: 2 * timeoutMs, read, serverWork: () => work };
}
