/**
 * Direct loss estimation (DLE): how far off a model that predicts numbers is, on rows whose answers nobody knows yet.
 *
 * On the reference, where answers are known, boosted trees learn from the features and the prediction itself how large the
 * absolute error of a row tends to be; on new rows their mean is the estimate. Squares are too wild to be learnt from scratch:
 * a squared error starts from the square of the absolute one expected, the squared difference of logarithms (where nothing
 * is negative) from the square of that over 1 + prediction, and trees of their own learn what is missing. It sees that more hard rows come; it can not see that rows
 * of a kind have become harder (concept drift). The bands are the sampling error of what a chunk of this size would
 * realise; how far losses scatter about what the trees say was measured on rows they had not seen.
 *
 * Source: NannyML's Direct Loss Estimation, 2022 (the idea). Cost: fitting, half a second per loss for 20,000 rows of 4
 * features; reading, about 5 microseconds a row.
 */
import { banded, type Banded, type Estimate, type Performance } from "./banded.ts";
import { boostedTrees, treesAt, type BoostedTrees } from "./boosted-trees.ts";
import { checkLengths, named, pick, rowsWhere, slice } from "./columns.ts";
import { binRows, featureCuts } from "./feature-bins.ts";
import { numberOf, type Label } from "./labels.ts";
import { chunkRowsFor, referenceChunks, type ReferenceChunks } from "./reference-chunks.ts";
import { realisedRegression } from "./regression-performance.ts";
import { absoluteLoss, rootOf, squaredLogLoss, squaredLoss, type Loss } from "./regression.ts";

export const lossNames = ["absolute", "squared", "squared_log"] as const;
export type LossName = (typeof lossNames)[number];

export interface LossModel extends BoostedTrees {
  /** What the square of the expected absolute loss is multiplied by before the trees are added; 0 for the absolute loss itself. */
  readonly scale: number;
  /** Variance of the loss about what the trees say, over the mean square of what they say. */
  readonly scatter: number;
}

export interface RegressionEstimator {
  readonly problem: "regression";
  /** In the order the trees count them; after them comes the prediction. */
  readonly features: readonly string[];
  /** Edges of the bins of each, of the prediction last. */
  readonly cuts: readonly (readonly number[])[];
  readonly losses: Readonly<Partial<Record<LossName, LossModel>>>;
  readonly chunks: ReferenceChunks;
}

export interface RegressionColumns {
  readonly predictions: ArrayLike<Label>;
  /** NaN where a value is missing. */
  readonly features?: ReadonlyMap<string, ArrayLike<number>> | undefined;
}

export interface RegressionReference extends RegressionColumns {
  readonly actuals: ArrayLike<Label>;
  readonly chunkRows?: number | undefined;
}

const losses: Readonly<Record<LossName, Loss>> = { absolute: absoluteLoss, squared: squaredLoss, squared_log: squaredLogLoss };
const rowsMin = 50;
/** More rows make the fit slower and hardly better: of more, evenly spaced ones are taken. */
const fitRowsMax = 50_000;

/** @throws RangeError with fewer than 50 rows whose answer and prediction are known. */
export function buildRegression({ predictions, actuals, features = new Map(), chunkRows }: RegressionReference): {
  estimator: RegressionEstimator;
  notes: readonly string[];
} {
  const rows = checkLengths({ actuals, predictions, ...named("feature", features) });
  const predicted = Float64Array.from(predictions, numberOf);
  const actual = Float64Array.from(actuals, numberOf);
  const whole = rowsWhere(rows, (row) => Number.isFinite(predicted[row]) && Number.isFinite(actual[row]));
  if (whole.length < rowsMin) throw new RangeError(`actuals: expected at least ${rowsMin} rows with prediction and answer, got ${whole.length}`);

  const notes: string[] = [];
  if (whole.length < rows) notes.push(`${rows - whole.length} of ${rows} rows have no answer or no prediction; the estimate was made without them.`);
  if (features.size === 0) notes.push("No numeric features: the loss is estimated from the prediction alone.");

  const step = Math.max(1, whole.length / fitRowsMax);
  const fitted = Uint32Array.from({ length: Math.floor(whole.length / step) }, (_, i) => whole[Math.floor(i * step)] as number);
  const columns = [...features.values(), predicted].map((column) => pick(column, fitted));
  const cuts = featureCuts(columns);
  const binned = binRows(columns, cuts);

  const models: Partial<Record<LossName, LossModel>> = {};
  let absolute = new Float64Array(fitted.length);
  for (const name of lossNames) {
    const targets = Float64Array.from(fitted, (row) => losses[name](predicted[row] as number, actual[row] as number) ?? Number.NaN);
    if (!targets.every(Number.isFinite)) continue;
    const squares = Float64Array.from(absolute, (loss, i) => startOf(name, loss, predicted[fitted[i] as number] as number));
    const scale = ratio(sum(targets), sum(squares));
    const { model, unseen } = boostedTrees(binned, targets.map((target, i) => target - scale * (squares[i] as number)));
    const expected = unseen.map((added, i) => Math.max(0, scale * (squares[i] as number) + added));
    models[name] = { ...model, scale, scatter: scatterOf(targets, expected) };
    if (name === "absolute") absolute = expected;
  }
  if (models.absolute?.trees.length === 0) {
    notes.push("Nothing in the features says how large an error will be: the estimate will stay what it is on the reference.");
  }
  const bare: RegressionEstimator = { problem: "regression", features: [...features.keys()], cuts, losses: models, chunks: { rows, estimated: {}, realised: {} } };
  const chunks = referenceChunks(rows, chunkRowsFor(rows, chunkRows), (first, last) => {
    const part = new Map([...features].map(([name, column]) => [name, slice(column, first, last)]));
    const chunk = { predictions: slice(predictions, first, last), features: part };
    return { estimated: estimateRegression(bare, chunk), realised: realisedRegression(chunk.predictions, slice(actuals, first, last)) };
  });
  return { estimator: { ...bare, chunks }, notes };
}

