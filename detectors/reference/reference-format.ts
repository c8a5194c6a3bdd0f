/**
 * The format of a reference file, and what can be wrong with one. Written by hand rather than with a schema library,
 * because detectors import none; `parseReference` is the way in.
 */

import { estimatorProblems } from "../performance/estimator-format.ts";
import { seasonCount, type Season } from "./seasons.ts";

export const referenceFormat = "pilotfish.reference/1";

/** The cells that follow a feature's own, in their order and in words. */
export const numericExtras = ["under", "over", "null", "NaN", "infinite", "wrong type"] as const;
export const categoricalExtras = ["other", "null", "wrong type"] as const;

/** Mahalanobis' distance and the reconstruction error. */
const rowMeasureCount = 2;

const roles = ["score", "prediction", "actual", "timestamp"] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Notes that something at a path is not what was expected; gives back whether it was. */
type Expect = (holds: boolean, path: string, expected: string) => boolean;

/** What every feature must agree with: the rows, and how many seasons there are, 0 for none. */
interface Whole {
  readonly rows: unknown;
  readonly seasons: number;
}

/** A line with its path for each mistake; none where the value is a reference. */
export function referenceProblems(value: unknown): string[] {
  const problems: string[] = [];
  const expect: Expect = (holds, path, expected) => {
    if (!holds) problems.push(`${path}: expected ${expected}`);
    return holds;
  };
  if (!isRecord(value)) return ["expected an object"];

  const { format, model, rows, features, score, prediction, columns, featuriser, season, thinning, estimator, wholeRows, performance } = value;
  expect(format === referenceFormat, "format", `"${referenceFormat}"`);
  expect(isName(model), "model", "a name");
  expect(isCount(rows) && rows > 0, "rows", "a whole number above 0");
  const knownSeason = season === undefined || expect(isSeason(season), "season", '"hour-of-day" or "hour-of-week"');
  const whole: Whole = { rows, seasons: season === undefined || !knownSeason ? 0 : seasonCount(season as Season) };
  if (expect(Array.isArray(features) && features.length > 0, "features", "a list of at least one feature")) {
    const names = new Set<unknown>();
    for (const [i, feature] of (features as unknown[]).entries()) {
      const path = `features[${i}]`;
      if (!expect(isRecord(feature), path, "an object")) continue;
      const fields = feature as Fields;
      checkFeature(fields, path, whole, expect);
      expect(!names.has(fields["name"]), `${path}.name`, "a name that no feature before it has");
      names.add(fields["name"]);
    }
  }
  for (const [path, part] of Object.entries({ score, prediction })) {
    if (part !== undefined && expect(isRecord(part), path, "an object")) checkFeature(part as Fields, path, whole, expect);
  }
  if (columns !== undefined && expect(isRecord(columns), "columns", "an object")) {
    for (const [role, name] of Object.entries(columns as Fields)) {
      expect((roles as readonly string[]).includes(role), `columns.${role}`, `one of ${roles.join(", ")}`);
      expect(isName(name), `columns.${role}`, "the name of a column");
    }
  }
  if (featuriser !== undefined && expect(isRecord(featuriser), "featuriser", "an object")) checkFeaturiser(featuriser as Fields, expect);
  expect(thinning === undefined || (isCount(thinning) && thinning > 0), "thinning", "a whole number, 1 or more");
  if (estimator !== undefined) problems.push(...estimatorProblems(estimator).map((problem) => (problem.startsWith("expected") ? `estimator: ${problem}` : `estimator.${problem}`)));
  if (wholeRows !== undefined && expect(isRecord(wholeRows), "wholeRows", "an object")) checkWholeRows(wholeRows as Fields, Array.isArray(features) ? features.length : 0, expect);
  if (performance !== undefined && expect(isRecord(performance), "performance", "an object")) {
    for (const [name, figure] of Object.entries(performance as Fields)) {
      expect(Number.isFinite(figure), `performance.${name}`, "a number");
    }
  }
  return problems;
}

