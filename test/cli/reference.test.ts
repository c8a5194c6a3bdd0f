/** `pilotfish reference` and `pilotfish replay` as a person calls them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { progressLine } from "../../agent/cli/progress.ts";
import { chance } from "../detectors/chance.ts";
import { makeFolder } from "../offline/folder.ts";
import { call } from "./call.ts";

const { path, put } = makeFolder();

function people(rows: number, seed: number, older = 0): string {
  const random = chance(seed);
  const lines = Array.from({ length: rows }, (_, row) => {
    const p = random();
    return `${row},${Math.floor(20 + 50 * random()) + older},${random() < 0.1 ? "" : random() < 0.5 ? "NL" : "DE"},${p.toFixed(4)},${random() < p ? 1 : 0}`;
  });
  return `id,age,country,p,y\n${lines.join("\n")}\n`;
}
put("people.csv", people(4_000, 1));
put("later.csv", people(3_000, 2));
put("older.csv", people(3_000, 3, 30));
const made = await call(["reference", "people.csv", "--score", "p", "--actual", "y", "--ignore", "id", "-o", "r.json"], path);

test("the summary says what the reference holds, what it can find, and what to know of it", () => {
  expect({ code: made.code, err: made.err }).toEqual({ code: 0, err: "" });
  expect(made.out).toMatch(/^people: 4,000 rows, 2 features\n/);
  expect(made.out).toMatch(/^age +numeric +50 +0 % +20 to 69, mean 4\d/m);
  expect(made.out).toMatch(/^country +categorical +2 +[\d.]+ % +\w\w, \w\w/m);
  expect(made.out).toMatch(/^performance on the reference \(binary\): roc_auc 0\.8\d+/m);
  expect(made.out.split("\n").every((line) => line.length <= 300)).toBe(true);
  expect(existsSync(join(path, "r.json.part"))).toBe(false);
});

test("--json tells the same to a program", async () => {
  const { code, out } = await call(["reference", "people.csv", "-o", "s.json.gz", "--model", "m", "--json"], path);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ file: "s.json.gz", model: "m", rows: 4_000, thinning: 1, features: [{ name: "age", kind: "numeric", min: 20, max: 69 }, { name: "country", kind: "categorical" }, { name: "p" }, { name: "y" }] });
});

test("replay tells a person what moved, worst first, within the width of the terminal", async () => {
  const { code, out, err } = await call(["replay", "older.csv", "--reference", "r.json"], path);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^3,000 rows in 3 chunks of 1,000 rows, \d+ alarms?\n/);
  expect(out.split("\n")[4]).toMatch(/^age .*row \d+/);
  expect(out).toMatch(/^alarm at row \d+, drift: people drifted: age/m);
  expect(out.split("\n").every((line) => line.length <= 100)).toBe(true);
});

test("--json is rows, chunks and alarms, and nothing else stands on standard output", async () => {
  const { code, out } = await call(["replay", "later.csv", "--reference", "r.json", "--chunk", "2000", "--json"], path);
  expect(code).toBe(0);
  const told = JSON.parse(out) as { rows: number; chunks: readonly Record<string, unknown>[]; alarms: readonly unknown[] };
  expect(Object.keys(told)).toEqual(["rows", "chunks", "alarms"]);
  expect(told).toMatchObject({ rows: 3_000, alarms: [], chunks: [{ index: 0, first: 0, last: 1_999 }, { index: 1, first: 2_000, last: 2_999, short: true }] });
  expect(told.chunks[0]).toMatchObject({ features: { age: { psi: expect.any(Number) as number } }, performance: { estimated: { roc_auc: { value: expect.any(Number) as number } }, realised: { roc_auc: { lower: expect.any(Number) as number } } } });
});

test("--html writes one file", async () => {
  expect((await call(["replay", "older.csv", "--reference", "r.json", "--html", "r.html"], path)).code).toBe(0);
  expect(readFileSync(join(path, "r.html"), "utf8")).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  expect(existsSync(join(path, "r.html.part"))).toBe(false);
});

test("data of which nobody knows yet what came true are replayed without it", async () => {
  put("unknown.csv", people(1_000, 4).replaceAll(/,[^,\n]*$/gm, ""));
  const { code, out } = await call(["replay", "unknown.csv", "--reference", "r.json", "--json"], path);
  expect(code).toBe(0);
  const [chunk] = (JSON.parse(out) as { chunks: readonly { performance: object }[] }).chunks;
  expect(Object.keys(chunk?.performance ?? {})).toEqual(["estimated"]);
});

test.for<readonly [argv: readonly string[], says: string]>([
  [["reference"], "name the data"],
  [["reference", "people.csv"], "name the file to write with -o FILE"],
  [["reference", "people.csv", "-o", "r.txt"], "-o r.txt: expected a name that ends in .json or .json.gz"],
  [["reference", "people.csv", "-o", "x.json", "--problem", "hard"], '--problem: expected binary, multiclass, regression, got "hard"'],
  [["reference", "people.csv", "-o", "x.json", "--score", "q", "--ignore", "z"], 'people.csv: --score: there is no column "q"; it has id, age, country, p, y'],
  [["reference", "nowhere.csv", "-o", "x.json"], "nowhere.csv: there is no such file"],
  [["reference", "people.csv", "-o", "x.json", "--timestamp", "country"], 'people.csv: row 1, column "country": expected a time such as'],
  [["replay"], "name the data"],
  [["replay", "later.csv"], "name the reference with --reference FILE"],
  [["replay", "later.csv", "--reference", "later.csv"], "is no JSON"],
  [["replay", "later.csv", "--reference", "none.json"], "there is no reference"],
  [["replay", "later.csv", "--reference", "r.json", "--chunk", "year"], '--chunk: expected a number of rows, day, week or month, got "year"'],
  [["replay", "later.csv", "--reference", "r.json", "--chunk", "day"], "--chunk day: rows have no times"],
  [["replay", "later.csv", "--reference", "r.json", "--false-alarms", "few"], '--false-alarms: expected a budget such as "1 per 30d"'],
  [["replay", "later.csv", "--reference", "r.json", "--id", "id"], "--id joins the data with --actuals FILE"],
  [["replay", "later.csv", "--reference", "r.json", "--actuals", "people.csv", "--id", "key"], 'people.csv: --id: there is no column "key"'],
  [["replay", "later.csv", "--reference", "r.json", "--html", "no/such/folder.html"], "no/such/folder.html: can not be written"],
])("%j is answered with what is wrong", async ([argv, says]) => {
  const { code, out, err } = await call(argv, path);
  expect(code).toBe(says.includes("written") ? 1 : 2);
  expect(out).toBe("");
  expect(err).toContain(`pilotfish ${argv[0]}: `);
  expect(err).toContain(says);
  expect(existsSync(join(path, "x.json"))).toBe(false);
});

test("every column that is not there is named at once", async () => {
  const { err } = await call(["reference", "people.csv", "-o", "x.json", "--score", "q", "--ignore", "z"], path);
  expect(err.trim().split("\n")).toHaveLength(2);
});

test("progress: a bar, rows, their pace and what is left, never wider than the terminal", () => {
  expect(progressLine("replay", 89_000, 0.43, 2, 100)).toBe("replay  ━━━━━━━━━━━━━─────────────────   43 %  89,000 rows  44,500 rows/s  3 s left");
  for (const width of [20, 40, 80]) expect(progressLine("replay", 1e9, 0.5, 1_000, width).length).toBeLessThan(width);
});
