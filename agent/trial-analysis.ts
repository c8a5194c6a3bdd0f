/**
 * The rollout that is judged in the analysis thread: which it is, its judge, and what is kept of it for a restart of the process
 * or of the thread. The evidence is kept each ten seconds while something is heard, what waits for actuals each minute.
 */
import { protocolNamed, protocols, type ProtocolName } from "./protocols/protocols.ts";
import type { Heard, Setup } from "./analysis-messages.ts";
import type { Keeping } from "./analyst-keeping.ts";
import type { Clock } from "./clock.ts";
import type { Part } from "./monitors/monitors.ts";
import { scoreColumns } from "./protocols/score-columns.ts";
import type { Reading } from "./protocols/compare-answers.ts";
import type { Metric } from "./rollout/metric.ts";
import type { TrialSetup } from "./rollout/trial-comparisons.ts";
import { TrialJudge, type TrialJudgeSnapshot, type WaitingSnapshot } from "./rollout/trial-judge.ts";
import type { TrialReading } from "./trial.ts";

export interface TrialAnalysisDeps {
  readonly clock: Clock;
  readonly keeping: Keeping;
  /** How the monitors read the model's answers; undefined while there are none. */
  readonly reading: () => Omit<Reading, "freeText" | "tolerance"> | undefined;
  readonly tell: (reading: TrialReading) => void;
  readonly note: (text: string) => void;
}

interface Judging {
  /** Which rollout, judged how: what was kept of another does not count. */
  readonly key: string;
  readonly judge: TrialJudge;
  readonly evidence: Part;
  readonly waiting: Part;
}

const evidenceMs = 10_000;
const waitingMs = 60_000;

export class TrialAnalysis {
  readonly #setup: Setup;
  readonly #deps: TrialAnalysisDeps;
  readonly #cancels: readonly (() => void)[];
  #wanted: TrialSetup | undefined;
  #judging: Judging | undefined;

  constructor(setup: Setup, deps: TrialAnalysisDeps) {
    this.#setup = setup;
    this.#deps = deps;
    this.#cancels = [
      deps.clock.every(evidenceMs, () => deps.keeping.keep(this.#judging?.evidence)),
      deps.clock.every(waitingMs, () => deps.keeping.keep(this.#judging?.waiting)),
    ];
    this.use(setup.trial);
  }

  /** Judges this rollout from now on; of the one that is judged already, at its weight of now. */
  use(wanted: TrialSetup | undefined): void {
    this.#wanted = wanted;
    if (wanted === undefined) {
      this.#judging = undefined;
      return;
    }
    if (this.#judging?.key === keyOf(wanted)) return this.#judging.judge.reweigh(wanted.weight);
    this.#keep();
    this.#judging = undefined;
    if (wanted.options.metrics.length === 0) return this.#begin(wanted, []);
    // The library of expressions is loaded only where there are any.
    void import("./rollout/metric.ts").then(
      ({ compileMetrics }) => {
        if (this.#wanted === undefined || keyOf(this.#wanted) !== keyOf(wanted)) return;
        const compiled = compileMetrics(wanted.options.metrics);
        if (compiled.ok) this.#begin(this.#wanted, compiled.metrics);
        else this.#deps.note(`the rollout ${wanted.rollout} is not judged: ${compiled.mistakes.map(({ message }) => message).join("; ")}`);
      },
      (error: unknown) => this.#deps.note(`the rollout ${wanted.rollout} is not judged: ${String(error)}`),
    );
  }

  hear(observation: Heard): void {
    if (this.#judging === undefined || observation.kind === "exchange" || observation.kind === "copy") return;
    const { clock } = this.#deps;
    this.#judging.judge.hear(observation, clock.monotonicMs(), clock.wallMs());
  }

  tick(): void {
    const { clock } = this.#deps;
    this.#judging?.judge.tick(clock.monotonicMs(), clock.wallMs());
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#keep();
  }

  #keep(): void {
    this.#deps.keeping.keep(this.#judging?.evidence);
    this.#deps.keeping.keep(this.#judging?.waiting);
  }

  #begin(wanted: TrialSetup, metrics: readonly Metric[]): void {
    const { monitors, plain } = this.#setup;
    const { keeping, reading, tell, note } = this.#deps;
    const asConfigured = { prediction: monitors.prediction, scores: scoreColumns(monitors.score), regression: monitors.problem === "regression" };
    const key = keyOf(wanted);
    let judge: TrialJudge;
    try {
      judge = new TrialJudge(wanted, {
        metrics, tell, note,
        reading: () => reading() ?? asConfigured,
        protocol: (name) => (Object.hasOwn(protocols, name) ? protocolNamed(name as ProtocolName, plain) : undefined),
        features: monitors.features,
        labels: monitors.actuals,
      });
    } catch (error) {
      return note(`the rollout ${wanted.rollout} is not judged: ${error instanceof Error ? error.message : String(error)}`);
    }
    const evidence = partOf<TrialJudgeSnapshot>("rollout/evidence", key, judge, { snapshot: () => judge.snapshot(), restore: (saved) => judge.restore(saved) });
    const waiting = partOf<WaitingSnapshot>("rollout/waiting", key, judge, { snapshot: () => judge.waiting(), restore: (saved) => judge.restoreWaiting(saved) });
    this.#judging = { key, judge, evidence, waiting };
    if (this.#setup.fresh) return;
    keeping.restore(evidence);
    keeping.restore(waiting);
  }
}

/** Another layout of what is kept has another number. */
const layout = 1;

function keyOf({ rollout, options, live, copies, keyed }: TrialSetup): string {
  return JSON.stringify([layout, rollout, live, copies, keyed, options]);
}

function partOf<Snapshot>(name: string, key: string, judge: TrialJudge, of: { readonly snapshot: () => Snapshot; readonly restore: (saved: Snapshot) => void }): Part {
  return {
    name,
    isReplaced: true,
    revision: () => judge.revision,
    snapshot: () => ({ key, of: of.snapshot() }),
    restore(saved) {
      const kept = saved as { readonly key?: unknown; readonly of: Snapshot } | null;
      if (typeof kept !== "object" || kept?.key !== key) return "foreign";
      of.restore(kept.of);
      return "restored";
    },
  };
}
