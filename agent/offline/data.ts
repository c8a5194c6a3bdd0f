/** The door to tables in files: which reader reads which name. */
import { basename, resolve } from "node:path";
import { csvTable } from "./csv.ts";
import { InputError } from "./input-error.ts";
import { jsonLinesTable } from "./json-lines.ts";
import { parquetTable } from "./parquet.ts";
import type { DataFile, Table } from "./table.ts";

const readers = {
  csv: csvTable,
  tsv: csvTable,
  jsonl: jsonLinesTable,
  ndjson: jsonLinesTable,
  parquet: parquetTable,
  pq: parquetTable,
} as const satisfies Record<string, (file: DataFile) => Promise<Table>>;

/** @param name as a person gave it, relative to `cwd`. Throws an InputError where it can not be a table. */
export async function openTable(name: string, cwd: string): Promise<Table> {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(basename(name));
  const kind = ending?.[1]?.toLowerCase();
  if (name === "-") throw new InputError("data are read more than once, so they must lie in a file and can not come from standard input");
  if (kind === undefined || !Object.hasOwn(readers, kind) || (ending?.[2] !== undefined && readers[kind as keyof typeof readers] === parquetTable)) {
    throw new InputError(`${name}: expected a file whose name ends in .csv, .csv.gz, .tsv, .jsonl, .jsonl.gz or .parquet`);
  }
  return readers[kind as keyof typeof readers]({ name, path: resolve(cwd, name) });
}
