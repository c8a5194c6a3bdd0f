/** What both ways of looking at a rollout share, each side by itself and pairs of answers: how bodies are read, what belongs together, and who judges. */
import type { Grouping } from "../../detectors/judge/grouping.ts";
import { cameTrue, type Answer, type Reading } from "../protocols/compare-answers.ts";
import type { Protocol, Value } from "../protocols/protocol.ts";
import type { LateLabelsOptions } from "./late-labels.ts";
import type { Metric } from "./metric.ts";
import { comparisonsOf, groupingOf, type TrialSetup } from "./trial-comparisons.ts";
import { TrialEvidence } from "./trial-evidence.ts";
import { rowsOf, TrialMetrics, type SeenRow } from "./trial-metrics.ts";

export interface ContextDeps {
  /** The compiled ones of the options, in their order. */
  readonly metrics: readonly Metric[];
  /** How the model's answers are read. */
  readonly reading: () => Omit<Reading, "freeText" | "tolerance">;
  readonly protocol: (name: string) => Protocol | undefined;
  /** Names of the columns of a request that is one single matrix. */
  readonly features: readonly string[] | undefined;
  readonly labels: LateLabelsOptions;
  /** A sentence for people. */
  readonly note: (text: string) => void;
}

/** A text that stands for a class is shorter; a longer one is not kept to wait. */
const textMax = 256;

export class TrialContext {
  readonly setup: TrialSetup;
  readonly deps: ContextDeps;
  readonly evidence: TrialEvidence;
  readonly metrics: TrialMetrics;
  readonly #grouping: Grouping;
  /** Of inferences without a key, so that each has another. */
  keyless = 0;
  /** Actuals that were joined. */
  actuals = 0;

  constructor(setup: TrialSetup, deps: ContextDeps) {
    this.setup = setup;
    this.deps = deps;
    this.evidence = new TrialEvidence(setup.options.alpha, comparisonsOf(setup, deps.metrics));
    this.metrics = new TrialMetrics(deps.metrics, deps.note);
    this.#grouping = groupingOf(setup);
  }

  readingOf(protocol: string): Reading {
    return { ...this.deps.reading(), freeText: protocol === "openai", tolerance: this.setup.options.tolerance };
  }

  /** Empty where no metric looks at rows. */
  rowsOf(protocol: Protocol, request: Uint8Array | undefined, answer: Answer): readonly SeenRow[] {
    if (!this.metrics.wantsRows) return [];
    const asked = request === undefined ? undefined : protocol.decodeRequest(request, this.deps.features);
    return rowsOf(asked?.ok === true ? asked.columns : [], answer.columns, answer.rows);
  }

  /** The part of the rows that did not come true. */
  wrong(said: readonly Value[], actuals: readonly Value[]): number {
    // Texts are only compared with texts that came true, whatever the protocol.
    const reading = this.readingOf("");
    return actuals.filter((actual, row) => !cameTrue(said[row] ?? null, actual, reading)).length / actuals.length;
  }

  /** What has no key is a group by itself. */
  groupOf(key: number, atWallMs: number): number {
    if (this.#grouping === "second") return Math.floor(atWallMs / 1_000);
    if (key !== 0) return key;
    this.keyless = (this.keyless + 0x9e37_79b9) >>> 0;
    return this.keyless;
  }
}

/** Undefined where a prediction is too long to wait. */
export function keepable(said: readonly Value[] | undefined): readonly Value[] | undefined {
  return said?.some((value) => typeof value === "string" && value.length > textMax) === true ? undefined : said;
}

/** How many values wait. */
export function sizeOf(said: readonly Value[] | undefined, rows: readonly SeenRow[]): number {
  const [first] = rows;
  const width = first === undefined ? 0 : Object.keys(first.row).length + Object.keys(first.answer).length;
  return Math.max(1, said?.length ?? 0) + rows.length * width;
}
