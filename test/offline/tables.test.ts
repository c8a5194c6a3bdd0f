/** JSON lines and Parquet. */
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTable } from "../../agent/offline/data.ts";
import { makeFolder } from "./folder.ts";
import { readTable } from "./read-table.ts";

const { path, put } = makeFolder();
const fixtures = join(import.meta.dirname, "fixtures");

test("JSON lines: numbers, text, truth, null and what is missing; lists as their text", async () => {
  const text = '{"age":31,"country":"NL","member":true}\n\n{"age":null,"tags":[1,2]}\n{"age":NaN,"country":"says NaN","tags":-Infinity}\n';
  const expected = { age: [31, null, NaN], country: ["NL", null, "says NaN"], member: [true, null, null], tags: [null, "[1,2]", -Infinity] };
  expect(await readTable(put("t.jsonl", text), path)).toEqual(expected);
  expect(await readTable(put("t.jsonl.gz", gzipSync(text)), path)).toEqual(expected);
  expect(await (await openTable("t.jsonl", path)).countRows()).toBe(3);
});

test.for<readonly [text: string, says: string]>([
  ["", "t.jsonl: the file is empty"],
  ["\n\n", "t.jsonl: there is not a single row"],
  ["{}\n", "t.jsonl: the rows have no columns"],
  ['{"a":1}\n{"a":\n', 't.jsonl: line 2: expected an object such as {"age": 31, "country": "NL"}, got "{\\"a\\":"'],
  ['[{"a":1}]\n', "t.jsonl: line 1: expected an object"],
])("%j is refused with what is wrong", async ([text, says]) => {
  await expect(readTable(put("t.jsonl", text), path)).rejects.toThrow(says);
});

test("Parquet: every type, in row groups smaller than a batch (written by pyarrow 26.0.1, zstd)", async () => {
  const { age, count, country, member, at, day, tags } = await readTable("people.parquet", fixtures);
  expect(age).toEqual([0, 1.5, 3, null, 6, 7.5, 9, 10.5, 12, 13.5]);
  expect(count?.[9]).toBe(2 ** 40 + 9);
  expect(country).toEqual(["NL", "DE", null, "NL", "FR", "NL", "DE", "NL", "NL", "FR"]);
  expect(member?.slice(0, 2)).toEqual([true, false]);
  expect(at?.[1]).toBe(Date.UTC(2026, 2, 1, 12, 0, 1));
  expect(day?.[0]).toBe(Date.UTC(2026, 2, 1));
  expect(tags?.slice(0, 2)).toEqual(["[1,2]", "[]"]);
  expect(await readTable("people.parquet", fixtures, { columns: new Set(["count"]), verbatim: new Set(["count"]) })).toEqual({ count: Array.from({ length: 10 }, (_, i) => String(2 ** 40 + i)) });
});

test("what is no Parquet file is refused", async () => {
  await expect(openTable(put("t.parquet", "no such thing, but long enough to be one"), path)).rejects.toThrow("t.parquet: this is no Parquet file, though its name says so");
});
