/**
 * The few series a model server should have, in Prometheus' text format. `server_inferences_total` is the one that tells a
 * hung server from a busy one: while requests are in progress it must grow.
 */

const bucketsSeconds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

export class Metrics {
  /** Keys are label sets as they are printed; both sets are bounded, by the loaded versions and by the codes we answer with. */
  readonly #inferences = new Map<string, number>();
  readonly #requests = new Map<number, number>();
  readonly #buckets = bucketsSeconds.map(() => 0);
  #count = 0;
  #sumSeconds = 0;

  /** A version that may answer: its counter is there from the start, at 0, so that the first increase is seen. */
  loaded(model: string, version: string): void {
    const labels = labelsOf(model, version);
    if (!this.#inferences.has(labels)) this.#inferences.set(labels, 0);
  }

  /** The model has answered; `seconds` from the arrival of the whole request, waiting included. */
  inferred(model: string, version: string, seconds: number): void {
    const labels = labelsOf(model, version);
    this.#inferences.set(labels, (this.#inferences.get(labels) ?? 0) + 1);
    const bucket = bucketsSeconds.findIndex((upper) => seconds <= upper);
    if (bucket >= 0) this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
    this.#sumSeconds += seconds;
  }

  /** An inference request was answered, with whatever status. */
  answered(status: number): void {
    this.#requests.set(status, (this.#requests.get(status) ?? 0) + 1);
  }

  /** The text of `GET /metrics`. */
  text({ inProgress, queued }: { readonly inProgress: number; readonly queued: number }): string {
    let below = 0;
    const buckets = bucketsSeconds.map((upper, i) => {
      below += this.#buckets[i] as number;
      return `server_inference_duration_seconds_bucket{le="${upper}"} ${below}`;
    });
    return [
      ...family("server_requests_in_progress", "gauge", "Inference requests that have arrived and are not yet answered."),
      `server_requests_in_progress ${inProgress}`,
      ...family("server_queue_length", "gauge", "Inference requests that wait for the model."),
      `server_queue_length ${queued}`,
      ...family("server_inferences_total", "counter", "Inferences that a model has finished."),
      ...[...this.#inferences].map(([labels, value]) => `server_inferences_total${labels} ${value}`),
      ...family("server_requests_total", "counter", "Inference requests answered, by status code."),
      ...[...this.#requests].map(([code, value]) => `server_requests_total{code="${code}"} ${value}`),
      ...family("server_inference_duration_seconds", "histogram", "From the arrival of a whole request to the model's answer."),
      ...buckets,
      `server_inference_duration_seconds_bucket{le="+Inf"} ${this.#count}`,
      `server_inference_duration_seconds_sum ${this.#sumSeconds}`,
      `server_inference_duration_seconds_count ${this.#count}`,
      "",
    ].join("\n");
  }
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelsOf(model: string, version: string): string {
  return `{model="${escaped(model)}",version="${escaped(version)}"}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
