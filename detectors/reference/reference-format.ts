/**
 * The format of a reference file, and what can be wrong with one. Written by hand rather than with a schema library,
 * because detectors import none; `parseReference` is the way in.
 */

export const referenceFormat = "pilotfish.reference/1";

/** The cells that follow a feature's own, in their order and in words. */
export const numericExtras = ["under", "over", "null", "NaN", "infinite", "wrong type"] as const;
export const categoricalExtras = ["other", "null", "wrong type"] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Notes that something at a path is not what was expected; gives back whether it was. */
type Expect = (holds: boolean, path: string, expected: string) => boolean;

/** A line with its path for each mistake; none where the value is a reference. */
export function referenceProblems(value: unknown): string[] {
  const problems: string[] = [];
  const expect: Expect = (holds, path, expected) => {
    if (!holds) problems.push(`${path}: expected ${expected}`);
    return holds;
  };
  if (!isRecord(value)) return ["expected an object"];

  const { format, model, rows, features, score, performance } = value;
  expect(format === referenceFormat, "format", `"${referenceFormat}"`);
  expect(isName(model), "model", "a name");
  expect(isCount(rows) && rows > 0, "rows", "a whole number above 0");
  if (expect(Array.isArray(features) && features.length > 0, "features", "a list of at least one feature")) {
    const names = new Set<unknown>();
    for (const [i, feature] of (features as unknown[]).entries()) {
      const path = `features[${i}]`;
      if (!expect(isRecord(feature), path, "an object")) continue;
      const fields = feature as Fields;
      checkFeature(fields, path, rows, expect);
      expect(!names.has(fields["name"]), `${path}.name`, "a name that no feature before it has");
      names.add(fields["name"]);
    }
  }
  if (score !== undefined && expect(isRecord(score), "score", "an object")) checkFeature(score as Fields, "score", rows, expect);
  if (performance !== undefined && expect(isRecord(performance), "performance", "an object")) {
    for (const [name, figure] of Object.entries(performance as Fields)) {
      expect(Number.isFinite(figure), `performance.${name}`, "a number");
    }
  }
  return problems;
}

function checkFeature(feature: Fields, path: string, rows: unknown, expect: Expect): void {
  expect(isName(feature["name"]), `${path}.name`, "a name");
  expect(feature["rows"] === rows, `${path}.rows`, `the ${String(rows)} rows of the whole reference`);
  if (feature["kind"] === "numeric") checkNumeric(feature, path, rows, expect);
  else if (feature["kind"] === "categorical") checkCategorical(feature, path, rows, expect);
  else expect(false, `${path}.kind`, '"numeric" or "categorical"');
}

function checkNumeric(feature: Fields, path: string, rows: unknown, expect: Expect): void {
  const { edges, counts, mean, standardDeviation, min, max } = feature;
  expect(isNumber(mean), `${path}.mean`, "a number");
  expect(isNumber(standardDeviation) && standardDeviation >= 0, `${path}.standardDeviation`, "a number, 0 or more");
  const ends = expect(isNumber(min), `${path}.min`, "a number") && expect(isNumber(max), `${path}.max`, "a number");
  if (!expect(isAscending(edges, isNumber), `${path}.edges`, "numbers in ascending order")) return;
  const cuts = edges as readonly number[];
  if (ends) {
    const inside = [min as number, ...cuts, max as number].every((at, i, all) => i === 0 || at >= (all[i - 1] as number));
    expect(inside, `${path}.edges`, "edges between min and max");
  }
  checkCounts(counts, cuts.length + 1 + numericExtras.length, rows, `${path}.counts`, expect);
}

function checkCategorical(feature: Fields, path: string, rows: unknown, expect: Expect): void {
  const { values, counts, heldOut } = feature;
  const isText = (text: unknown) => typeof text === "string";
  if (!expect(isAscending(values, isText), `${path}.values`, "texts in the order of their code units, each once")) return;
  const cells = (values as readonly string[]).length + categoricalExtras.length;
  if (!checkCounts(counts, cells, rows, `${path}.counts`, expect)) return;
  const part =
    Array.isArray(heldOut) && heldOut.length === cells && heldOut.every((count, cell) => isCount(count) && count <= (counts as number[])[cell]!);
  expect(part, `${path}.heldOut`, `${cells} whole numbers, none above its count`);
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
