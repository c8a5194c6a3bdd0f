/** A table of comma-separated values: names in the first line, a field that is empty where there is no value. */
import { batchRows, type Batch, type DataFile, type ReadOptions, type Table } from "./table.ts";
import { readBytes, sizeOf } from "./bytes.ts";
import { csvRecords } from "./csv-records.ts";
import { InputError, quoted } from "./input-error.ts";
import { fieldValue, finiteNumber } from "./number.ts";
import type { Value } from "../../detectors/reference/reference.ts";

/** Throws an InputError where there is no such file, no header, or no row. */
export async function csvTable(file: DataFile): Promise<Table> {
  const bytes = await sizeOf(file);
  const columns = await readHeader(file);
  return { file, columns, bytes, batches: (options) => batches(file, columns, options), countRows: () => countRows(file) };
}

async function readHeader(file: DataFile): Promise<readonly string[]> {
  let header: readonly string[] | undefined;
  for await (const records of csvRecords(file.name, readBytes(file))) {
    for (const { fields } of records) {
      if (header !== undefined) return header;
      header = named(file.name, fields);
    }
  }
  throw new InputError(header === undefined ? `${file.name}: the file is empty` : `${file.name}: there is a header and not a single row after it`);
}

/** pandas leaves the name of its index empty and counts the columns that have none. */
function named(name: string, fields: readonly string[]): readonly string[] {
  const columns = fields.map((field, index) => field.trim() || `column ${index + 1}`);
  if (columns.every((column, index) => finiteNumber(column) !== undefined && column !== String(index))) {
    throw new InputError(`${name}: line 1: expected the names of the columns, got the numbers ${columns.slice(0, 3).join(", ")}; write a first line with names`);
  }
  const problems = columns.flatMap((column, index) => {
    const before = columns.indexOf(column);
    return before === index ? [] : [`${name}: line 1: columns ${before + 1} and ${index + 1} are both named ${quoted(column)}; give each a name of its own`];
  });
  if (problems.length > 0) throw new InputError(...problems);
  return columns;
}

async function* batches(file: DataFile, header: readonly string[], { columns: wanted, verbatim, onBytes }: ReadOptions = {}): AsyncGenerator<Batch> {
  const read = [...header.entries()]
    .filter(([, column]) => wanted === undefined || wanted.has(column))
    .map(([index, column]) => ({ index, column, value: verbatim?.has(column) ? textValue : fieldValue }));
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

  let isHeader = true;
  for await (const records of csvRecords(file.name, readBytes(file, onBytes))) {
    for (const { fields, line } of records) {
      if (isHeader) {
        isHeader = false;
        continue;
      }
      if (fields.length !== header.length) throw new InputError(ragged(file.name, header, fields, first + rows, line));
      for (let i = 0; i < read.length; i += 1) {
        const { index, value } = read[i] as (typeof read)[number];
        (values[i] as Value[]).push(value(fields[index] as string));
      }
      rows += 1;
      if (rows === batchRows) yield taken();
    }
  }
  if (rows > 0) yield taken();
}

function textValue(text: string): string | null {
  return text === "" ? null : text;
}

function ragged(name: string, header: readonly string[], fields: readonly string[], row: number, line: number): string {
  const at = `${name}: row ${row + 1} (line ${line})`;
  return fields.length < header.length
    ? `${at}: has ${fields.length} fields and the header ${header.length}; there is none for column ${quoted(header[fields.length] as string)}`
    : `${at}: has ${fields.length} fields and the header ${header.length}; after the last column ${quoted(header.at(-1) as string)} comes ${quoted(fields[header.length] as string)}`;
}

/** Lines that are not blank, less the header; a line end between quotation marks ends none. */
async function countRows(file: DataFile): Promise<number> {
  let lines = 0;
  let inQuotes = false;
  let isBlank = true;
  for await (const piece of readBytes(file)) {
    for (let at = 0; at < piece.length; at += 1) {
      const byte = piece[at] as number;
      if (byte === 10 && !inQuotes) {
        if (!isBlank) lines += 1;
        isBlank = true;
        continue;
      }
      if (byte === 34) inQuotes = !inQuotes;
      if (byte !== 13) isBlank = false;
    }
  }
  return Math.max(0, lines + (isBlank ? 0 : 1) - 1);
}
