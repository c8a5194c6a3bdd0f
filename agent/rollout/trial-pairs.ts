/** Copies: the primary's and the candidate's answer to one and the same request, each pair an event; and later what came true. */
import type { PairEvent } from "../../detectors/judge/pairs.ts";
import { isFailure, type Outcome } from "../backend.ts";
import type { ActualObservation } from "../observation.ts";
import { compareAnswers, numbersOf, type Answer, type Reading } from "../protocols/compare-answers.ts";
import type { Value } from "../protocols/protocol.ts";
import type { ShadowObservation } from "../trial.ts";
import { LateLabels, type Joined, type LateLabelsSnapshot } from "./late-labels.ts";
import type { Metric } from "./metric.ts";
import { keepable, sizeOf, type TrialContext } from "./trial-context.ts";
import type { Attempt, SeenRow } from "./trial-metrics.ts";

interface Side {
  readonly said: readonly Value[] | undefined;
  readonly rows: readonly SeenRow[];
  readonly attempt: Attempt;
}

interface SaidByBoth {
  readonly key: number;
  readonly primary: Side;
  readonly candidate: Side;
}
export type PairsWaiting = LateLabelsSnapshot<SaidByBoth>;

/** What is heard returns whether it turned a comparison to harm. */
export class TrialPairs {
  readonly #context: TrialContext;
  readonly #waiting: LateLabels<SaidByBoth>;
  /** Pairs of which both sides say something. */
  count = 0;

  constructor(context: TrialContext) {
    this.#context = context;
    this.#waiting = new LateLabels(context.deps.labels);
  }

  pair({ inferenceId, protocol: named, primary, candidate, key, atWallMs }: ShadowObservation): boolean {
    const { deps, evidence, metrics, setup } = this.#context;
    const protocol = deps.protocol(named);
    const [was, is] = [becameOf(primary.outcome), becameOf(candidate.outcome)];
    if (protocol === undefined || was === undefined || is === undefined) return false;
    this.count += 1;
    const group = this.#context.groupOf(key, atWallMs);
    // What the primary answered and the candidate rejected it has failed to answer.
    const failed = is === "failed" || (is === "rejected" && was === "answered");
    const attempts = { primary: { latencyMs: primary.durationMs, failed: was === "failed" }, candidate: { latencyMs: candidate.durationMs, failed } };
    let isHarm = this.#judge("shadow_errors", Number(failed) - Number(was === "failed"), group);
    for (const metric of this.#metrics("attempt")) {
      isHarm = this.#judgeMetric(metric, metrics.ofAttempt(metric, attempts.primary), metrics.ofAttempt(metric, attempts.candidate), group) || isHarm;
    }
    if (was !== "answered" || is !== "answered") return isHarm;
    const { ratio } = setup.options.shadow.latency;
    isHarm = this.#judge("shadow_latency", Number(candidate.durationMs > ratio * primary.durationMs) - Number(primary.durationMs > ratio * candidate.durationMs), group) || isHarm;

    const answers = { primary: protocol.decodeResponse(primary.body), candidate: protocol.decodeResponse(candidate.body) };
    const reading = this.#context.readingOf(protocol.name);
    const { agreement, said } = compareAnswers(answers.primary, answers.candidate, reading);
    if (agreement !== undefined) isHarm = evidence.pair("shadow_disagreement", { different: 1 - agreement, group }) || isHarm;
    if (!answers.primary.ok || !answers.candidate.ok || answers.primary.rows !== answers.candidate.rows) return isHarm;
    const difference = meanDifference(answers.primary, answers.candidate, reading);
    if (difference !== undefined) isHarm = evidence.pair("shadow_difference", { primary: 0, candidate: difference, group }) || isHarm;
    const rows = { primary: this.#context.rowsOf(protocol, undefined, answers.primary), candidate: this.#context.rowsOf(protocol, undefined, answers.candidate) };
    for (const metric of this.#metrics("answer")) {
      isHarm = this.#judgeMetric(metric, metrics.valueOf(metric, rows.primary, attempts.primary), metrics.valueOf(metric, rows.candidate, attempts.candidate), group) || isHarm;
    }

    const keepsRows = this.#metrics("actual").length > 0;
    const side = (name: "primary" | "candidate", predicted: readonly Value[] | undefined): Side => ({ said: keepable(predicted), rows: keepsRows ? rows[name] : [], attempt: attempts[name] });
    const waits: SaidByBoth = { key, primary: side("primary", said?.primary), candidate: side("candidate", said?.rung) };
    if ((waits.primary.said === undefined || waits.candidate.said === undefined) && !keepsRows) return isHarm;
    const size = sizeOf(waits.primary.said, waits.primary.rows) + sizeOf(waits.candidate.said, waits.candidate.rows);
    return this.#settle(this.#waiting.said(inferenceId, waits, size, atWallMs), atWallMs) || isHarm;
  }

  actual(observation: ActualObservation, nowMs: number): { readonly is: Joined<unknown>["is"]; readonly isHarm: boolean } {
    const joined = this.#waiting.actual(observation, nowMs);
    return { is: joined.is, isHarm: this.#settle(joined, observation.atWallMs) };
  }

  tick(nowMs: number, wallMs: number): void {
    this.#waiting.tick(nowMs, wallMs);
  }

  snapshot(): PairsWaiting {
    return this.#waiting.snapshot();
  }

  restore(saved: PairsWaiting): void {
    this.#waiting.restore(saved);
  }

  #settle(joined: Joined<SaidByBoth>, atWallMs: number): boolean {
    if (joined.is !== "joined") return false;
    const { said: { key, primary, candidate }, values } = joined;
    const group = this.#context.groupOf(key, atWallMs);
    const { metrics } = this.#context;
    this.#context.actuals += 1;
    let isHarm = false;
    if (primary.said?.length === values.length && candidate.said?.length === values.length && values.length > 0) {
      isHarm = this.#judge("shadow_accuracy", this.#context.wrong(candidate.said, values) - this.#context.wrong(primary.said, values), group);
    }
    if (primary.rows.length === 0 || primary.rows.length > values.length) return isHarm;
    for (const metric of this.#metrics("actual")) {
      const of = ({ rows, attempt }: Side) => metrics.valueOf(metric, rows, attempt, values);
      isHarm = this.#judgeMetric(metric, of(primary), of(candidate), group) || isHarm;
    }
    return isHarm;
  }

  /** A copy's request is not at hand. */
  #metrics(needs: Metric["needs"]): readonly Metric[] {
    return this.#context.metrics.needing(needs).filter(({ needsRow }) => !needsRow);
  }

