/** `pilotfish score`: a line out for each row in, with the timestamp as it came. */
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { scoreSeries } from "../../agent/offline/score.ts";
import { makeFolder } from "../offline/folder.ts";
import { call } from "./call.ts";

const { path, put } = makeFolder();

/** A quiet series of a value a minute, with one that is far off at row 400. */
const rows = Array.from({ length: 500 }, (_, i) => [`2026-03-01 ${String(Math.floor(i / 60)).padStart(2, "0")}:${String(i % 60).padStart(2, "0")}:00`, i === 400 ? "90" : (10 + (((i * 7919) % 13) - 6) / 10).toFixed(1)] as const);

test("a line for each row, scores from 0 to 1, the strange one far above the others", async () => {
  const { code, out, err } = await call(["score"], path, `timestamp,value\n${rows.map((row) => row.join(",")).join("\n")}\n`);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const [header, ...lines] = out.trim().split("\n");
  expect(header).toBe("timestamp,score");
  expect(lines.map((line) => line.split(",")[0])).toEqual(rows.map(([timestamp]) => timestamp));
  const scores = lines.map((line) => Number(line.split(",")[1]));
  expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
  expect(scores[400]).toBeGreaterThan(0.8);
  expect(Math.max(...scores.slice(0, 400), ...scores.slice(410))).toBeLessThan((scores[400] as number) / 2);
});

test("without a header none is written; columns are found by their names; other fields are ignored", async () => {
  const plain = await call(["score"], path, rows.map((row) => `${row.join(",")}\n`).join(""));
  expect(plain.out.split("\n")).toHaveLength(rows.length + 1);
  put("turned.csv", `label,value,timestamp\n${rows.map(([timestamp, value]) => `x,${value},${timestamp}\n`).join("")}`);
  expect((await call(["score", "turned.csv"], path)).out).toBe(`timestamp,score\n${plain.out}`);
});

test.for(["1772368200", "1772368200123", "2026-03-01T12:30:00+02:00", '"1 March"'])("a timestamp %s", async (timestamp) => {
  const { code, out } = await call(["score"], path, `timestamp,value\n${timestamp},5\n`);
  expect({ code, out }).toEqual(timestamp.includes("March") ? { code: 2, out: "timestamp,score\n" } : { code: 0, out: `timestamp,score\n${timestamp},0\n` });
});

test("a missing value is a gap and gets its line; --json says what kind of strange it is", async () => {
  const { code, out } = await call(["score", "--json"], path, `${rows.map((row) => row.join(",")).join("\n")}\n2026-03-02 00:00:00,\n2026-03-02 00:01:00,NaN\n`);
  expect(code).toBe(0);
  const told = out.trim().split("\n").map((line) => JSON.parse(line) as { timestamp: string; score: number; kind: string });
  expect(told).toHaveLength(rows.length + 2);
  expect(told[400]).toMatchObject({ timestamp: rows[400]?.[0], kind: "spike" });
  expect(told.at(-1)).toMatchObject({ kind: "missing" });
});

test("a row is scored as soon as it is there, before the next one is", async () => {
  const input = new Readable({ read() {} });
  const scored = scoreSeries("t", input);
  input.push("1772368200,5\n");
  expect((await scored.next()).value).toMatchObject({ hasHeader: false, rows: [{ timestamp: "1772368200" }] });
  input.push("1772368260,5\n");
  expect((await scored.next()).value).toMatchObject({ rows: [{ timestamp: "1772368260" }] });
  input.push(null);
  expect((await scored.next()).done).toBe(true);
});

test.for<readonly [input: string, says: string]>([
  ["", "standard input: there is not a single row of timestamp and value"],
  ["timestamp,value\n", "standard input: there is not a single row of timestamp and value"],
  ["5\n", 'line 1: expected timestamp and value with a comma between them, got "5"'],
  ["when,value\na,b\n", "line 1: expected a column named timestamp, time, datetime, date, ts, ds, got when, value"],
  ["timestamp,a,b\n", "line 1: expected a column named value, got timestamp, a, b"],
  ["1772368200,abc\n", 'line 1, column value: expected a finite number, or nothing where it is missing, got "abc"'],
  ["1772368200,1\n1772368260,inf\n", 'line 2, column value: expected a finite number, or nothing where it is missing, got "inf"'],
  ["1772368200,1\nnoon,1\n", 'line 2, column timestamp: expected a time such as "2026-03-01T12:30:00Z", "2026-03-01 12:30:00" or 1772368200, got "noon"'],
  ["1772368200,1\n1772368260\n", "line 2: expected 2 fields as in the first line, got 1"],
])("%j is refused, after the rows before it", async ([input, says]) => {
  const { code, out, err } = await call(["score"], path, input);
  expect(code).toBe(2);
  expect(err).toContain(says);
  expect(out.split("\n").length - 1).toBeLessThanOrEqual(1);
});
