/**
 * All realised figures of a model that predicts a number, each with its band: of mean losses and their roots, by confidence
 * sequences; of bias and R squared, three standard errors.
 */
import { banded, type Banded, type Performance } from "./banded.ts";
import { checkLengths, pick, rowsWhere } from "./columns.ts";
import { numberOf, type Label } from "./labels.ts";
import { absoluteLoss, bias, proportionalLoss, rSquared, squaredLogLoss, squaredLoss, type Loss } from "./regression.ts";
import { mapped, meanBand } from "./sequence-bands.ts";

/** Rows without a finite prediction and a finite answer are left out; a figure without a meaning, or of one row, is absent. */
export function realisedRegression(predictions: ArrayLike<Label>, actuals: ArrayLike<Label>): Performance {
  const rows = checkLengths({ actuals, predictions });
  const everyPrediction = Float64Array.from(predictions, numberOf);
  const everyActual = Float64Array.from(actuals, numberOf);
  const whole = rowsWhere(rows, (row) => Number.isFinite(everyPrediction[row]) && Number.isFinite(everyActual[row]));
  const predicted = pick(everyPrediction, whole);
  const actual = pick(everyActual, whole);

  const figures: Record<string, Banded> = {};
  const add = (name: string, figure: Banded | undefined): void => {
    if (figure !== undefined) figures[name] = figure;
  };
  const lost = (loss: Loss) => meanBand(Float64Array.from(predicted, (value, row) => loss(value, actual[row] as number) ?? Number.NaN), 0);
  const squared = lost(squaredLoss);
  const squaredLog = lost(squaredLogLoss);
  add("mae", lost(absoluteLoss));
  add("mse", squared);
  add("rmse", squared && mapped(squared, Math.sqrt));
  add("rmsle", squaredLog && mapped(squaredLog, Math.sqrt));
  add("mape", lost(proportionalLoss));
  if (whole.length > 1) {
    const tendency = bias(predicted, actual);
    const explained = rSquared(predicted, actual);
    add("bias", tendency && banded(tendency));
    add("r2", explained && banded(explained, -Infinity, 1));
  }
  return figures;
}
