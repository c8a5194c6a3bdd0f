/**
 * What can be wrong with an estimator that was read from a file. By hand rather than with a schema library, because
 * detectors import none. An estimator without problems never makes a figure NaN and never reads beyond an array.
 */
import { classesMax } from "./multiclass-estimator.ts";
import { isotonicPointsMax } from "./isotonic.ts";
import { lossNames } from "./regression-estimator.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Notes what was expected at a path where it does not hold; gives back whether it holds. */
type Expect = (holds: boolean, path: string, expected: string) => boolean;

/** A line with its path for each mistake; none where the value is a `PerformanceEstimator`. */
export function estimatorProblems(value: unknown): string[] {
  const problems: string[] = [];
  const expect: Expect = (holds, path, expected) => {
    if (!holds) problems.push(`${path === "" ? "" : `${path}: `}expected ${expected}`);
    return holds;
  };
  if (!isRecord(value)) return ["expected an object"];
  const { problem } = value;
  if (problem === "binary") checkBinary(value, expect);
  else if (problem === "multiclass") checkMulticlass(value, expect);
  else if (problem === "regression") checkRegression(value, expect);
  else expect(false, "problem", '"binary", "multiclass" or "regression"');
  checkChunks(value["chunks"], expect);
  return problems;
}

function checkBinary({ classes, calibration, threshold, bins }: Fields, expect: Expect): void {
  expect(isNames(classes) && classes.length === 2, "classes", "two names that differ");
  if (calibration !== undefined) checkCurve(calibration, "calibration", expect);
  if (threshold !== undefined) expect(isNumber(threshold), "threshold", "a number");
  if (!expect(isRecord(bins), "bins", "an object")) return;
  const { edges, scores, likelihoods } = bins as Fields;
  if (!expect(isNumbers(edges) && isAscending(edges), "bins.edges", "numbers in ascending order")) return;
  const count = (edges as readonly number[]).length + 1;
  expect(isNumbers(scores) && scores.length === count, "bins.scores", `${count} numbers`);
  expect(isNumbers(likelihoods) && likelihoods.length === count && likelihoods.every(isProbability), "bins.likelihoods", `${count} numbers from 0 to 1`);
}

function checkMulticlass({ classes, calibrations }: Fields, expect: Expect): void {
  if (!expect(isNames(classes) && classes.length >= 2 && classes.length <= classesMax, "classes", `2 to ${classesMax} names that differ`)) return;
  const { length } = classes as readonly string[];
  if (!expect(Array.isArray(calibrations) && calibrations.length === length, "calibrations", `a curve or null for each of ${length} classes`)) return;
  for (const [i, curve] of (calibrations as unknown[]).entries()) {
    if (curve !== null) checkCurve(curve, `calibrations[${i}]`, expect);
  }
}

function checkCurve(curve: unknown, path: string, expect: Expect): void {
  if (!expect(isRecord(curve), path, "an object")) return;
  const { x, y } = curve as Fields;
  if (!expect(isNumbers(x) && x.length > 0 && x.length <= isotonicPointsMax && isAscending(x), `${path}.x`, `1 to ${isotonicPointsMax} numbers in ascending order`)) return;
  const { length } = x as readonly number[];
  const rises = isNumbers(y) && y.length === length && y.every((at, i) => isProbability(at) && (i === 0 || at >= (y[i - 1] as number)));
  expect(rises, `${path}.y`, `${length} numbers from 0 to 1, none below the one before`);
}

function checkRegression({ features, cuts, losses }: Fields, expect: Expect): void {
  if (!expect(isNames(features), "features", "a list of names that differ")) return;
  const columns = (features as readonly string[]).length + 1;
  const bins = Array.isArray(cuts) && cuts.length === columns && cuts.every((edges) => isNumbers(edges) && edges.length < 255 && isAscending(edges));
  expect(bins, "cuts", `${columns} lists of numbers in ascending order, one for each feature and for the prediction`);
  if (!expect(isRecord(losses), "losses", "an object")) return;
  for (const [name, model] of Object.entries(losses as Fields)) {
    const path = `losses.${name}`;
    if (!expect((lossNames as readonly string[]).includes(name), path, `none but ${lossNames.join(", ")}`)) continue;
    if (!expect(isRecord(model), path, "an object")) continue;
    const { base, scale, scatter, trees } = model as Fields;
    expect(isNumber(base), `${path}.base`, "a number");
    expect(isNumber(scale) && scale >= 0, `${path}.scale`, "a number, 0 or more");
    expect(isNumber(scatter) && scatter >= 0, `${path}.scatter`, "a number, 0 or more");
    if (!expect(Array.isArray(trees), `${path}.trees`, "a list of trees")) continue;
    for (const [i, tree] of (trees as unknown[]).entries()) {
      expect(isTree(tree, columns), `${path}.trees[${i}]`, "a tree: feature, cut, left and value of each node, children after their parents");
    }
  }
}

/** A walk down such a tree ends, since children come after their parents. */
function isTree(tree: unknown, columns: number): boolean {
  if (!isRecord(tree)) return false;
  const { feature, cut, left, value } = tree;
  if (!isNumbers(feature) || !isNumbers(cut) || !isNumbers(left) || !isNumbers(value)) return false;
  const nodes = feature.length;
  if (nodes === 0 || cut.length !== nodes || left.length !== nodes || value.length !== nodes) return false;
  return feature.every((at, node) => {
    if (at === -1) return true;
    const child = left[node] as number;
    return Number.isInteger(at) && at >= 0 && at < columns && Number.isInteger(child) && child > node && child + 1 < nodes;
  });
}

function checkChunks(chunks: unknown, expect: Expect): void {
  if (!expect(isRecord(chunks), "chunks", "an object")) return;
  const { rows } = chunks as Fields;
  expect(Number.isSafeInteger(rows) && (rows as number) > 0, "chunks.rows", "a whole number above 0");
  for (const kind of ["estimated", "realised"]) {
    const figures = (chunks as Fields)[kind];
    if (!expect(isRecord(figures), `chunks.${kind}`, "an object")) continue;
    for (const [name, values] of Object.entries(figures as Fields)) {
      const isList = Array.isArray(values) && values.every((value) => value === null || isNumber(value));
      expect(isList, `chunks.${kind}.${name}`, "a list of numbers or nulls");
    }
  }
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isProbability(value: number): boolean {
  return value >= 0 && value <= 1;
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber);
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] as number));
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "") && new Set(value).size === value.length;
}