/** Rows without a finite prediction are left out. @throws RangeError for a feature that is not there. */
export function estimateRegression(estimator: RegressionEstimator, columns: RegressionColumns): Performance {
  const figures: Record<string, Banded> = {};
  const add = (name: string, figure: Estimate | undefined): void => {
    if (figure !== undefined) figures[name] = banded(figure, 0);
  };
  const expected = expectedLosses(estimator, columns);
  add("mae", meanLossOf(expected.absolute, estimator.losses.absolute));
  const squared = meanLossOf(expected.squared, estimator.losses.squared);
  add("mse", squared);
  add("rmse", rootOf(squared));
  add("rmsle", rootOf(meanLossOf(expected.squared_log, estimator.losses.squared_log)));
  return figures;
}

/** What each row is expected to lose, NaN where there is no finite prediction; a loss that can not be estimated is absent. */
export function expectedLosses(estimator: RegressionEstimator, { predictions, features = new Map() }: RegressionColumns): Partial<Record<LossName, Float64Array>> {
  const predicted = Float64Array.from(predictions, numberOf);
  const columns = estimator.features.map((name) => {
    const column = features.get(name);
    if (column === undefined) throw new RangeError(`features: expected ${name}, got ${[...features.keys()].join(", ") || "none"}`);
    return column;
  });
  checkLengths({ predictions, ...named("feature", features) });
  const binned = binRows([...columns, predicted], estimator.cuts);
  const expected: Partial<Record<LossName, Float64Array>> = {};
  for (const name of lossNames) {
    const model = estimator.losses[name];
    if (model === undefined || (name === "squared_log" && predicted.some((value) => value < 0))) continue;
    const { absolute } = expected;
    expected[name] = Float64Array.from(predicted, (value, row) => {
      if (!Number.isFinite(value)) return Number.NaN;
      const start = model.scale === 0 ? 0 : model.scale * startOf(name, absolute?.[row] ?? 0, value);
      return Math.max(0, start + treesAt(model, binned, row)); // a loss is never negative; a sum of trees may be
    });
  }
  return expected;
}

/** What a loss would be if it followed from the absolute one alone, but for a factor. */
function startOf(name: LossName, absolute: number, prediction: number): number {
  if (name === "absolute") return 0;
  return name === "squared" ? absolute ** 2 : (absolute / (1 + prediction)) ** 2;
}

function meanLossOf(expected: Float64Array | undefined, model: LossModel | undefined): Estimate | undefined {
  const known = expected?.filter((loss) => !Number.isNaN(loss));
  if (known === undefined || known.length === 0 || model === undefined) return undefined;
  const mean = known.reduce((total, loss) => total + loss / known.length, 0);
  const square = known.reduce((total, loss) => total + loss ** 2 / known.length, 0);
  const variance = square - mean ** 2 + model.scatter * square;
  const figure = { value: mean, standardError: Math.sqrt(Math.max(0, variance) / known.length) };
  return Number.isFinite(figure.value) && Number.isFinite(figure.standardError) ? figure : undefined;
}

function scatterOf(losses: Float64Array, expected: Float64Array): number {
  const apart = losses.map((loss, row) => (loss - (expected[row] as number)) ** 2);
  return ratio(sum(apart), sum(expected.map((loss) => loss ** 2)));
}

function ratio(part: number, whole: number): number {
  return whole > 0 && Number.isFinite(part / whole) ? part / whole : 0;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
