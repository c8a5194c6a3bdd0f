/**
 * A table as a file's bytes: gzipped JSON lines, an object a line, or Parquet (https://parquet.apache.org/docs/file-format/) with
 * Snappy, a row group for each piece of the window.
 *
 * JSON has no name for what is not a number, so such values are written as Python's json and pandas write and read them: NaN, Infinity.
 */
import { once } from "node:events";
import { createGzip } from "node:zlib";
import type { ParquetWriteOptions } from "hyparquet-writer";
import type { Value } from "../../protocols/protocol.ts";
import type { ColumnType, Table } from "./table.ts";

export type WindowFormat = "jsonl" | "parquet";

export const endings = { jsonl: "jsonl.gz", parquet: "parquet" } as const satisfies Record<WindowFormat, string>;

/** Gives other work its turn between two groups. Memory: the bytes, and one group as plain values. */
export const encoders = { jsonl, parquet } as const satisfies Record<WindowFormat, (table: Table) => Promise<Uint8Array>>;

async function jsonl({ columns, groups }: Table): Promise<Uint8Array> {
  // The fastest: a larger file is better than a thread that is busy for longer.
  const gzip = createGzip({ level: 1 });
  const packed: Buffer[] = [];
  gzip.on("data", (bytes: Buffer) => packed.push(bytes));
  const ended = once(gzip, "end");
  const names = columns.map(({ name }) => JSON.stringify(name));
  const isTime = columns.map(({ type }) => type === "time");
  for (const { rows, values } of groups()) {
    let text = "";
    for (let row = 0; row < rows; row += 1) {
      text += `{${names.map((name, i) => `${name}:${jsonOf((values[i] as readonly Value[])[row] as Value, isTime[i] === true)}`).join(",")}}\n`;
    }
    await new Promise<void>((resolve) => void gzip.write(text, () => resolve()));
  }
  gzip.end();
  await ended;
  return Buffer.concat(packed);
}

function jsonOf(value: Value, isTime: boolean): string {
  if (typeof value !== "number") return JSON.stringify(value);
  if (isTime) return JSON.stringify(new Date(value).toISOString());
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

const parquetTypes = {
  number: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  mixed: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
} as const satisfies Record<ColumnType, object>;

async function parquet({ columns, groups }: Table): Promise<Uint8Array> {
  // Loaded by whoever writes Parquet alone.
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  const schema: NonNullable<ParquetWriteOptions["schema"]> = [
    { name: "root", num_children: columns.length },
    ...columns.map(({ name, type }) => ({ name, repetition_type: "OPTIONAL" as const, ...parquetTypes[type] })),
  ];
  const writer = new ByteWriter();
  const file = new ParquetWriter({ writer, schema, createdBy: "pilotfish" });
  for (const { rows, values } of groups()) {
    if (rows === 0) continue;
    await file.write({ rowGroupSize: rows, columnData: columns.map(({ name, type }, i) => ({ name, data: (values[i] as readonly Value[]).map((value) => cellOf(value, type)) })) });
    await new Promise(setImmediate);
  }
  await file.finish();
  return writer.getBytes();
}

/** A true answer may come while a file is written, and so be of another kind than its column was. */
function cellOf(value: Value, type: ColumnType): unknown {
  if (value === null) return null;
  if (type === "time") return new Date(value as number);
  if (type === "text" || type === "mixed") return String(value);
  return typeof value === type ? value : null;
}
