/** Inferences that were dealt, each an event of its side: how the attempt went, what was answered, and later what came true. */
import type { Dealt } from "../../detectors/judge/comparison.ts";
import { primaryName } from "../backend.ts";
import type { ActualObservation, SampleObservation } from "../observation.ts";
import { numbersOf, predictionsOf } from "../protocols/compare-answers.ts";
import type { Value } from "../protocols/protocol.ts";
import { candidateName, type TrialObservation } from "../trial.ts";
import { LateLabels, type Joined, type LateLabelsSnapshot } from "./late-labels.ts";
import type { Metric } from "./metric.ts";
import { latencyName } from "./trial-comparisons.ts";
import { keepable, sizeOf, type TrialContext } from "./trial-context.ts";
import type { Attempt, SeenRow } from "./trial-metrics.ts";

interface SaidBySide {
  readonly candidate: boolean;
  readonly weight: number;
  readonly key: number;
  readonly said: readonly Value[] | undefined;
  /** Where a metric wants to see them again. */
  readonly rows: readonly SeenRow[];
  readonly attempt: Attempt;
}
export type SidesWaiting = LateLabelsSnapshot<SaidBySide>;

type Side = Required<Dealt>;

/** Latencies, and samples that wait for theirs: a trial and its sample come within moments of each other. */
const latenciesMax = 4_096;
const samplesMax = 256;

/** What is heard returns whether it turned a comparison to harm. */
export class TrialSides {
  readonly #context: TrialContext;
  readonly #waiting: LateLabels<SaidBySide>;
  readonly #latencies = new Map<string, number>();
  readonly #samples = new Map<string, SampleObservation>();

  constructor(context: TrialContext) {
    this.#context = context;
    this.#waiting = new LateLabels(context.deps.labels);
  }

  trial({ inferenceId, candidate, weight, key, failed, outcome, durationMs, atWallMs }: TrialObservation): boolean {
    const { setup, metrics } = this.#context;
    const dealt: Side = { candidate, weight, group: this.#context.groupOf(key, atWallMs) };
    let isHarm = this.#judge("errors", { ...dealt, failed });
    // A client that gave up waiting has seen at least so much of the latency.
    if (!failed && (outcome === "ok" || outcome === "cancelled")) {
      for (const q of setup.options.latency.quantiles) isHarm = this.#judge(latencyName(q), { ...dealt, value: Math.max(0, durationMs) }) || isHarm;
    }
    for (const metric of metrics.needing("attempt")) isHarm = this.#judgeMetric(metric, dealt, metrics.ofAttempt(metric, { latencyMs: durationMs, failed })) || isHarm;
    if (!metrics.wantsLatency || failed) return isHarm;
    remember(this.#latencies, inferenceId, durationMs, latenciesMax);
    const sample = this.#samples.get(inferenceId);
    this.#samples.delete(inferenceId);
    return (sample !== undefined && this.sample(sample)) || isHarm;
  }

  /** One that another than its side answered says nothing of the side. */
  sample(sample: SampleObservation): boolean {
    const { inferenceId, trial, rung, atWallMs } = sample;
    const { deps, evidence, metrics } = this.#context;
    const protocol = deps.protocol(sample.protocol);
    if (trial === undefined || protocol === undefined || rung !== (trial.candidate ? candidateName : primaryName)) return false;
    const { candidate, weight, key } = trial;
    if (!(weight > 0 && weight < 1)) return false;
    const latencyMs = this.#latencies.get(inferenceId);
    if (metrics.wantsLatency && latencyMs === undefined) return remember(this.#samples, inferenceId, sample, samplesMax);

    const answer = protocol.decodeResponse(sample.response);
    if (!answer.ok) return false;
    const reading = this.#context.readingOf(protocol.name);
    const dealt: Side = { candidate, weight, group: this.#context.groupOf(key, atWallMs) };
    const numbers = evidence.has("scores") ? numbersOf(answer, reading)?.values : undefined;
    // One row stands for a batch, by the inference's id.
    let isHarm = numbers !== undefined && this.#judge("scores", { ...dealt, value: numbers[spread(inferenceId) % numbers.length] });
    const rows = this.#context.rowsOf(protocol, sample.request, answer);
    const attempt: Attempt = { latencyMs: latencyMs ?? 0, failed: false };
    for (const metric of metrics.needing("answer")) isHarm = this.#judgeMetric(metric, dealt, metrics.valueOf(metric, rows, attempt)) || isHarm;

    const said = evidence.has("accuracy") ? keepable(predictionsOf(answer, reading)) : undefined;
    const kept = metrics.needing("actual").length > 0 ? rows : [];
    if (said === undefined && kept.length === 0) return isHarm;
    return this.#settle(this.#waiting.said(inferenceId, { candidate, weight, key, said, rows: kept, attempt }, sizeOf(said, kept), atWallMs), atWallMs) || isHarm;
  }

  /** What came true, on the side and at the weight at which the inference was dealt. */
  actual(observation: ActualObservation, nowMs: number): { readonly is: Joined<unknown>["is"]; readonly isHarm: boolean } {
    const joined = this.#waiting.actual(observation, nowMs);
    return { is: joined.is, isHarm: this.#settle(joined, observation.atWallMs) };
  }

  tick(nowMs: number, wallMs: number): void {
    this.#waiting.tick(nowMs, wallMs);
  }

  snapshot(): SidesWaiting {
    return this.#waiting.snapshot();
  }

  restore(saved: SidesWaiting): void {
    this.#waiting.restore(saved);
  }

  #settle(joined: Joined<SaidBySide>, atWallMs: number): boolean {
    if (joined.is !== "joined") return false;
    const { said: { candidate, weight, key, said, rows, attempt }, values } = joined;
    const { metrics } = this.#context;
    this.#context.actuals += 1;
    const dealt: Side = { candidate, weight, group: this.#context.groupOf(key, atWallMs) };
    let isHarm = said?.length === values.length && values.length > 0 && this.#judge("accuracy", { ...dealt, failed: this.#context.wrong(said, values) });
    if (rows.length === 0 || rows.length > values.length) return isHarm;
    for (const metric of metrics.needing("actual")) isHarm = this.#judgeMetric(metric, dealt, metrics.valueOf(metric, rows, attempt, values)) || isHarm;
    return isHarm;
  }

  #judgeMetric({ name, kind }: Metric, dealt: Side, value: number | undefined): boolean {
    return value !== undefined && this.#judge(name, kind === "truth" ? { ...dealt, failed: value } : { ...dealt, value });
  }

  #judge(name: string, event: Side & { readonly failed?: boolean | number; readonly value?: number | undefined }): boolean {
    return this.#context.evidence.live(name, event);
  }
}

function remember<Kept>(map: Map<string, Kept>, id: string, kept: Kept, most: number): false {
  map.set(id, kept);
  if (map.size > most) map.delete(map.keys().next().value as string);
  return false;
}

/** FNV-1a of 32 bits, mixed. */
function spread(text: string): number {
  let bits = 0x811c_9dc5;
  for (let i = 0; i < text.length; i += 1) bits = Math.imul(bits ^ text.charCodeAt(i), 0x0100_0193);
  return (bits ^ (bits >>> 15)) >>> 0;
}
