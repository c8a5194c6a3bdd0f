/**
 * How good a classifier's answers were, once the true ones are known. Each measure takes columns of equal length, one entry
 * per row, and is undefined where it has no meaning, never NaN: without rows, with one class
 * missing, or with a score that is no probability where it should be one.
 *
 * `positive` is the class that scores are the probability of; all others count as negative. Classes are compared as they
 * are: 1, "1" and true are three different ones.
 */
export type Class = number | string | boolean;

/** The share of rows predicted rightly; any number of classes. */
export function accuracy(predictions: ArrayLike<Class>, actuals: ArrayLike<Class>): number | undefined {
  checkLengths("accuracy", predictions, actuals);
  let right = 0;
  for (let row = 0; row < actuals.length; row += 1) if (predictions[row] === actuals[row]) right += 1;
  return ratio(right, actuals.length);
}

/** The share of the predicted positives that are positive. */
export function precision(predictions: ArrayLike<Class>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  const { both, predicted } = overlap("precision", predictions, actuals, positive);
  return ratio(both, predicted);
}

/** The share of the positives that were predicted so. */
export function recall(predictions: ArrayLike<Class>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  const { both, actual } = overlap("recall", predictions, actuals, positive);
  return ratio(both, actual);
}

/** The harmonic mean of precision and recall. */
export function f1(predictions: ArrayLike<Class>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  const { both, predicted, actual } = overlap("f1", predictions, actuals, positive);
  return ratio(2 * both, predicted + actual);
}

/**
 * Area under the receiver operating characteristic: the probability that a positive scores higher than a negative, equals
 * counting half. By the sum of ranks (Mann and Whitney); cost: a sort.
 */
export function rocAuc(scores: ArrayLike<number>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  checkLengths("rocAuc", scores, actuals);
  const order = Array.from({ length: actuals.length }, (_, row) => row);
  if (order.some((row) => Number.isNaN(scores[row]))) return undefined;
  order.sort((a, b) => (scores[a] as number) - (scores[b] as number));

  let positives = 0;
  let rankSum = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    const score = scores[order[start] as number];
    let positivesHere = 0;
    for (; end < order.length && scores[order[end] as number] === score; end += 1) {
      if (actuals[order[end] as number] === positive) positivesHere += 1;
    }
    // Ranks count from 1; equal scores share the average of theirs.
    rankSum += (positivesHere * (start + 1 + end)) / 2;
    positives += positivesHere;
  }
  return ratio(rankSum - (positives * (positives + 1)) / 2, positives * (order.length - positives));
}

/** The mean squared distance of the score from what happened, 0 (best) to 1. Scores are probabilities. */
export function brier(scores: ArrayLike<number>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  return meanLoss("brier", scores, actuals, positive, (likelihood) => (1 - likelihood) ** 2);
}

/** The mean surprise in nats, 0 (best) or more. Scores are probabilities; a certain error counts as one of 1e-15, to stay finite. */
export function logLoss(scores: ArrayLike<number>, actuals: ArrayLike<Class>, positive: Class = 1): number | undefined {
  return meanLoss("logLoss", scores, actuals, positive, (likelihood) => -Math.log(Math.max(1e-15, likelihood)));
}

/** The mean of what is lost by giving what happened so much likelihood. */
function meanLoss(
  name: string,
  scores: ArrayLike<number>,
  actuals: ArrayLike<Class>,
  positive: Class,
  loss: (likelihood: number) => number,
): number | undefined {
  checkLengths(name, scores, actuals);
  let total = 0;
  for (let row = 0; row < actuals.length; row += 1) {
    const score = scores[row] as number;
    if (!(score >= 0 && score <= 1)) return undefined;
    total += loss(actuals[row] === positive ? score : 1 - score);
  }
  return ratio(total, actuals.length);
}

function overlap(name: string, predictions: ArrayLike<Class>, actuals: ArrayLike<Class>, positive: Class) {
  checkLengths(name, predictions, actuals);
  let both = 0;
  let predicted = 0;
  let actual = 0;
  for (let row = 0; row < actuals.length; row += 1) {
    const isPredicted = predictions[row] === positive;
    const isActual = actuals[row] === positive;
    if (isPredicted) predicted += 1;
    if (isActual) actual += 1;
    if (isPredicted && isActual) both += 1;
  }
  return { both, predicted, actual };
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

function checkLengths(name: string, a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length) throw new RangeError(`${name}: columns of ${a.length} and ${b.length} rows`);
}
