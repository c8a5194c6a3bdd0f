/**
 * The judge of a rollout, inference by inference: hears what was seen of both sides, has each comparison make an event of it, and
 * says what it finds: each second, and at once when something turns to harm.
 *
 * | heard | is an event of |
 * |---|---|
 * | a trial: how the first attempt went on the side that it was dealt to | errors, latency, metrics of the attempt |
 * | a sample of an inference that its side answered | scores, metrics of the answer; waits for its actual |
 * | an actual | accuracy and metrics of what came true, on the side and at the weight at which the inference was dealt |
 * | a copy: both sides' answers to one request | all that begin with `shadow_`; waits for its actual |
 *
 * A batch is one event, since it was dealt as one: it may be wrong in part. An inference that another than its side answered
 * counts for errors alone. What the queue before this thread let go is missing whole and on both sides alike, which costs
 * evidence and makes no bias. Bounded: the states of the comparisons, 20 to 60 kB each, and what waits for actuals.
 */
import type { ActualObservation, SampleObservation } from "../observation.ts";
import type { ComparisonShown, ShadowObservation, TrialObservation, TrialReading } from "../trial.ts";
import type { TrialSetup } from "./trial-comparisons.ts";
import { TrialContext, type ContextDeps } from "./trial-context.ts";
import type { EvidenceSnapshot } from "./trial-evidence.ts";
import { trialMessage } from "./trial-message.ts";
import { TrialPairs, type PairsWaiting } from "./trial-pairs.ts";
import { TrialSides, type SidesWaiting } from "./trial-sides.ts";

export interface TrialJudgeDeps extends ContextDeps {
  readonly tell: (reading: TrialReading) => void;
}

/** Small. */
export interface TrialJudgeSnapshot {
  readonly evidence: EvidenceSnapshot;
  readonly requests: { readonly candidate: number; readonly primary: number };
  readonly pairs: number;
  readonly actuals: number;
  readonly contradicted: number;
  readonly unevaluated: number;
  readonly keyless: number;
}

/** Up to some megabytes. */
export interface WaitingSnapshot {
  readonly sides: SidesWaiting;
  readonly pairs: PairsWaiting;
}

export class TrialJudge {
  #weight: number;
  readonly #rollout: string;
  readonly #tell: TrialJudgeDeps["tell"];
  readonly #context: TrialContext;
  readonly #sides: TrialSides;
  readonly #pairs: TrialPairs;
  #requests = { candidate: 0, primary: 0 };
  #contradicted = 0;
  /** Another number when there is something new to keep. */
  revision = 0;

  /** @throws RangeError where nothing is compared. */
  constructor(setup: TrialSetup, deps: TrialJudgeDeps) {
    this.#weight = setup.weight;
    this.#rollout = setup.rollout;
    this.#tell = deps.tell;
    this.#context = new TrialContext(setup, deps);
    this.#sides = new TrialSides(this.#context);
    this.#pairs = new TrialPairs(this.#context);
  }

  /** The candidate's share of the traffic is another now. */
  reweigh(weight: number): void {
    this.#weight = weight;
  }

  /** Never throws, whatever the bodies hold. Cost: some microseconds a comparison; bodies are decoded once. */
  hear(observation: TrialObservation | ShadowObservation | SampleObservation | ActualObservation, nowMs: number, wallMs: number): void {
    if (observation.kind !== "actual" && (observation.kind === "sample" ? observation.trial?.rollout : observation.rollout) !== this.#rollout) return;
    this.revision += 1;
    if (this.#hear(observation, nowMs)) this.#tell(this.read(wallMs));
  }

  /** To be called about each second. */
  tick(nowMs: number, wallMs: number): void {
    this.#sides.tick(nowMs, wallMs);
    this.#pairs.tick(nowMs, wallMs);
    this.#tell(this.read(wallMs));
  }

  /** Cost: about a millisecond a comparison. */
  read(wallMs: number): TrialReading {
    const { evidence, metrics } = this.#context;
    const { comparisons } = evidence;
    const reading = evidence.read(this.#weight);
    const requests = { ...this.#requests };
    const shown = Object.entries(reading.comparisons).map(([name, { verdict, log10Evidence, threshold, effect, interval, events, effective }]): ComparisonShown => {
      const { unit, minimumHarm, margin } = comparisons[name] as (typeof comparisons)[string];
      return {
        name, threshold, effect, minimumHarm, unit, events, effective,
        // Nothing is shown where only harm is looked for.
        verdict: margin === Infinity && verdict === "not-worse" ? "continue" : verdict,
        log10Evidence: Math.max(-1_000, Math.min(1_000, log10Evidence)),
        low: finite(interval.lower), high: finite(interval.upper),
        margin: margin === Infinity ? 0 : margin,
      };
    });
    return {
      rollout: this.#rollout,
      verdict: reading.verdict,
      harmed: reading.harmed,
      comparisons: shown,
      requests,
      pairs: this.#pairs.count,
      actuals: this.#context.actuals,
      passedOver: { contradicted: this.#contradicted, unevaluated: metrics.unevaluated },
      message: trialMessage({ reading, comparisons, requests, pairs: this.#pairs.count, heard: (name) => evidence.heard(name) }),
      atWallMs: wallMs,
    };
  }

  /** Shares memory with the judge: to be written down before it hears more. */
  snapshot(): TrialJudgeSnapshot {
    const { evidence, metrics, keyless } = this.#context;
    return { evidence: evidence.snapshot(), requests: this.#requests, pairs: this.#pairs.count, actuals: this.#context.actuals, contradicted: this.#contradicted, unevaluated: metrics.unevaluated, keyless };
  }

  restore({ evidence, requests, pairs, actuals, contradicted, unevaluated, keyless }: TrialJudgeSnapshot): void {
    this.#context.evidence.restore(evidence);
    this.#context.metrics.unevaluated = unevaluated;
    this.#context.keyless = keyless;
    this.#requests = { ...requests };
    this.#pairs.count = pairs;
    this.#context.actuals = actuals;
    this.#contradicted = contradicted;
  }

  /** As `snapshot`. */
  waiting(): WaitingSnapshot {
    return { sides: this.#sides.snapshot(), pairs: this.#pairs.snapshot() };
  }

  restoreWaiting({ sides, pairs }: WaitingSnapshot): void {
    this.#sides.restore(sides);
    this.#pairs.restore(pairs);
  }

  #hear(observation: TrialObservation | ShadowObservation | SampleObservation | ActualObservation, nowMs: number): boolean {
    switch (observation.kind) {
      case "trial":
        this.#requests[observation.candidate ? "candidate" : "primary"] += 1;
        return this.#sides.trial(observation);
      case "sample":
        return this.#sides.sample(observation);
      case "shadow":
        return this.#pairs.pair(observation);
      case "actual":
        return this.#actual(observation, nowMs);
    }
  }

  #actual(observation: ActualObservation, nowMs: number): boolean {
    const before = this.#context.actuals;
    const heard = [this.#sides.actual(observation, nowMs), this.#pairs.actual(observation, nowMs)];
    // One that is joined to both is one.
    this.#context.actuals = Math.min(this.#context.actuals, before + 1);
    if (heard.some(({ is }) => is === "contradicted")) this.#contradict(observation.inferenceId);
    return heard.some(({ isHarm }) => isHarm);
  }

  #contradict(inferenceId: string): void {
    this.#contradicted += 1;
    if (this.#contradicted > 1) return;
    this.#context.deps.note(`an actual of the inference ${inferenceId.slice(0, 100)} contradicts the one that came before it: of such the first counts, and later ones are counted`);
  }
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
