/** Windows as files: JSON lines and Parquet hold the same, what is to be kept back is nowhere in them, and what fails is said. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { writeWindow, type WindowWritten, type WriteWindow } from "../../../agent/rollout/retrain/window-file.ts";
import { environment } from "../../e2e/real-servers/servers.ts";
import { readTable } from "../../offline/read-table.ts";
import { asked, keepAll, startMs, tempFolder, windowOf } from "./rows.ts";

function people() {
  const kept = windowOf();
  for (let i = 0; i < 1_000; i += 1) {
    kept.sampled(`id-${i}`, { age: [20 + (i % 50)], income: [i % 7 === 0 ? null : i * 1.5], country: [["NL", "DE", "FR"][i % 3] as string], member: [i % 2 === 0], when: [`2026-01-${i}`] }, { label: [i % 2], probabilities_1: [i / 1_000] }, { version: i < 500 ? "1" : "2" });
    if (i % 4 === 0) kept.actual(`id-${i}`, [i % 2]);
  }
  return kept;
}

function found(written: WindowWritten) {
  if (!written.ok) throw new Error(written.detail);
  return written.window;
}

test("JSON lines and Parquet read back as the same table, by our own reader", async () => {
  const folder = tempFolder();
  const { window } = people();
  const lines = found(await writeWindow(window, asked(folder), undefined));
  const parquet = found(await writeWindow(window, asked(folder, { format: "parquet", id: "00000000-0000-4000-8000-000000000002" }), undefined));
  const [left, right] = [await readTable(lines.location, "/"), await readTable(parquet.location, "/")];
  expect(left["pilotfish_time"]?.[999]).toBe("2026-01-01T00:16:39.000Z");
  expect({ ...left, pilotfish_time: left["pilotfish_time"]?.map((time) => Date.parse(String(time))) }).toEqual(right);
  expect(Object.keys(right)).toEqual(["pilotfish_inference_id", "pilotfish_row", "pilotfish_time", "pilotfish_version", "pilotfish_rung", "pilotfish_actual", "age", "income", "country", "member", "when", "answer_label", "answer_probabilities_1"]);
  expect(right["income"]?.slice(0, 3)).toEqual([null, 1.5, 3]);
  expect(right["pilotfish_actual"]?.slice(0, 5)).toEqual([0, null, null, null, 0]);
  expect(lines).toMatchObject({ rows: 1_000, actuals: 250, versions: ["1", "2"], fromWallMs: startMs, toWallMs: startMs + 999_000 });
});

/** Somewhere with pandas and pyarrow: PILOTFISH_PYTHON, the environment that install.ts makes, or the one on the path. */
const python = [process.env["PILOTFISH_PYTHON"] ?? join(environment("pandas"), "bin/python"), "python3"].find((program) => spawnSync(program, ["-c", "import pandas, pyarrow"]).status === 0);

const readWithPandas = `
import json, sys, pandas as pd
lines = pd.read_json(sys.argv[1], lines=True)
parquet = pd.read_parquet(sys.argv[2])
assert list(lines.columns) == list(parquet.columns), (list(lines.columns), list(parquet.columns))
lines["pilotfish_time"] = pd.to_datetime(lines["pilotfish_time"]).dt.tz_localize(None)
parquet["pilotfish_time"] = parquet["pilotfish_time"].dt.tz_localize(None) if parquet["pilotfish_time"].dt.tz is not None else parquet["pilotfish_time"]
pd.testing.assert_frame_equal(lines, parquet, check_dtype=False)
known = parquet[parquet["pilotfish_actual"].notna()]
print(json.dumps({"rows": len(parquet), "known": len(known), "right": int((known["answer_label"] == known["pilotfish_actual"]).sum()), "types": {name: str(kind) for name, kind in parquet.dtypes.items()}}))
`;

test("pandas and pyarrow read both as the same table, with types", async ({ skip }) => {
  if (python === undefined) {
    if (process.env["PILOTFISH_REAL"] === "1") throw new Error("pandas and pyarrow are missing; node test/e2e/real-servers/install.ts installs them");
    skip("pandas and pyarrow are missing (node test/e2e/real-servers/install.ts installs them): the files were read by our own reader only");
  }
  const folder = tempFolder();
  // Texts that look like times or numbers are not for pandas' guessing here.
  const kept = windowOf();
  for (let i = 0; i < 600; i += 1) {
    kept.sampled(`id-${i}`, { age: [20 + (i % 50)], income: [i % 7 === 0 ? null : i * 1.5], country: [["NL", "DE", null][i % 3] as string], member: [i % 2 === 0] }, { label: [i % 2] }, { version: "v1" });
    if (i % 4 === 0) kept.actual(`id-${i}`, [i % 3 === 0 ? i % 2 : 1 - (i % 2)]);
  }
  const lines = found(await writeWindow(kept.window, asked(folder), undefined));
  const parquet = found(await writeWindow(kept.window, asked(folder, { format: "parquet" }), undefined));
  const read = spawnSync(python as string, ["-c", readWithPandas, lines.location, parquet.location], { encoding: "utf8" });
  expect(read.stderr).toBe("");
  expect(JSON.parse(read.stdout)).toMatchObject({ rows: 600, known: 150, right: 50, types: { age: "float64", income: "float64", country: "object", member: "bool", pilotfish_time: expect.stringContaining("datetime64") as unknown } });
});

