/** Both gates from plain data, so that each thread of the gateway makes its own from the same. */
import type { FeatureReference, Reference } from "../../detectors/reference/reference.ts";
import type { ModelDescription, Protocol } from "../protocols/protocol.ts";
import type { ScoreColumns } from "../protocols/score-columns.ts";
import type { ConfidenceRule } from "./confidence.ts";
import { confidenceGate, type ConfidenceGate, type ConfidenceResult } from "./confidence-gate.ts";
import { contractGate, type ContractGate, type ContractResult } from "./gate.ts";
import type { ContractOptions } from "./options.ts";
import type { ViolationKind } from "./violation.ts";

export interface GateSetup {
  readonly contract: {
    readonly options: ContractOptions;
    /** Of the reference: those that are in the requests. */
    readonly features: readonly FeatureReference[];
  };
  /** Undefined where every answer is given. */
  readonly confidence: { readonly rule: ConfidenceRule; readonly scores: ScoreColumns; readonly estimator: Reference["estimator"] } | undefined;
}

/** What the gates count. */
export interface GateCounts {
  request(result: ContractResult): void;
  violations(kind: ViolationKind, count: number): void;
  /** Values that were not looked at, since there were too many. */
  unchecked(values: number): void;
  judged(result: ConfidenceResult): void;
}

export interface Gates {
  /** Undefined where requests are not validated. */
  readonly contract: ContractGate | undefined;
  readonly confidence: ConfidenceGate | undefined;
}

export interface GatesParts {
  readonly protocol: Protocol;
  /** The model's metadata, as far as known. */
  readonly description: () => ModelDescription | undefined;
  readonly counts: GateCounts;
}

export function madeGates({ contract, confidence }: GateSetup, { protocol, description, counts }: GatesParts): Gates {
  return {
    contract: contractGate(contract.options, {
      protocol, description,
      features: contract.features,
      request: (result) => counts.request(result),
      violations: (kind, count) => counts.violations(kind, count),
      unchecked: (values) => counts.unchecked(values),
    }),
    confidence: confidence && confidenceGate(confidence.rule, { protocol, scores: confidence.scores, estimator: confidence.estimator, judged: (result) => counts.judged(result) }),
  };
}
