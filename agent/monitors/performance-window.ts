/**
 * How right the model was, over the latest rows whose true answer is known. Accuracy for any classes; the rest where all
 * predictions and actuals in the window are 0 or 1 (or true and false, or those words).
 */
import { brier, f1, precision, recall, rocAuc } from "../../detectors/performance/classification.ts";
import type { Value } from "../../detectors/reference/reference.ts";
import type { Answer } from "./actuals.ts";

/** Rings, written at `next`. NaN where a row has none, or for a class that is not 0 or 1. */
export interface PerformanceState {
  readonly correct: Float64Array;
  readonly predictions: Float64Array;
  readonly actuals: Float64Array;
  readonly scores: Float64Array;
  next: number;
  length: number;
}

export class PerformanceWindow {
  readonly #size: number;
  state: PerformanceState;

  constructor(size: number) {
    this.#size = size;
    const ring = () => new Float64Array(size);
    this.state = { correct: ring(), predictions: ring(), actuals: ring(), scores: ring(), next: 0, length: 0 };
  }

  /** Was the prediction right? undefined where there is none. */
  push({ prediction, score }: Answer, actual: Value): boolean | undefined {
    const { state } = this;
    const correct = prediction === undefined ? undefined : isSameClass(prediction, actual);
    state.correct[state.next] = correct === undefined ? NaN : Number(correct);
    state.predictions[state.next] = binary(prediction);
    state.actuals[state.next] = binary(actual);
    state.scores[state.next] = score;
    state.next = (state.next + 1) % this.#size;
    state.length = Math.min(state.length + 1, this.#size);
    return correct;
  }

  /** The metrics that are defined, by name. Cost: O(n log n) in the window. */
  metrics(): ReadonlyMap<string, number> {
    const { length } = this.state;
    const whole = (ring: Float64Array) => ring.subarray(0, length).every((value) => !Number.isNaN(value));
    const { correct, predictions, actuals, scores } = this.state;
    const found = new Map<string, number>();
    if (length === 0) return found;
    const put = (name: string, value: number | undefined) => value !== undefined && found.set(name, value);

    if (whole(correct)) put("accuracy", correct.subarray(0, length).reduce((sum, one) => sum + one, 0) / length);
    if (!whole(actuals)) return found;
    const truth = [...actuals.subarray(0, length)];
    if (whole(predictions)) {
      const said = [...predictions.subarray(0, length)];
      put("precision", precision(said, truth));
      put("recall", recall(said, truth));
      put("f1", f1(said, truth));
    }
    if (whole(scores)) {
      const given = scores.subarray(0, length);
      put("roc_auc", rocAuc(given, truth));
      if (given.every((score) => score >= 0 && score <= 1)) put("brier", brier(given, truth));
    }
    return found;
  }
}

/** Do a prediction and an actual name the same class, however it is written: 1, true, "1" or "true"? */
export function isSameClass(prediction: Value, actual: Value): boolean {
  return classOf(prediction) === classOf(actual);
}

function binary(value: Value): number {
  const plain = classOf(value);
  return plain === 0 || plain === 1 ? plain : NaN;
}

function classOf(value: Value): Value {
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return value;
  if (value === "true") return 1;
  if (value === "false") return 0;
  const number = Number(value);
  return value.trim() === "" || Number.isNaN(number) ? value : number;
}