test("the manifest says what the data is, and its digest is the file's", async () => {
  const folder = tempFolder();
  const { location, manifest, sha256, bytes } = found(await writeWindow(people().window, asked(folder, { location: "s3://windows/" }), "d".repeat(64)));
  expect([location, manifest]).toEqual(["s3://windows/employment-20260101T000100Z-00000000-0000-4000-8000-000000000001.jsonl.gz", "s3://windows/employment-20260101T000100Z-00000000-0000-4000-8000-000000000001.json"]);
  const data = readFileSync(join(folder, basename(location)));
  expect([createHash("sha256").update(data).digest("hex"), data.byteLength]).toEqual([sha256, bytes]);
  expect(JSON.parse(readFileSync(join(folder, basename(manifest)), "utf8"))).toMatchObject({
    format: "pilotfish-window/1", model: "employment", reference: "d".repeat(64), rows: 1_000, actuals: 250, from: "2026-01-01T00:00:00.000Z", to: "2026-01-01T00:16:39.000Z", versions: ["1", "2"],
    asked: { by: "pilotfish", at: "2026-01-01T00:01:00.000Z", streams: [{ stream: "features", culprits: ["age"] }] },
    data: { file: basename(location), sha256, bytes },
    columns: expect.arrayContaining([{ name: "age", source: "request", of: "age", type: "number" }, { name: "answer_label", source: "answer", of: "label", type: "number" }, { name: "pilotfish_time", source: "pilotfish", of: "time", type: "time" }]) as unknown,
  });
  expect(statSync(join(folder, basename(location))).mode & 0o777).toBe(0o600);
});

test.for(["jsonl", "parquet"] as const)("what is dropped, hashed or rounded is nowhere in %s or manifest", async (format) => {
  const folder = tempFolder();
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, "a key of more than sixteen bytes\n");
  const kept = windowOf();
  for (let i = 0; i < 50; i += 1) kept.sampled(`secret-id-${i}`, { ssn: [`123-45-${1_000 + i}`], name: [`Jane Doe ${i}`], note_1: ["private"], note_2: ["private too"], age: [41.37] }, { label: [1], debug: ["secret debug"] });
  kept.actual("secret-id-7", ["withheld-truth"]);
  const redaction = { ...keepAll, drop: ["ssn", "note_*", "debug", "pilotfish_actual"], hash: ["name"], round: { age: 5 }, inferenceIds: "hash" as const, keyFile };
  const { location, manifest } = found(await writeWindow(kept.window, asked(folder, { format, redaction }), undefined));
  const table = await readTable(location, "/");
  expect(Object.keys(table)).toEqual(["pilotfish_inference_id", "pilotfish_row", "pilotfish_time", "pilotfish_version", "pilotfish_rung", "name", "age", "answer_label"]);
  expect(table["age"]?.[0]).toBe(40);
  // HMAC-SHA256 by another program: printf 'Jane Doe 3' | openssl dgst -sha256 -hmac 'a key of more than sixteen bytes'
  expect(table["name"]?.[3]).toBe(execFileSync("openssl", ["dgst", "-sha256", "-hmac", "a key of more than sixteen bytes"], { input: "Jane Doe 3", encoding: "utf8" }).trim().split(" ").at(-1));
  const text = JSON.stringify(table) + readFileSync(manifest, "utf8") + (format === "jsonl" ? gunzipSync(readFileSync(location)).toString() : readFileSync(location, "latin1"));
  for (const secret of ["123-45", "Jane", "private", "secret", "withheld", "41.37", "sixteen bytes"]) expect(text, secret).not.toContain(secret);
});

test("where only what is named is kept, nothing else is, and what is known of the inference stays", async () => {
  const folder = tempFolder();
  const { location } = found(await writeWindow(people().window, asked(folder, { redaction: { ...keepAll, default: "drop", keep: ["age", "answer_label"], inferenceIds: "drop" } }), undefined));
  expect(Object.keys(await readTable(location, "/"))).toEqual(["pilotfish_row", "pilotfish_time", "pilotfish_version", "pilotfish_rung", "pilotfish_actual", "age", "answer_label"]);
});

