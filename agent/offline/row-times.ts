/** The times of a batch of rows. */
import type { Value } from "../../detectors/reference/reference.ts";
import { InputError, quoted } from "./input-error.ts";
import type { Batch } from "./table.ts";
import { parseTimeMs, timeExpected } from "./times.ts";

/** Milliseconds since the epoch, one a row. @param name of the file. Throws an InputError for the first row that has none. */
export function timesOf(name: string, column: string, { first, columns }: Batch): Float64Array {
  return Float64Array.from(columns.get(column) as readonly Value[], (value, row) => {
    const atMs = parseTimeMs(value);
    if (atMs === undefined) throw new InputError(`${name}: row ${first + row + 1}, column ${quoted(column)}: expected ${timeExpected}, got ${quoted(String(value ?? ""))}`);
    return atMs;
  });
}
