/** The committed census rows are what data/NOTICE.md says they are. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { parseReference } from "../../detectors/reference/reference.ts";
import { featureNames, inferRequest, readRows } from "../../examples/employment/rows.ts";

const employment = new URL("../../examples/employment/", import.meta.url);
const data = new URL("data/", employment);

test("four files, together below 3 MB, no row in two of them", async () => {
  const sizes = readdirSync(data).filter((name) => name.endsWith(".csv.gz")).map((name) => statSync(new URL(name, data)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3_000_000);
  const rows = await Promise.all((["train", "reference", "steady", "drifted"] as const).map((name) => readRows(name)));
  expect(rows.map(({ length }) => length)).toEqual([27_785, 20_000, 21_000, 40_000]);
  const ids = rows.flatMap((some) => some.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});

test("every row has 16 whole numbers and a true answer", async () => {
  for (const { features, employed } of await readRows("drifted")) {
    expect(Object.keys(features)).toHaveLength(16);
    if (!Object.values(features).every(Number.isInteger) || (employed !== 0 && employed !== 1)) expect.fail(JSON.stringify(features));
  }
});

test("the years after come in the source's order, and people in group quarters stand together in them", async () => {
  const rows = await readRows("drifted");
  expect(rows.map(({ id }) => id)).toEqual(rows.map((_, i) => 68_785 + 120_000 + i));
  const inGroupQuarters = rows.map(({ features }) => (features["RELP"] as number) >= 16);
  expect(inGroupQuarters.indexOf(true)).toBe(13_619);
  expect(inGroupQuarters.lastIndexOf(true)).toBe(23_889);
  expect(inGroupQuarters.filter(Boolean)).toHaveLength(10_271);
});

test("steady traffic is shuffled: neighbours are no household", async () => {
  const ages = (await readRows("steady")).map(({ features }) => features["AGEP"] as number);
  const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length;
  const covariance = (lag: number) => ages.slice(lag).reduce((sum, age, i) => sum + (age - mean) * ((ages[i] as number) - mean), 0);
  expect(Math.abs(covariance(1) / covariance(0))).toBeLessThan(3 / Math.sqrt(ages.length));
});

test("a file with other columns is refused by its name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rows-"));
  try {
    await writeFile(join(folder, "steady.csv.gz"), gzipSync("id,AGEP,employed\n1,30,1\n"));
    await expect(readRows("steady", pathToFileURL(`${folder}/`))).rejects.toThrow("steady.csv.gz: expected the columns id,AGEP,SCHL");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the reference has all features and version 1's score", () => {
  const reference = parseReference(JSON.parse(gunzipSync(readFileSync(new URL("reference.json.gz", employment))).toString("utf8")));
  expect(reference.model).toBe("employment");
  expect(reference.features.map(({ name }) => name)).toEqual([...featureNames]);
  expect(reference.score?.name).toBe("probabilities_1");
  expect(reference.rows).toBe(20_000);
  expect(reference.performance?.["roc_auc"]).toBeCloseTo(0.898, 2);
});

test("a request has a tensor for each feature, and the id only if there is one", async () => {
  const rows = (await readRows("reference")).slice(0, 3);
  const known = JSON.parse(readFileSync(new URL("known-request.json", employment), "utf8")) as unknown;
  expect(inferRequest(rows)).toEqual(known);
  expect(inferRequest(rows, "a").id).toBe("a");
  expect(inferRequest(rows).inputs.map(({ name, shape }) => [name, ...shape])).toEqual(featureNames.map((name) => [name, 3, 1]));
});
