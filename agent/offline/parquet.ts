/**
 * A table in Parquet. Read by row group, only the columns that are asked for, so memory is bounded by the largest row group.
 * Times become milliseconds since the epoch; lists, maps and structures their JSON text.
 */
import { asyncBufferFromFile, parquetMetadataAsync, parquetScan, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { sizeOf } from "./bytes.ts";
import { InputError } from "./input-error.ts";
import { batchRows, type Batch, type DataFile, type ReadOptions, type Table } from "./table.ts";
import type { Value } from "../../detectors/reference/reference.ts";

const parsers = {
  timestampFromMilliseconds: (at: bigint) => Number(at),
  timestampFromMicroseconds: (at: bigint) => Number(at) / 1_000,
  timestampFromNanoseconds: (at: bigint) => Number(at) / 1_000_000,
  dateFromDays: (days: number) => days * 86_400_000,
};

/** Throws an InputError where there is no such file, it is no Parquet, or it has no row. */
export async function parquetTable(file: DataFile): Promise<Table> {
  const bytes = await sizeOf(file);
  const buffer = await asyncBufferFromFile(file.path);
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw new InputError(`${file.name}: this is no Parquet file, though its name says so (${messageOf(error)})`);
  });
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  const rows = Number(metadata.num_rows);
  if (rows === 0) throw new InputError(`${file.name}: there is not a single row`);

  async function* batches({ columns: wanted, verbatim, onBytes }: ReadOptions = {}): AsyncGenerator<Batch> {
    const read = columns.filter((column) => wanted === undefined || wanted.has(column));
    const scan = await parquetScan({ file: buffer, metadata, columns: read, compressors, parsers });
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const values: ArrayLike<unknown>[] = [];
      for (const column of read) values.push(await columnOf(scan, file, column, rowStart, rowEnd));
      for (let first = rowStart; first < rowEnd; first += batchRows) {
        const end = Math.min(rowEnd, first + batchRows);
        const slices = read.map((column, i): readonly [string, readonly Value[]] => {
          const toValue = verbatim?.has(column) ? textOf : valueOf;
          const from = values[i] as ArrayLike<unknown>;
          return [column, Array.from({ length: end - first }, (_, row) => toValue(from[first - rowStart + row]))];
        });
        onBytes?.(Math.round((bytes * end) / rows));
        yield { first, rows: end - first, columns: new Map(slices) };
      }
      rowStart = rowEnd;
    }
  }

  return { file, columns, bytes, batches, countRows: () => Promise.resolve(rows) };
}

async function columnOf(scan: Awaited<ReturnType<typeof parquetScan>>, { name }: DataFile, column: string, rowStart: number, rowEnd: number): Promise<ArrayLike<unknown>> {
  try {
    return (await scan.readColumn({ column, rowStart, rowEnd })) as ArrayLike<unknown>;
  } catch (error) {
    throw new InputError(`${name}: rows ${rowStart + 1} to ${rowEnd}, column "${column}": can not be read: ${messageOf(error)}`);
  }
}

function valueOf(value: unknown): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.getTime();
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));
}

/** A whole number of 64 bits keeps all its digits. */
function textOf(value: unknown): Value {
  if (typeof value === "bigint") return String(value);
  const plain = valueOf(value);
  return plain === null ? null : String(plain);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
