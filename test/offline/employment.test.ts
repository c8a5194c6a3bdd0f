/**
 * A part of the US census employment data (fixtures/employment/NOTICE) against a reference of all 68,785 rows of 2015:
 * chunks 0 and 27 of 42, with the figures that NannyML 0.13.1 publishes for them.
 */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { joinActuals } from "../../agent/offline/actuals-join.ts";
import { openTable } from "../../agent/offline/data.ts";
import { replay, type Replay } from "../../agent/offline/replay.ts";
import { readReference } from "../../agent/monitors/reference-file.ts";

const folder = join(import.meta.dirname, "fixtures/employment");

/** Distance of chunk 0 and of chunk 27. */
const jensenShannon = {
  AGEP: [0.034692, 0.494907],
  SCHL: [0.026418, 0.401817],
  MAR: [0.012797, 0.392076],
  RELP: [0.026075, 0.896912],
  DIS: [0.003038, 0.193966],
  ESP: [0.032715, 0.308289],
  CIT: [0.010194, 0.081701],
  MIG: [0.004584, 0.292485],
  MIL: [0.017733, 0.236128],
  ANC: [0.034989, 0.170211],
  NATIVITY: [0.004614, 0.015057],
  DEAR: [0.008566, 0.054142],
  DEYE: [0.001416, 0.073942],
  DREM: [0.011527, 0.243624],
  SEX: [0.004695, 0.019943],
  RAC1P: [0.03102, 0.106242],
} as const;

let told: Replay;
beforeAll(async () => {
  const read = await readReference(join(folder, "reference.json.gz"));
  if (!read.ok) throw new Error(read.message);
  const { reference } = read;
  const join_ = joinActuals(await openTable("actuals.csv.gz", folder), "id", reference.columns?.actual);
  const roles = { ...reference.columns };
  told = await replay({ table: await openTable("analysis.csv.gz", folder), reference, roles, chunking: { rows: 5_000 }, actuals: { join: join_, id: "id" } });
});

test("the chunks are rows 0 to 4,999 and 5,000 to 9,999", () => {
  expect(told.rows).toBe(10_000);
  expect(told.chunks.map(({ index, first, last, short }) => ({ index, first, last, short }))).toEqual([
    { index: 0, first: 0, last: 4_999, short: undefined },
    { index: 1, first: 5_000, last: 9_999, short: undefined },
  ]);
  expect(told.notes).toEqual([]);
});

test.for(Object.entries(jensenShannon))("the Jensen-Shannon distance of %s is the published one", ([name, expected]) => {
  for (const [index, value] of expected.entries()) expect(Math.abs((told.chunks[index]?.features[name]?.["jensen_shannon"] ?? NaN) - value)).toBeLessThan(1e-4);
});

test("ROC AUC is what NannyML estimates and what came true", () => {
  const expected = { estimated: [0.90551, 0.83678], realised: [0.909653, 0.803475] };
  for (const kind of ["estimated", "realised"] as const) {
    for (const [index, value] of expected[kind].entries()) {
      const figure = told.chunks[index]?.performance[kind]?.["roc_auc"];
      expect(Math.abs((figure?.value ?? NaN) - value)).toBeLessThan(1e-4);
      expect(figure?.lower).toBeLessThan(value);
      expect(figure?.upper).toBeGreaterThan(value);
    }
  }
});

test("the chunk of other people alarms, for its features, its mistakes, and its performance estimated and realised; the usual one does not", () => {
  expect(told.alarms.filter(({ row }) => row < 5_000)).toEqual([]);
  const kinds = new Set(told.alarms.map(({ kind }) => kind));
  expect(["drift", "mistakes", "estimated-performance", "realised-performance"].filter((kind) => !kinds.has(kind as "drift"))).toEqual([]);
  expect(told.alarms.find(({ kind }) => kind === "drift")?.feature).toBe("RELP");
  expect(told.alarms.filter(({ kind }) => kind.endsWith("performance")).map(({ row }) => row)).toEqual([9_999, 9_999]);
});

test("a measure that does not apply is absent, and no figure is NaN", () => {
  expect(told.chunks[0]?.features["AGEP"]).not.toHaveProperty("chi2_p");
  expect(told.chunks[0]?.features["SEX"]).toHaveProperty("chi2_p");
  const json = JSON.stringify({ rows: told.rows, chunks: told.chunks, alarms: told.alarms });
  expect(json).not.toContain("null,");
  expect(json).not.toMatch(/:null/);
});