  #judgeMetric({ name, kind, worse }: Metric, primary: number | undefined, candidate: number | undefined, group: number): boolean {
    if (primary === undefined || candidate === undefined) return false;
    const more = kind === "truth" ? candidate - primary : Math.sign(candidate - primary) * (worse === "higher" ? 1 : -1);
    return this.#judge(`shadow_${name}`, more, group);
  }

  /** @param worse by how much the candidate is, -1 to 1. */
  #judge(name: string, worse: number, group: number): boolean {
    const event: PairEvent & { readonly group: number } = { candidate: worse > 0 ? "worse" : worse < 0 ? "better" : "same", size: Math.min(1, Math.abs(worse)), group };
    return this.#context.evidence.pair(name, event);
  }
}

/** Undefined: it says nothing of the side. Overload is of the copies, which came on top of the traffic. */
function becameOf(outcome: Outcome): "answered" | "failed" | "rejected" | undefined {
  if (outcome === "ok") return "answered";
  if (outcome === "rejected") return "rejected";
  return isFailure(outcome) ? "failed" : undefined;
}

/** Of scores; of other numbers as a ratio of the larger one. */
function meanDifference(primary: Answer, candidate: Answer, reading: Reading): number | undefined {
  const [a, b] = [numbersOf(primary, reading), numbersOf(candidate, reading)];
  if (a === undefined || b === undefined || a.values.length !== b.values.length || a.values.length === 0) return undefined;
  const sum = a.values.reduce((total, value, row) => {
    const other = b.values[row] as number;
    return total + (a.isScore && b.isScore ? other - value : (other - value) / Math.max(Math.abs(value), Math.abs(other), 1e-9));
  }, 0);
  return sum / a.values.length;
}