function checkFeaturiser({ digest, kind, columns, outputs, seed }: Fields, expect: Expect): void {
  expect(typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest), "featuriser.digest", "64 hexadecimal digits");
  expect(kind === "autoencoder" || kind === "embedding", "featuriser.kind", '"autoencoder" or "embedding"');
  expect(Array.isArray(columns) && columns.length > 0 && columns.every(isName), "featuriser.columns", "the names of columns");
  expect(kind !== "embedding" || (isCount(outputs) && outputs > 0), "featuriser.outputs", "a whole number above 0");
  expect(kind !== "embedding" || Number.isSafeInteger(seed), "featuriser.seed", "a whole number");
}

function checkWholeRows({ encoding, mahalanobis, components, measures, sample }: Fields, features: number, expect: Expect): void {
  const isRow = (list: unknown, length?: number) => Array.isArray(list) && (length === undefined || list.length === length) && list.every(isNumber);
  const written = Array.isArray(encoding) && encoding.length === features && encoding.every(isEncoded);
  if (!expect(written, "wholeRows.encoding", `how each of the ${features} features is written`)) return;
  const columns = (encoding as Fields[]).reduce((sum, feature) => sum + (feature["kind"] === "category" ? (feature["values"] as unknown[]).length : Number(feature["standardDeviation"] !== 0)), 0);
  const { means, whitening } = isRecord(mahalanobis) ? (mahalanobis as Fields) : {};
  expect(isRow(means, columns), "wholeRows.mahalanobis.means", `${columns} numbers`);
  expect(isRow(whitening, columns * columns), "wholeRows.mahalanobis.whitening", `${columns * columns} numbers`);
  const { means: centre, components: directions } = isRecord(components) ? (components as Fields) : {};
  expect(isRow(centre, columns), "wholeRows.components.means", `${columns} numbers`);
  expect(Array.isArray(directions) && directions.every((direction) => isRow(direction, columns)), "wholeRows.components.components", `lists of ${columns} numbers`);
  expect(Array.isArray(sample) && sample.every((row) => isRow(row, columns)), "wholeRows.sample", `rows of ${columns} numbers`);
  if (!expect(Array.isArray(measures) && measures.length === rowMeasureCount && measures.every(isRecord), "wholeRows.measures", `${rowMeasureCount} features`)) return;
  for (const [i, measure] of (measures as Fields[]).entries()) checkFeature(measure, `wholeRows.measures[${i}]`, { rows: measure["rows"], seasons: 0 }, expect);
}

function isEncoded(feature: unknown): boolean {
  if (!isRecord(feature)) return false;
  const { kind, mean, standardDeviation, values, ratios } = feature as Fields;
  if (kind === "number") return isNumber(mean) && isNumber(standardDeviation) && standardDeviation >= 0;
  if (kind !== "category" || !Array.isArray(values) || !Array.isArray(ratios)) return false;
  return values.length === ratios.length && values.every((text) => typeof text === "string") && ratios.every(isNumber);
}

function checkFeature(feature: Fields, path: string, whole: Whole, expect: Expect): void {
  const { name, kind, rows, distinct, autocorrelation } = feature;
  expect(isName(name), `${path}.name`, "a name");
  expect(rows === whole.rows, `${path}.rows`, `the ${String(whole.rows)} rows of the whole reference`);
  expect(distinct === undefined || isCount(distinct), `${path}.distinct`, "a whole number, 0 or more");
  expect(autocorrelation === undefined || (isNumber(autocorrelation) && Math.abs(autocorrelation) <= 1), `${path}.autocorrelation`, "a number, -1 to 1");
  if (kind === "numeric") checkNumeric(feature, path, whole, expect);
  else if (kind === "categorical") checkCategorical(feature, path, whole, expect);
  else expect(false, `${path}.kind`, '"numeric" or "categorical"');
}

