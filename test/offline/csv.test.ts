/** Tables of comma-separated values: every dialect that people's tools write, and every way for a file to be wrong. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { csvRecords } from "../../agent/offline/csv-records.ts";
import { openTable } from "../../agent/offline/data.ts";
import { makeFolder } from "./folder.ts";
import { readTable } from "./read-table.ts";

const { path, put } = makeFolder();
const plain = { age: [31, 47.5], country: ["NL", "DE"] };

test.for<readonly [what: string, text: string | Uint8Array, name?: string]>([
  ["commas", "age,country\n31,NL\n47.5,DE\n"],
  ["no line end at the end", "age,country\n31,NL\n47.5,DE"],
  ["a byte-order mark", "\uFEFFage,country\n31,NL\n47.5,DE\n"],
  ["Windows' line ends", "age,country\r\n31,NL\r\n47.5,DE\r\n"],
  ["semicolons", "age;country\n31;NL\n47.5;DE\n"],
  ["tabs", "age\tcountry\n31\tNL\n47.5\tDE\n"],
  ["everything in quotation marks", '"age","country"\n"31","NL"\n"47.5","DE"\n'],
  ["blank lines", "age,country\n\n31,NL\n\n47.5,DE\n\n"],
  ["spaces about numbers and names", "age , country\n 31,NL\n47.5 ,DE\n"],
  ["gzip", gzipSync("age,country\n31,NL\n47.5,DE\n"), "t.csv.gz"],
])("%s make no difference", async ([, text, name = "t.csv"]) => {
  expect(await readTable(put(name, text), path)).toEqual(plain);
});

test("a field between quotation marks may hold delimiters, line ends and quotation marks", async () => {
  put("t.csv", 'name,said\nA,"one, ""two""\nthree"\n');
  expect(await readTable("t.csv", path)).toEqual({ name: ["A"], said: ['one, "two"\nthree'] });
});

test("what is missing is null, what is no number stays text, and codes with zeros in front are no numbers", async () => {
  put("t.csv", "v,w\n1e3,x\n,\nNA,None\nabc,null\nNaN,x\n-inf,x\n007,x\n0.5,x\n0x1f,x\n1,x\n\"1,5\",x\n");
  const { v, w } = await readTable("t.csv", path);
  expect(v).toEqual([1_000, null, null, "abc", NaN, -Infinity, "007", 0.5, "0x1f", 1, "1,5"]);
  expect(w?.slice(0, 4)).toEqual(["x", null, null, null]);
});

test("columns that are wanted verbatim keep their digits; those that are not wanted are not read", async () => {
  put("t.csv", "id,at,v\n007,1772368200123456789,1\n");
  expect(await readTable("t.csv", path, { columns: new Set(["id", "at"]), verbatim: new Set(["id", "at"]) })).toEqual({ id: ["007"], at: ["1772368200123456789"] });
});

test.for<readonly [what: string, text: string | Uint8Array, says: string, name?: string]>([
  ["nothing", "", "t.csv: the file is empty"],
  ["a header only", "a,b\n", "t.csv: there is a header and not a single row after it"],
  ["no header", "1.5,2\n3,4\n", "t.csv: line 1: expected the names of the columns, got the numbers 1.5, 2; write a first line with names"],
  ["two columns of one name", "a,b,a\n1,2,3\n", 't.csv: line 1: columns 1 and 3 are both named "a"; give each a name of its own'],
  ["a row too short", "a,b,c\n1,2,3\n1,2\n", 't.csv: row 2 (line 3): has 2 fields and the header 3; there is none for column "c"'],
  ["a row too long", "a,b\n1,2\n1,2,x\n", 't.csv: row 2 (line 3): has 3 fields and the header 2; after the last column "b" comes "x"'],
  ["a quotation mark too few", 'a,b\n1,"2\n3,4\n', "t.csv: a quotation mark is opened and never closed; look from line"],
  ["UTF-16", Buffer.from("\uFEFFa,b\n1,2\n", "utf16le"), "t.csv: the text is UTF-16; save it as UTF-8"],
  ["no gzip", "a,b\n1,2\n", "t.csv.gz: this is no gzip file, though its name ends in .gz", "t.csv.gz"],
  ["half a gzip", gzipSync(`a,b\n${"1,2\n".repeat(9_999)}`).subarray(0, 60), "t.csv.gz: the gzip file ends too early; it was cut short", "t.csv.gz"],
])("%s is refused with what is wrong", async ([, text, says, name = "t.csv"]) => {
  await expect(readTable(put(name, text), path)).rejects.toThrow(says);
});

test("a file that is not there, a folder, standard input and a name that says nothing are refused", async () => {
  await expect(openTable("nowhere.csv", path)).rejects.toThrow("nowhere.csv: there is no such file");
  await expect(openTable("-", path)).rejects.toThrow("can not come from standard input");
  await expect(openTable(put("data.xlsx", "x"), path)).rejects.toThrow("data.xlsx: expected a file whose name ends in .csv, .csv.gz, .tsv, .jsonl, .jsonl.gz or .parquet");
});

test("pandas' nameless index and its columns that are counted are taken as they are", async () => {
  expect((await openTable(put("t.csv", ",a\n0,5\n"), path)).columns).toEqual(["column 1", "a"]);
  expect((await openTable(put("t.csv", "0,1\n5,6\n"), path)).columns).toEqual(["0", "1"]);
});

test("rows are counted without being read, whatever stands between quotation marks", async () => {
  const table = await openTable(put("t.csv", 'a,b\r\n1,"x\ny"\r\n\r\n2,z'), path);
  expect(await table.countRows()).toBe(2);
});

test("however the bytes come, the records are the same", async () => {
  const field = fc.string({ unit: fc.constantFrom("a", "1", ",", ";", '"', "\n", "é", "漢", " ") });
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 7 }), async (rows, piece) => {
      const bytes = Buffer.from(`x,y\n${rows.map((row) => `${row.map(quoted).join(",")}\n`).join("")}`);
      const pieces = (async function* () {
        for (let at = 0; at < bytes.length; at += piece) yield await Promise.resolve(bytes.subarray(at, at + piece));
      })();
      const found: (readonly string[])[] = [];
      for await (const records of csvRecords("t", pieces)) for (const { fields } of records) found.push(fields);
      expect(found).toEqual([["x", "y"], ...rows]);
    }),
    { numRuns: 50 },
  );
});
