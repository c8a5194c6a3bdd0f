/**
 * How far predicted numbers lie from what came true. Each measure takes columns of equal length, one entry per row, and is
 * undefined where it has no meaning, never NaN: without rows, with a number that is not finite, or as said at each.
 *
 * All but R squared and the errors in proportion are in the unit of what is predicted. Each comes with its standard error
 * over independent rows; of roots and ratios by the delta method. Cost: one pass.
 */
import type { Estimate } from "./banded.ts";
import { checkLengths } from "./columns.ts";

type Column = ArrayLike<number>;

/** Mean absolute error. */
export function mae(predictions: Column, actuals: Column): Estimate | undefined {
  return meanOf("mae", predictions, actuals, absoluteLoss);
}

/** Mean squared error. */
export function mse(predictions: Column, actuals: Column): Estimate | undefined {
  return meanOf("mse", predictions, actuals, squaredLoss);
}

/** The root of the mean squared error. */
export function rmse(predictions: Column, actuals: Column): Estimate | undefined {
  return rootOf(mse(predictions, actuals));
}

/** The root of the mean squared difference of ln(1 + value); no meaning where a value is negative. */
export function rmsle(predictions: Column, actuals: Column): Estimate | undefined {
  return rootOf(meanOf("rmsle", predictions, actuals, squaredLogLoss));
}

/** Mean of the absolute error over the absolute actual value; no meaning where an actual value is 0. */
export function mape(predictions: Column, actuals: Column): Estimate | undefined {
  return meanOf("mape", predictions, actuals, proportionalLoss);
}

/** Mean of prediction less actual: above 0 where too much is predicted. */
export function bias(predictions: Column, actuals: Column): Estimate | undefined {
  return meanOf("bias", predictions, actuals, (prediction, actual) => prediction - actual);
}

/** The share of the actual values' variance that predictions explain, 1 at best; no meaning where actual values do not vary. */
export function rSquared(predictions: Column, actuals: Column): Estimate | undefined {
  const errors = mse(predictions, actuals);
  if (errors === undefined) return undefined;
  const rows = actuals.length;
  let mean = 0;
  for (let row = 0; row < rows; row += 1) mean += ((actuals[row] as number) - mean) / (row + 1);
  let total = 0;
  for (let row = 0; row < rows; row += 1) total += ((actuals[row] as number) - mean) ** 2;
  if (!(total > 0 && total < Infinity)) return undefined;
  const unexplained = (errors.value * rows) / total;
  let squares = 0;
  for (let row = 0; row < rows; row += 1) {
    const [prediction, actual] = [predictions[row] as number, actuals[row] as number];
    squares += ((prediction - actual) ** 2 - unexplained * (actual - mean) ** 2) ** 2;
  }
  return estimateOf(1 - unexplained, Math.sqrt(squares) / total);
}

/** What one row loses; undefined where that has no meaning. */
export type Loss = (prediction: number, actual: number) => number | undefined;

export const absoluteLoss: Loss = (prediction, actual) => Math.abs(prediction - actual);
export const squaredLoss: Loss = (prediction, actual) => (prediction - actual) ** 2;
export const proportionalLoss: Loss = (prediction, actual) => (actual === 0 ? undefined : Math.abs((prediction - actual) / actual));
export const squaredLogLoss: Loss = (prediction, actual) =>
  prediction < 0 || actual < 0 ? undefined : (Math.log1p(prediction) - Math.log1p(actual)) ** 2;

/** From a mean of squares to its root. */
export function rootOf(mean: Estimate | undefined): Estimate | undefined {
  if (mean === undefined) return undefined;
  const value = Math.sqrt(Math.max(0, mean.value));
  // By the delta method; at 0 the tangent is upright, and the root of the error is a bound.
  return { value, standardError: value > 0 ? mean.standardError / (2 * value) : Math.sqrt(mean.standardError) };
}

function meanOf(name: string, predictions: Column, actuals: Column, loss: Loss): Estimate | undefined {
  checkLengths({ [`${name}: actuals`]: actuals, [`${name}: predictions`]: predictions });
  let mean = 0;
  let squares = 0; // about the mean so far (Welford)
  for (let row = 0; row < actuals.length; row += 1) {
    const lost = loss(predictions[row] as number, actuals[row] as number);
    if (lost === undefined || !Number.isFinite(lost)) return undefined;
    const step = lost - mean;
    mean += step / (row + 1);
    squares += step * (lost - mean);
  }
  return actuals.length === 0 ? undefined : estimateOf(mean, Math.sqrt(Math.max(0, squares)) / actuals.length);
}

function estimateOf(value: number, standardError: number): Estimate | undefined {
  return Number.isFinite(value) && Number.isFinite(standardError) ? { value, standardError } : undefined;
}