function checkNumeric(feature: Fields, path: string, whole: Whole, expect: Expect): void {
  const { edges, counts, mean, standardDeviation, min, max, integer, histogram, sample } = feature;
  expect(isNumber(mean), `${path}.mean`, "a number");
  expect(isNumber(standardDeviation) && standardDeviation >= 0, `${path}.standardDeviation`, "a number, 0 or more");
  expect(integer === undefined || typeof integer === "boolean", `${path}.integer`, "true or false");
  expect(sample === undefined || isRising(sample), `${path}.sample`, "numbers, none below the one before it");
  if (histogram !== undefined) checkHistogram(histogram, `${path}.histogram`, expect);
  const ends = expect(isNumber(min), `${path}.min`, "a number") && expect(isNumber(max), `${path}.max`, "a number");
  if (!expect(isAscending(edges, isNumber), `${path}.edges`, "numbers in ascending order")) return;
  const cuts = edges as readonly number[];
  if (ends) expect(isRising([min, ...cuts, max]), `${path}.edges`, "edges between min and max");
  const cells = cuts.length + 1 + numericExtras.length;
  if (checkCounts(counts, cells, whole.rows, `${path}.counts`, expect)) checkSeasons(feature, counts as number[], path, whole, expect);
}

function checkHistogram(histogram: unknown, path: string, expect: Expect): void {
  if (!expect(isRecord(histogram), path, "an object")) return;
  const { low, high, counts } = histogram as Fields;
  expect(isNumber(low) && isNumber(high) && low <= high, `${path}.low`, "a number, not above high");
  expect(Array.isArray(counts) && counts.length > 0 && counts.every(isCount), `${path}.counts`, "whole numbers, 0 or more");
}

function checkCategorical(feature: Fields, path: string, whole: Whole, expect: Expect): void {
  const { values, counts, heldOut } = feature;
  const isText = (text: unknown) => typeof text === "string";
  if (!expect(isAscending(values, isText), `${path}.values`, "texts in the order of their code units, each once")) return;
  const cells = (values as readonly string[]).length + categoricalExtras.length;
  if (!checkCounts(counts, cells, whole.rows, `${path}.counts`, expect)) return;
  const part =
    Array.isArray(heldOut) && heldOut.length === cells && heldOut.every((count, cell) => isCount(count) && count <= (counts as number[])[cell]!);
  if (expect(part, `${path}.heldOut`, `${cells} whole numbers, none above its count`)) checkSeasons(feature, heldOut as number[], path, whole, expect);
}

/** @param together what the seasons must add up to, cell by cell. */
function checkSeasons({ seasons }: Fields, together: readonly number[], path: string, whole: Whole, expect: Expect): void {
  if (whole.seasons === 0) {
    expect(seasons === undefined, `${path}.seasons`, "none, as the reference has no season");
    return;
  }
  const isRow = (row: unknown) => Array.isArray(row) && row.length === together.length && row.every(isCount);
  const table = Array.isArray(seasons) && seasons.length === whole.seasons && seasons.every(isRow);
  if (!expect(table, `${path}.seasons`, `${whole.seasons} lists of ${together.length} whole numbers`)) return;
  const adds = together.every((count, cell) => count === (seasons as number[][]).reduce((sum, row) => sum + (row[cell] as number), 0));
  expect(adds, `${path}.seasons`, "counts that add up to those of all seasons together");
}

function checkCounts(counts: unknown, cells: number, rows: unknown, path: string, expect: Expect): boolean {
  if (!expect(Array.isArray(counts) && counts.length === cells && counts.every(isCount), path, `${cells} whole numbers, 0 or more`)) {
    return false;
  }
  const sum = (counts as number[]).reduce((total, count) => total + count, 0);
  return expect(sum === rows, path, `the ${String(rows)} rows of the whole reference, got ${sum}`);
}

function isAscending(list: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every((item, i) => isItem(item) && (i === 0 || item > list[i - 1]));
}

function isRising(list: unknown): boolean {
  return Array.isArray(list) && list.every((item, i) => isNumber(item) && (i === 0 || item >= list[i - 1]));
}

function isSeason(value: unknown): value is Season {
  return value === "hour-of-day" || value === "hour-of-week";
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
