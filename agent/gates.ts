/**
 * The input contract and the confidence rule as the gateway meets them: made from a config, from what the reference knows and
 * from the model's metadata, with what they find counted. Says at the start what was chosen, or why nothing was.
 */
import { primaryName } from "./backend.ts";
import type { Reference } from "../detectors/reference/reference.ts";
import { instruments } from "../exporters/instruments.ts";
import type { Meter } from "../exporters/meter.ts";
import type { Config } from "./config/config.ts";
import { confidenceRule, type Chosen } from "./contract/confidence.ts";
import type { GateCounts, GateSetup } from "./contract/gates.ts";
import type { UnsureAnswer } from "./contract/unsure-answer.ts";
import { isDerived } from "./featuriser/derived.ts";
import type { Log } from "./log.ts";
import { scoreColumns } from "./protocols/score-columns.ts";

export interface GatesDeps {
  readonly log: Log;
  readonly meter: Meter;
  readonly reference: Reference | undefined;
  /** An answer was given that a person should look at. */
  readonly review: (answer: UnsureAnswer) => void;
}

/** What the gateway is handed to make its gates of, and what they and it tell. */
export interface GateMeans {
  readonly setup: GateSetup;
  readonly counts: GateCounts;
  readonly review: (answer: UnsureAnswer) => void;
}

/** Do these sections ask what the reference knows? */
export function asksReference({ contract, confidence }: Pick<Config, "contract" | "confidence">): boolean {
  return contract.validation !== "off" || confidence.accept !== undefined;
}

export function gates({ contract, confidence, monitors }: Pick<Config, "contract" | "confidence" | "monitors">, deps: GatesDeps): GateMeans {
  const { log, meter, reference } = deps;
  const features = (reference?.features ?? []).filter(({ name }) => !isDerived(name));
  if (contract.validation !== "off") log.info({ validation: contract.validation, features: features.length }, features.length === 0 ? "inferences are held against the model's metadata, as far as there are any: there is no reference" : "inferences are held against the reference and the model's metadata");

  const chosen = confidenceRule(confidence, reference);
  const scores = scoreColumns(monitors.score ?? reference?.columns?.score ?? reference?.score?.name);
  const isJudged = chosen.ok && scores.columns.length > 0;
  tellChoice(log, chosen, isJudged);
  const threshold = meter.gauge(instruments.confidenceThreshold, {});
  if (isJudged) threshold.set(chosen.rule.threshold);
  else threshold.remove();

  return {
    setup: {
      contract: { options: contract, features },
      confidence: isJudged ? { rule: chosen.rule, scores, estimator: reference?.estimator } : undefined,
    },
    counts: {
      request: (result) => meter.counter(instruments.contractRequests, { result }).add(),
      violations: (violation, count) => meter.counter(instruments.contractViolations, { violation }).add(count),
      unchecked: (values) => meter.counter(instruments.contractUnchecked, {}).add(values),
      judged: (result) => meter.counter(instruments.confidenceAnswers, { result }).add(),
    },
    review(answer) {
      log.info({ ...answer, rung: primaryName }, "an answer is to be reviewed: the model was not sure enough");
      deps.review(answer);
    },
  };
}

const whyNot = {
  "no-estimator": "an accuracy is asked for, and the reference was made without true answers: every answer is given; make the reference with the actuals, or give a confidence",
  regression: "an accuracy is asked for, and the model predicts numbers: every answer is given",
  unreachable: "not even the answers that the model is surest of are so right: every answer is given; ask for less",
} as const;

function tellChoice(log: Log, chosen: Chosen, isJudged: boolean): void {
  if (!chosen.ok) {
    if (chosen.reason !== "off") log.warn({ reason: chosen.reason }, whyNot[chosen.reason]);
    return;
  }
  if (!isJudged) return log.warn({}, "it is not known which column of an answer is the score: every answer is given; set monitors.score, or make the reference with it");
  const { threshold, below, coverage, accuracy } = chosen.rule;
  log.info({ threshold, below, ...(coverage !== undefined && { coverage }), ...(accuracy !== undefined && { accuracy }) }, "answers are given from this confidence on");
}