test("columns of one name stay apart, values of several kinds are their text in Parquet, and NaN is one", async () => {
  const folder = tempFolder();
  const kept = windowOf();
  kept.sampled("a", { answer_label: [1], mixed: [1], x: [Number.NaN] }, { label: [0] });
  kept.sampled("b", { answer_label: [2], mixed: ["one"], x: [-Infinity] }, { label: [1] });
  const lines = await readTable(found(await writeWindow(kept.window, asked(folder), undefined)).location, "/");
  const parquet = await readTable(found(await writeWindow(kept.window, asked(folder, { format: "parquet" }), undefined)).location, "/");
  expect(lines).toMatchObject({ answer_label: [1, 2], answer_label_2: [0, 1], mixed: [1, "one"], x: [Number.NaN, -Infinity] });
  expect(parquet).toMatchObject({ answer_label: [1, 2], answer_label_2: [0, 1], mixed: ["1", "one"], x: [Number.NaN, -Infinity] });
});

test("so many windows and bytes are left lying, the oldest go, and nothing else in the folder is touched", async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, "notes.txt"), "mine");
  writeFileSync(join(folder, "employment-other.jsonl.gz"), "mine too");
  const { window } = people();
  const nth = (i: number, keep: WriteWindow["keep"]) => writeWindow(window, asked(folder, { id: `00000000-0000-4000-8000-00000000000${i}`, atWallMs: startMs + i * 1_000, keep }), undefined);
  for (const i of [1, 2, 3, 4]) found(await nth(i, { windows: 3, bytes: 1e9 }));
  const ids = () => readdirSync(folder).flatMap((file) => /-00000000000(\d)\.json$/.exec(file)?.[1] ?? []).sort();
  expect(ids()).toEqual(["2", "3", "4"]);
  const { bytes } = found(await nth(5, { windows: 9, bytes: 1e9 }));
  found(await nth(6, { windows: 9, bytes: Math.round(2.5 * bytes) }));
  expect(ids()).toEqual(["5", "6"]);
  expect(await nth(7, { windows: 9, bytes: 100 })).toMatchObject({ ok: false, reason: "too-large" });
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(["notes.txt", "employment-other.jsonl.gz"]));
});

test("a full disk is said, and leaves nothing behind", async () => {
  const folder = tempFolder();
  const name = "employment-20260101T000100Z-00000000-0000-4000-8000-000000000001.jsonl.gz";
  // The device that has never room, where the file would begin.
  symlinkSync("/dev/full", join(folder, `${name}.part`));
  expect(await writeWindow(people().window, asked(folder), undefined)).toMatchObject({ ok: false, reason: "disk", detail: expect.stringContaining("ENOSPC") as string });
  expect(readdirSync(folder)).toEqual([]);
});

test("what a write that was cut off has left goes with the next one", async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, "employment-20260101T000000Z-00000000-0000-4000-8000-000000000000.jsonl.gz.part"), "half");
  found(await writeWindow(people().window, asked(folder), undefined));
  expect(readdirSync(folder).filter((file) => file.endsWith(".part"))).toEqual([]);
});

test("a folder that can not be, a key that is none and an empty window are said, and leave nothing behind", async () => {
  const folder = tempFolder();
  const { window } = people();
  writeFileSync(join(folder, "file"), "no folder");
  writeFileSync(join(folder, "short"), "short\n");
  expect(await writeWindow(window, asked(join(folder, "file", "windows")), undefined)).toMatchObject({ ok: false, reason: "disk", detail: expect.stringContaining("ENOTDIR") as string });
  expect(await writeWindow(window, asked("/proc/windows"), undefined)).toMatchObject({ ok: false, reason: "disk" });
  const hashing = { ...keepAll, hash: ["age"] };
  expect(await writeWindow(window, asked(folder, { redaction: { ...hashing, keyFile: join(folder, "none") } }), undefined)).toMatchObject({ ok: false, reason: "key" });
  expect(await writeWindow(window, asked(folder, { redaction: { ...hashing, keyFile: join(folder, "short") } }), undefined)).toMatchObject({ ok: false, reason: "key" });
  expect(await writeWindow(windowOf().window, asked(folder), undefined)).toMatchObject({ ok: false, reason: "empty" });
  expect(await writeWindow(undefined, asked(folder), undefined)).toMatchObject({ ok: false, reason: "empty" });
  expect(readdirSync(folder).sort()).toEqual(["file", "short"]);
});
