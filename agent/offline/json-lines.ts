/**
 * A table of JSON lines: an object a line. Its columns are the names that the first rows have; a row that lacks one has null
 * there. Python's NaN and Infinity are read although they are no JSON. Lists and objects inside are kept as their text.
 */
import { readBytes, sizeOf } from "./bytes.ts";
import { InputError, quoted } from "./input-error.ts";
import { readLines } from "./lines.ts";
import { batchRows, type Batch, type DataFile, type ReadOptions, type Table } from "./table.ts";
import type { Value } from "../../detectors/reference/reference.ts";

/** Throws an InputError where there is no such file or no row. */
export async function jsonLinesTable(file: DataFile): Promise<Table> {
  const bytes = await sizeOf(file);
  const columns = new Set<string>();
  let rows = 0;
  for await (const { row } of objects(file)) {
    for (const column of Object.keys(row)) columns.add(column);
    rows += 1;
    if (rows === batchRows) break;
  }
  if (rows === 0) throw new InputError(`${file.name}: there is not a single row`);
  if (columns.size === 0) throw new InputError(`${file.name}: the rows have no columns`);
  return { file, columns: [...columns], bytes, batches: (options) => batches(file, columns, options), countRows: () => countRows(file) };
}

async function* batches(file: DataFile, known: ReadonlySet<string>, { columns: wanted, verbatim, onBytes }: ReadOptions = {}): AsyncGenerator<Batch> {
  const read = [...known].filter((column) => wanted === undefined || wanted.has(column)).map((column) => ({ column, isText: verbatim?.has(column) === true }));
  let values: Value[][] = read.map(() => []);
  let first = 0;
  let rows = 0;
  const taken = (): Batch => {
    const batch = { first, rows, columns: new Map(read.map(({ column }, i) => [column, values[i] as Value[]])) };
    first += rows;
    rows = 0;
    values = read.map(() => []);
    return batch;
  };
  for await (const { row } of objects(file, onBytes)) {
    for (let i = 0; i < read.length; i += 1) {
      const { column, isText } = read[i] as (typeof read)[number];
      const value = valueOf(row[column]);
      (values[i] as Value[]).push(isText && value !== null ? String(value) : value);
    }
    rows += 1;
    if (rows === batchRows) yield taken();
  }
  if (rows > 0) yield taken();
}

interface Row {
  readonly row: Readonly<Record<string, unknown>>;
}

async function* objects(file: DataFile, onBytes?: (bytes: number) => void): AsyncGenerator<Row> {
  let line = 0;
  for await (const lines of readLines(readBytes(file, onBytes))) {
    for (const text of lines) {
      line += 1;
      if (text.trim() === "") continue;
      const row = parsed(text);
      if (typeof row !== "object" || row === null || Array.isArray(row)) {
        throw new InputError(`${file.name}: line ${line}: expected an object such as {"age": 31, "country": "NL"}, got ${quoted(text)}`);
      }
      yield { row: row as Row["row"] };
    }
  }
}

/** Stands before the name of a number that JSON has no name for. */
const mark = "\u0000";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (part) => (part.startsWith('"') ? part : `"\\u0000${part}"`)));
    } catch {
      return undefined;
    }
  }
}

function valueOf(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value.startsWith(mark) ? Number(value.slice(1)) : value;
  return typeof value === "object" ? JSON.stringify(value) : (value as Value);
}

async function countRows(file: DataFile): Promise<number> {
  let rows = 0;
  for await (const lines of readLines(readBytes(file))) for (const line of lines) if (line !== "") rows += 1;
  return rows;
}
