/**
 * What is compared in a rollout, by name: the table of the judge. Under `live` each inference that was dealt is an event of its
 * side; under `copies` an event is a pair of answers to one request, and the name begins with `shadow_`. Whatever can never have
 * an event in this rollout is not in the table, since it would only take from the others' budget.
 */
import { byWeight } from "../../detectors/judge/by-weight.ts";
import { disagreement } from "../../detectors/judge/disagreement.ts";
import { distribution } from "../../detectors/judge/distribution.ts";
import { errors } from "../../detectors/judge/errors.ts";
import type { Grouping } from "../../detectors/judge/grouping.ts";
import { latency } from "../../detectors/judge/latency.ts";
import { pairedDifference } from "../../detectors/judge/paired-difference.ts";
import { pairs } from "../../detectors/judge/pairs.ts";
import type { Judged } from "../../detectors/judge/verdict.ts";
import type { ComparisonShown } from "../trial.ts";
import type { JudgeOptions } from "./judge-options.ts";
import type { Metric } from "./metric.ts";

/** Which rollout is judged, and how. Plain data that crosses to the analysis thread. */
export interface TrialSetup {
  /** Its id. */
  readonly rollout: string;
  readonly options: JudgeOptions;
  /** Traffic is dealt to the candidate at some time of the rollout; it gets copies at some time. */
  readonly live: boolean;
  readonly copies: boolean;
  /** Clients are told apart by a key. */
  readonly keyed: boolean;
  /** The candidate's share of the traffic now: with another one the rollout is judged on, and "not worse" is shown anew. */
  readonly weight: number;
}

// The event and the state of a comparison are its own affair.
// oxlint-disable-next-line typescript/no-explicit-any
export interface Compared extends Judged<any, any> {
  readonly of: "live" | "copies";
  /** Its events come later than its inferences, of several weights mixed. */
  readonly late: boolean;
  /** Nothing is shown not to be worse before it has events. */
  readonly required: boolean;
  readonly unit: ComparisonShown["unit"];
}

export function groupingOf({ options, keyed }: Pick<TrialSetup, "options" | "keyed">): Grouping {
  return options.grouping ?? (keyed ? "key" : "each");
}

/** `latency_p99`, `latency_p99_9` */
export function latencyName(q: number): string {
  return `latency_p${String(Number((100 * q).toPrecision(6))).replace(".", "_")}`;
}

export function comparisonsOf(setup: TrialSetup, metrics: readonly Metric[]): Readonly<Record<string, Compared>> {
  const { options } = setup;
  const grouping = groupingOf(setup);
  const found: [string, Compared][] = [];
  interface Own {
    readonly share: number;
    readonly minimumHarm: number;
    readonly margin: number | false;
    readonly required?: boolean;
  }
  const add = (name: string, { share, minimumHarm, margin, required = false }: Own, more: Pick<Compared, "comparison" | "of" | "unit"> & { readonly late?: boolean; readonly certain?: boolean }): void => {
    if (share > 0) found.push([name, { share, minimumHarm, margin: margin === false ? Infinity : margin, required, late: false, ...more }]);
  };

  if (setup.live) {
    const { latency: latencies, accuracy, scores } = options;
    add("errors", options.errors, { comparison: errors({ ratio: options.errors.ratio, grouping }), of: "live", unit: "ratio" });
    for (const q of latencies.quantiles) {
      const margin = latencies.proof.includes(q) ? latencies.margin : false;
      add(latencyName(q), { ...latencies, margin }, { comparison: latency({ q, ratio: latencies.ratio, floor: latencies.floor, grouping }), of: "live", unit: "relative" });
    }
    add("accuracy", accuracy, { comparison: byWeight(errors({ grouping })), of: "live", late: true, unit: "ratio" });
    add("scores", scores, { comparison: distribution({ grouping }), of: "live", certain: true, unit: "rank" });
  }
  if (setup.copies) {
    const { errors: failures, latency: later, accuracy, disagreement: other, difference } = options.shadow;
    add("shadow_errors", failures, { comparison: pairs({ ratio: failures.ratio, grouping }), of: "copies", unit: "ratio" });
    add("shadow_latency", later, { comparison: pairs({ grouping }), of: "copies", unit: "ratio" });
    add("shadow_accuracy", accuracy, { comparison: pairs({ grouping }), of: "copies", late: true, unit: "ratio" });
    add("shadow_disagreement", other, { comparison: disagreement({ allowed: other.allowed, grouping }), of: "copies", unit: "ratio" });
    add("shadow_difference", difference, { comparison: pairedDifference({ most: 1, grouping }), of: "copies", certain: true, unit: "score" });
  }
  for (const [i, { kind, worse, needs, needsRow }] of metrics.entries()) {
    const own = options.metrics[i] as JudgeOptions["metrics"][number];
    const late = needs === "actual";
    if (setup.live) {
      const comparison = kind === "truth" ? errors({ grouping }) : distribution({ grouping, worse });
      add(own.name, own, { comparison: late ? byWeight(comparison as ReturnType<typeof errors>) : comparison, of: "live", late, unit: kind === "truth" ? "ratio" : "rank" });
    }
    if (setup.copies && !needsRow) add(`shadow_${own.name}`, own, { comparison: pairs({ grouping }), of: "copies", late, unit: "ratio" });
  }
  return Object.fromEntries(found);
}
