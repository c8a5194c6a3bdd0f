/**
 * The confidence rule before a client: reads the scores in an answer of the primary and decides whether it is given, given with
 * a flag, left to a person or to the next rung. An answer in which no score can be found is given as it is, and counted.
 */
import type { Reference } from "../../detectors/reference/reference.ts";
import type { Column, Protocol } from "../protocols/protocol.ts";
import type { ScoreColumns } from "../protocols/score-columns.ts";
import { confidences, judgeConfidence, type ConfidenceDecision, type ConfidenceRule } from "./confidence.ts";

/** The header that says that the model was not sure: `low; value=0.61`. */
export const confidenceHeader = "pilotfish-confidence";

export const confidenceResults = ["answered", "next-rung", "review", "flag", "unknown"] as const;
export type ConfidenceResult = (typeof confidenceResults)[number];

export interface ConfidenceGate {
  /** Of a whole answer's body. Never throws. Cost: the parsing of the body. */
  judge(body: Uint8Array): ConfidenceDecision;
}

export interface ConfidenceGateParts {
  readonly protocol: Protocol;
  readonly scores: ScoreColumns;
  readonly estimator: Reference["estimator"];
  readonly judged: (result: ConfidenceResult) => void;
}

const unknown: ConfidenceDecision = { decision: "answer", confidence: undefined, rows: [], count: 0 };

export function confidenceGate(rule: ConfidenceRule, { protocol, scores, estimator, judged }: ConfidenceGateParts): ConfidenceGate {
  return {
    judge(body) {
      const answer = protocol.decodeResponse(body);
      const given = answer.ok ? scoresIn(answer.columns, scores) : undefined;
      const decision = given === undefined ? unknown : judgeConfidence(confidences(given, estimator), rule);
      judged(decision.confidence === undefined ? "unknown" : decision.decision === "answer" ? "answered" : decision.decision);
      return decision;
    },
  };
}

/** One column, or one for each class; undefined where any is not there. */
function scoresIn(columns: readonly Column[], { columns: names, classes }: ScoreColumns): ArrayLike<number> | ReadonlyMap<string, ArrayLike<number>> | undefined {
  const found = names.map((name) => columns.find((column) => column.name === name)?.values);
  if (found.length === 0 || found.includes(undefined)) return undefined;
  const numbers = found.map((values) => Float64Array.from(values ?? [], (value) => (typeof value === "number" ? value : Number.NaN)));
  return classes === undefined ? (numbers[0] as Float64Array) : new Map(classes.map((name, i) => [name, numbers[i] as Float64Array]));
}

/** As the header says it; cut, not rounded, so that it never reaches the threshold. */
export function confidenceValue(confidence: number): string {
  return `low; value=${Math.floor(confidence * 1_000) / 1_000}`;
}
